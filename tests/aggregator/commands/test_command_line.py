"""``python -m aggregator``: what it prints, where, and its exit status."""

import csv
import io
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pypdf import PdfReader

from aggregator.__main__ import main
from aggregator.dashboard.accounts import Accounts
from aggregator.storage.store import Store
from tests.aggregator.conftest import CENTRE, GOLDEN, PASSWORD, ROOT, Clock, stored, tallies
from tests.files.making import csv as offices_csv
from tests.files.making import workbook
from tests.files.offices import GUIDE, HEAD, ROWS, changed
from tests.programs import free_port

Run = subprocess.CompletedProcess[str]
Program = Callable[..., Run]


def environment(folder: Path, **settings: str) -> dict[str, str]:
    given = {"HAILONG_CENTRE": str(CENTRE), "HAILONG_VAR": str(folder / "var")}
    return given | {f"HAILONG_{name.upper()}": value for name, value in settings.items()}


@pytest.fixture
def program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Program:
    """Runs the command line on a folder of the test's own; settings by keyword."""

    def run(*arguments: str, stdin: str = "", **settings: str) -> Run:
        with monkeypatch.context() as patch:
            for name, value in environment(tmp_path, **settings).items():
                patch.setenv(name, value)
            patch.setattr(sys, "stdin", io.StringIO(stdin))
            status = main(arguments)
        said = capsys.readouterr()
        return Run(arguments, status, said.out, said.err)

    return run


