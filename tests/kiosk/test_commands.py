"""The command line: look into the outbox, let rows go again, print the codes."""

import json
import re
from pathlib import Path

import pytest

import serving
from kiosk.__main__ import main
from kiosk.outbox import Outbox
from kiosk.uploader import NOT_ADMITTED
from surveys.centre import load_centre
from surveys.wire import Receipt
from tests.kiosk.conftest import CENTRE, poster_code, submission


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HAILONG_CENTRE", str(CENTRE))
    monkeypatch.setenv("HAILONG_VAR", str(tmp_path))
    monkeypatch.setenv("HAILONG_PUBLIC_URL", "https://danhgia.example")


@pytest.fixture
def refused(tmp_path: Path) -> str:
    """An outbox with one row that waits and one that was refused; the id of the latter."""
    box, row = Outbox(tmp_path / "kiosk" / "outbox.sqlite3"), submission()
    box.add_all([submission(), row])
    box.settle({str(row.id): Receipt(id=str(row.id), status="refused", reason="too old")})
    box.close()
    return str(row.id)


def test_the_outbox_is_listed_with_reasons(
    refused: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--lang", "en", "outbox"]) == 0
    printed = capsys.readouterr().out
    assert f"refused  {refused}" in printed
    assert "refused: too old" in printed
    assert printed.splitlines()[-1] == "pending 1, refused 1, last delivery never"


def test_vietnamese_by_default_with_local_times(
    refused: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["outbox"]) == 0
    printed = capsys.readouterr().out
    assert re.search(rf"bị từ chối  {refused}  \d\d/\d\d/\d{{4}} \d\d:\d\d  in_centre", printed)
    last = "đang chờ 1, bị từ chối 1, lần gửi được gần nhất: chưa có"
    assert printed.splitlines()[-1] == last


@pytest.mark.parametrize("which", ["--all", "id"])
def test_refused_rows_are_let_go_again(
    refused: str, which: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["outbox", "retry", refused if which == "id" else which]) == 0
    main(["--lang", "en", "outbox"])
    assert "pending 2, refused 0" in capsys.readouterr().out


def test_an_unknown_id_is_told_by_the_exit_status(refused: str) -> None:
    assert main(["outbox", "retry", "no-such-id"]) == 1


def test_codes_are_printed_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "codes"
    arguments = ["codes", "--department", "so_tu_phap", "--png", str(folder), "--svg", str(folder)]
    assert main([*arguments, "--terminal"]) == 0
    printed = capsys.readouterr().out
    code = poster_code(tmp_path, "so_tu_phap", "q05")
    assert f"citizen   https://danhgia.example/f/{code}  Sở Tư pháp" in printed
    assert "█" in printed
    png = (folder / "so_tu_phap-q05-citizen.png").read_bytes()
    assert png.startswith(b"\x89PNG")
    assert (folder / "so_tu_phap-q05-business.svg").read_text("utf-8").startswith("<svg")


def test_the_outbox_says_why_nothing_is_delivered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    box = Outbox(tmp_path / "kiosk" / "outbox.sqlite3")
    box.note_problem(f"the aggregator answered {NOT_ADMITTED}")
    main(["--lang", "en", "outbox"])
    printed = capsys.readouterr().out
    assert "answered 401: no or wrong HAILONG_DEVICE_TOKEN" in printed
    assert "python -m aggregator device add NAME" in printed
    box.note_problem(None)
    box.close()
    main(["outbox"])
    assert "401" not in capsys.readouterr().out


@pytest.mark.parametrize("token", ["", "secret"])
def test_a_kiosk_without_a_token_says_so_at_its_start(
    token: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HAILONG_DEVICE_TOKEN", token)
    monkeypatch.setattr(serving, "serve", lambda app, host, port: 0)
    assert main(["serve"]) == 0
    said = capsys.readouterr().err
    assert ("HAILONG_DEVICE_TOKEN còn trống" in said) == (not token)


def test_codes_without_an_address_are_those_of_make_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("HAILONG_PUBLIC_URL")
    monkeypatch.setenv("HAILONG_KIOSK_HOST", "10.1.2.3")
    monkeypatch.setenv("HAILONG_KIOSK_PORT", "9123")
    assert main(["codes", "--department", "so_tu_phap"]) == 0
    printed = capsys.readouterr()
    assert "http://10.1.2.3:9123/f/" in printed.out
    assert "CẢNH BÁO: http://10.1.2.3:9123" in printed.err
    assert "Hãy đặt một địa chỉ lâu dài" in printed.err


def test_codes_that_only_this_machine_can_open_are_warned_of(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("HAILONG_PUBLIC_URL")
    monkeypatch.setenv("HAILONG_HOST", "127.0.0.1")
    assert main(["--lang", "en", "codes"]) == 0
    printed = capsys.readouterr()
    assert "http://127.0.0.1:8001/f/" in printed.out
    assert "opens on this machine only" in printed.err


def test_codes_of_a_network_are_warned_of_also_where_they_were_set(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HAILONG_PUBLIC_URL", "http://quay05.local:8001")
    assert main(["--lang", "en", "codes"]) == 0
    assert "WARNING: http://quay05.local:8001 is an address of the local" in capsys.readouterr().err
    monkeypatch.setenv("HAILONG_PUBLIC_URL", "https://danhgia.example")
    assert main(["codes"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("HAILONG_CENTRE", "nowhere.toml", "nowhere.toml: cannot be read"),
        ("HAILONG_PORT", "many", "HAILONG_PORT:"),
        ("HAILONG_COUNTER", "q99", "HAILONG_COUNTER: lai_chau has no counter 'q99'"),
    ],
)
def test_what_cannot_work_is_said_at_once(
    name: str,
    value: str,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(name, value)
    assert main(["codes"]) == 2
    assert words in capsys.readouterr().err


def test_a_preview_is_of_the_true_screens_and_touches_no_outbox(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, made = tmp_path / "centre.json", tmp_path / "screens.json"
    source.write_text(load_centre(CENTRE).model_dump_json(exclude_defaults=True), "utf-8")
    command = ["--lang", "en", "preview", str(source), str(made), "--survey"]
    names = {
        "in_centre": ["touch faces", "touch thanks", "phone citizen"],
        "business": ["phone business", *(f"phone step/{number}" for number in range(1, 12))],
        "paper_ballot_2020": [],  # is asked nowhere
    }
    for survey, wanted in names.items():
        assert main([*command, survey]) == 0
        drawn = json.loads(made.read_text("utf-8"))
        assert [f"{device} {name}" for device, name, _ in drawn] == wanted
        for _, _, html in drawn:
            assert re.findall(r"<script[^>]*>", html) == re.findall(
                r"<script.*preview\.js.*?>", html
            )
            assert "http-equiv" not in html
    assert not (tmp_path / "kiosk").exists()
    assert main([*command, "nobody"]) == 2
    source.write_text("{", "utf-8")
    assert main([*command, "in_centre"]) == 2
    printed = capsys.readouterr().err
    assert "there is no survey “nobody”" in printed
    assert f"{source}: " in printed