def own_process(folder: Path, *arguments: str) -> Run:
    """The same as a process of its own, as systemd or a shell runs it."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "aggregator", *arguments],
        cwd=ROOT,
        env=os.environ | environment(folder),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def ready(program: Program) -> Program:
    """The command line on a migrated database."""
    assert program("migrate").returncode == 0
    return program


def opened(tmp_path: Path) -> Store:
    return Store(f"sqlite:///{tmp_path / 'var' / 'aggregator' / 'hailong.sqlite3'}")


def test_it_runs_as_a_process_of_its_own(tmp_path: Path) -> None:
    refused = own_process(tmp_path, "serve")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "python -m aggregator migrate" in refused.stderr
    assert "Traceback" not in refused.stderr
    migrated = own_process(tmp_path, "migrate")
    assert (migrated.returncode, migrated.stdout, migrated.stderr) == (0, "", "")
    made = own_process(tmp_path, "device", "add", "q05")
    assert (made.returncode, made.stderr) == (0, "")
    [token] = made.stdout.splitlines()
    store = opened(tmp_path)
    assert Accounts(store, Clock()).holder("device", token) == "q05"
    store.close()


def test_a_command_that_finds_no_database_makes_none(program: Program, tmp_path: Path) -> None:
    for arguments in (("import", str(GOLDEN)), ("user", "list"), ("rebuild",), ("export", "-")):
        refused = program(*arguments)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert "python -m aggregator migrate" in refused.stderr
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_import_export_and_rebuild_from_end_to_end(ready: Program, tmp_path: Path) -> None:
    done = ready("import", str(GOLDEN))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "accepted 3565, duplicate 0, conflict 0, refused 0"
    again = ready("import", str(GOLDEN))
    assert again.stdout.splitlines()[-1] == "accepted 0, duplicate 3565, conflict 0, refused 0"
    assert again.returncode == 0
    store = opened(tmp_path)
    before = tallies(store)
    assert ready("rebuild").returncode == 0
    assert tallies(store) == before
    store.close()
    to_pipe = ready("export", "-")
    assert to_pipe.returncode == 0
    assert len(list(csv.DictReader(to_pipe.stdout.splitlines()))) == 3565
    file = tmp_path / "out.csv"
    assert ready("export", str(file)).returncode == 0
    assert file.read_text("utf-8") == "\ufeff" + to_pipe.stdout  # the mark is for Excel
    assert (tmp_path / "out.codebook.csv").is_file()
    assert list(tmp_path.glob("*.part")) == []
    missing = ready("export", str(tmp_path / "nowhere" / "out.csv"))
    assert missing.returncode == 1
    assert "nowhere" in missing.stderr


@pytest.mark.parametrize(("lang", "reason"), [("vi", "dòng 3: "), ("en", "line 3: ")])
def test_an_import_with_a_bad_line_ends_with_1_and_says_which(
    ready: Program, tmp_path: Path, lang: str, reason: str
) -> None:
    rows = [
        "survey,answered_at,rating",
        *(f"in_centre,2026-01-0{n}T08:00:00+07:00,5" for n in "123"),
    ]
    rows[2] = rows[2].replace(",5", ",7")
    (tmp_path / "in.csv").write_text("\n".join(rows), "utf-8")
    done = ready("--lang", lang, "import", str(tmp_path / "in.csv"))
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "accepted 2, duplicate 0, conflict 0, refused 1"
    assert reason in done.stderr.lower()
    assert "answers.rating" in done.stderr
    store = opened(tmp_path)
    assert len(stored(store)) == 2
    store.close()


def test_tokens_are_printed_once_alone_on_the_last_line(ready: Program, tmp_path: Path) -> None:
    store = opened(tmp_path)
    for kind in ("device", "reader"):
        made = ready(kind, "add", "quầy 05")
        assert made.returncode == 0
        token = made.stdout.splitlines()[-1]
        assert token == token.strip()
        assert " " not in token
        assert Accounts(store, Clock()).holder(kind, token) == "quầy 05"
        listed = ready(kind, "list")
        assert listed.stdout.startswith("quầy 05\t")
        assert token not in listed.stdout
    store.close()
    assert ready("device", "add", "quầy 05").returncode == 1  # the name is taken
    assert ready("device", "renew", "quầy 05").returncode == 0
    assert ready("device", "remove", "quầy 05").returncode == 0
    gone = ready("device", "remove", "quầy 05")
    assert gone.returncode == 1
    assert "quầy 05" in gone.stderr
    assert ready("reader", "list").stdout


def test_accounts_by_password_from_standard_input_and_by_link(
    ready: Program, tmp_path: Path
) -> None:
    assert ready("user", "add", "an", "--role", "manager", stdin=f"{PASSWORD}\n").returncode == 0
    short = ready("user", "add", "bình", stdin="ngắn\n")
    assert short.returncode == 1
    assert short.stderr.startswith("mật khẩu:")
    link = ready("user", "link", "an", dashboard_url="https://tally.example/")
    address = link.stdout.splitlines()[-1]
    assert address.startswith("https://tally.example/sign-in/")
    store = opened(tmp_path)
    assert [(u.name, u.role) for u in store.credentials.users()] == [("an", "manager")]
    accounts = Accounts(store, Clock())
    assert accounts.is_password("an", PASSWORD)
    assert not accounts.is_password("an", PASSWORD[:-1])
    store.close()
    unknown = ready("user", "link", "nobody")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert "nobody" in unknown.stderr


@pytest.mark.parametrize(
    "command", [["serve"], ["import", str(GOLDEN)], ["device", "add", "x"], ["rebuild"]]
)
def test_an_unmigrated_database_is_refused_with_what_to_do(
    program: Program, command: list[str]
) -> None:
    done = program(*command)
    assert (done.returncode, done.stdout) == (1, "")
    assert "python -m aggregator migrate" in done.stderr


BROKEN = {
    "port": ({"port": "http"}, "HAILONG_PORT"),
    "demo": ({"demo": "perhaps"}, "HAILONG_DEMO"),
    "not a database": ({"database_url": "hailong.db"}, "HAILONG_DATABASE_URL"),
    "unknown database": ({"database_url": "mysql://x/y"}, "mysql"),
    "no such server": ({"database_url": f"postgresql://x@127.0.0.1:{free_port()}/y"}, "refused"),
    "folder under a file": ({"var": str(GOLDEN)}, "lai_chau_2020.csv"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_setting_is_named(program: Program, name: str) -> None:
    settings, said = BROKEN[name]
    done = program("migrate", **settings)
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr


def test_a_broken_centre_file_is_named_with_its_key(ready: Program, tmp_path: Path) -> None:
    text = CENTRE.read_text("utf-8").replace("Asia/Ho_Chi_Minh", "Asia/Nowhere")
    (tmp_path / "hong.toml").write_text(text, "utf-8")
    for file, said in (("hong.toml", "time_zone"), ("none.toml", "none.toml")):
        done = ready("serve", centre=str(tmp_path / file), port=str(free_port()))
        assert done.returncode == 1
        assert file in done.stderr
        assert said in done.stderr


def test_the_centre_is_exported_changed_imported_and_listed(ready: Program, tmp_path: Path) -> None:
    file = tmp_path / "next.toml"
    assert ready("centre", "export", str(file)).returncode == 0
    printed = ready("centre", "export", "-").stdout
    assert printed == file.read_text("utf-8")
    assert ready("import", str(GOLDEN)).returncode == 0
    whole, named = printed, 'id = "so_tu_phap"\n'
    assert named in whole
    file.write_text(whole.replace(named, named + "closed = 2026-10-01\n"), "utf-8")
    refused = ready("centre", "import", str(file))
    assert refused.returncode == 1
    assert "so_tu_phap closes on 2026-10-01, but its counter q05 is open" in refused.stderr
    file.write_text(whole.replace('vi = "Quầy 01"', 'vi = "Bàn 01"'), "utf-8")
    done = ready("centre", "import", str(file), "--reason", "đổi chữ")
    assert done.stdout == (
        "Sửa tên Quầy 01 thành Bàn 01, cho mọi thời kỳ.\nPhiên bản 2 đang được dùng.\n"
    )
    again = ready("centre", "import", str(file))
    assert "Không có gì thay đổi" in again.stderr
    listed = ready("--lang", "en", "centre", "list").stdout.splitlines()
    assert [line.split("\t")[0] for line in listed] == ["2", "", "1"]
    assert listed[0].endswith("\t-\tđổi chữ")
    assert listed[2].endswith("\t-\tlai_chau.toml")
    assert ready("centre", "import", str(tmp_path / "none.toml")).returncode == 1


def test_a_table_of_an_office_is_taken_replaced_and_withdrawn(
    ready: Program, tmp_path: Path
) -> None:
    """What the screen asks somebody to choose, the command asks for by an option."""
    months = tmp_path / "Quý IV.xlsx"
    months.write_bytes(workbook({"Hướng dẫn": GUIDE, "Tháng 11": [HEAD, *ROWS], "Bìa": GUIDE}))
    mended = tmp_path / "sửa.csv"
    mended.write_bytes(offices_csv(changed(0, 0, "30/02/2026"), ";").encode())

    def desk(*options: str) -> Run:
        return ready("desk", "--kind", "ratings", *options)

    none = desk(str(months), "--sheet", "Tháng 9")
    assert none.returncode == 1
    assert "Tháng 11" in none.stderr
    assert "3 dòng nhận được" in desk(str(months), "--check").stdout
    assert "“Quý IV – Tháng 11”: thêm 3, rút 0" in desk(str(months)).stdout
    like = desk(str(mended))
    assert like.returncode == 1
    assert "Ô A2: không có ngày “30/02/2026”" in like.stderr
    assert '--batch "Quý IV – Tháng 11"' in like.stderr
    assert "thêm 0, rút 1" in desk(str(mended), "--batch", "Quý IV – Tháng 11").stdout
    mended.write_bytes(offices_csv(changed(0, 3, "Bình thường"), ";").encode())
    assert "“khác”: thêm 3, rút 0" in desk(str(mended), "--apart", "--batch", "khác").stdout
    assert "thêm 0, rút 3" in ready("desk", "--withdraw", "khác").stdout


def test_ballots_are_printed_and_their_batch_is_made_once(ready: Program, tmp_path: Path) -> None:
    file = tmp_path / "phieu.pdf"
    given = ("ballots", str(file), "--batch", "Hòm 1")
    assert "1 đến 2.000" in ready(*given).stderr.replace("2000", "2.000"), "how many?"
    made = ready(*given, "--count", "4", "--place", "asked", "--day", "2026-11-20")
    assert (made.returncode, made.stderr) == (0, "")
    assert file.read_bytes().startswith(b"%PDF")
    again = ready(*given, "--paper", "a5", "--from", "2", "--to", "3")
    assert len(PdfReader(file).pages) == 2
    assert again.returncode == 0
    assert ready(*given, "--count", "4").returncode == 1
    beyond = ready(*given, "--to", "5")
    assert (beyond.returncode, beyond.stderr.count("\n")) == (1, 1)


def test_an_older_copy_in_the_place_of_a_database_is_noticed_by_the_next_check(
    ready: Program, tmp_path: Path
) -> None:
    """By what the check before has left outside; the database itself fits, and cannot tell."""
    check = ("verify", "--note", str(tmp_path))
    file = tmp_path / "many.csv"

    def came(day: str) -> None:
        row = f"in_centre,so_tu_phap,paper,2026-11-{day}T08:00:00+07:00,5,5"
        file.write_text(f"survey,department,channel,answered_at,count,rating\n{row}\n", "utf-8")
        assert ready("import", str(file)).returncode == 0

    came("19")
    store = opened(tmp_path)
    database = Path(str(store.engine.url.database))
    store.close()
    copy = tmp_path / "copy.db"
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    assert ready(*check).returncode == 0
    came("20")
    assert ready(*check).returncode == 0
    for end in ("-wal", "-shm"):
        database.with_name(database.name + end).unlink(missing_ok=True)
    shutil.copyfile(copy, database)
    assert ready("verify").returncode == 0
    for _ in range(2):  # until somebody has answered for it
        found = ready(*check)
        assert found.returncode == 1
        assert "phiếu số 10 và dòng 0 của sổ; nay không còn" in found.stdout
    store = opened(tmp_path)
    now = datetime.now(UTC) + timedelta(minutes=1)
    store.restores.add(now.date(), now, "quan_tri", "đĩa hỏng", ())
    store.close()
    assert ready(*check).returncode == 0
    (tmp_path / "verify.json").write_text('{"seen": {"lai_chau": ["khi nào"]}}')
    assert ready(*check).returncode == 0  # a note that nobody wrote so tells nothing
