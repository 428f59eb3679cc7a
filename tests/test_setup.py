"""The set-up: locks, browser files, make targets, versions, backup."""

import json
import os
import re
import shutil
import sqlite3
import stat
import subprocess
import sys
import tomllib
from contextlib import closing
from pathlib import Path

import pytest

import web
from deploy import backup, vendor

ROOT = Path(__file__).parent.parent
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
BROWSER_PACKAGES = json.loads((ROOT / "package.json").read_text("utf-8"))["dependencies"]


# Locks


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_locked_requirement_has_a_version_and_a_hash(lock: Path) -> None:
    joined = re.sub(r"\\\n", " ", lock.read_text("utf-8"))
    lines = [line for line in joined.splitlines() if line and not line.lstrip().startswith("#")]
    assert lines
    for line in lines:
        assert re.match(r"[a-z0-9-]+(\[[a-z,]+\])?==[\w.]+ ", line), line
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", line), line


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_holds_what_was_asked_for_and_no_address(lock: Path) -> None:
    text = lock.read_text("utf-8")
    assert "://" not in text
    asked = lock.with_suffix(".in").read_text("utf-8")
    locked = set(re.findall(r"^([a-z0-9-]+)(?:\[.*?\])?==", text, re.MULTILINE))
    for name in re.findall(r"^([a-z0-9-]+)", asked, re.MULTILINE):
        assert name.startswith("-") or name in locked, f"run make lock: {name} is new"


def test_tests_run_on_the_versions_that_a_centre_runs_on() -> None:
    pins = {
        lock.stem: set(re.findall(r"^(\S+==[\w.]+)", lock.read_text("utf-8"), re.MULTILINE))
        for lock in LOCKS
    }
    assert pins["run"] <= pins["dev"]


def test_the_browser_lock_agrees_with_package_json_and_has_hashes() -> None:
    packages = json.loads((ROOT / "package-lock.json").read_text("utf-8"))["packages"]
    assert packages.pop("")["dependencies"] == BROWSER_PACKAGES
    for name, entry in packages.items():
        assert entry["version"] == BROWSER_PACKAGES[name.removeprefix("node_modules/")]
        assert entry["integrity"].startswith("sha512-")
        assert "resolved" not in entry


# Browser files


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small project with a package.json and what npm would have put into node_modules/."""
    (tmp_path / "package.json").write_text(json.dumps({"dependencies": BROWSER_PACKAGES}))
    for name, version in BROWSER_PACKAGES.items():
        folder = tmp_path / "node_modules" / name
        (folder / "files").mkdir(parents=True)
        (folder / "dist").mkdir()
        (folder / "package.json").write_text(json.dumps({"version": version}))
        (folder / "LICENSE").write_text("may be used")
        (folder / "dist" / "htmx.min.js").write_text("htmx")
        (folder / "build").mkdir()
        (folder / "build" / "index.modern.esm.js").write_text("keyboard")
        for weight in ("400", "600", "700", "800"):
            font = f"files/be-vietnam-pro-vietnamese-{weight}-normal.woff2"
            (folder / font).write_bytes(b"font")
            css = f"src: url(./{font}) format('woff2'), url(./{font[:-1]}) format('woff');"
            (folder / f"{weight}.css").write_text(css)
        (folder / "LICENSE_FONT").write_text("may be used")
        for style in ("400Regular", "400Regular_Italic", "700Bold", "700Bold_Italic", "500Medium"):
            (folder / style).mkdir()
            (folder / style / f"Tinos_{style}.ttf").write_bytes(b"font")
    return tmp_path


def test_the_vendor_folder_holds_what_pages_and_documents_use_and_nothing_else(
    project: Path,
) -> None:
    stale = project / "static" / "vendor" / "htmx-0.1"
    stale.mkdir(parents=True)
    for _ in range(2):
        vendor.copy(project)
    folder = project / "static" / "vendor"
    font = f"be-vietnam-pro-{BROWSER_PACKAGES['@fontsource/be-vietnam-pro']}"
    htmx = f"htmx-{BROWSER_PACKAGES['htmx.org']}"
    keyboard = f"simple-keyboard-{BROWSER_PACKAGES['simple-keyboard']}"
    tinos = f"tinos-{BROWSER_PACKAGES['@expo-google-fonts/tinos']}"
    styles = ("400Regular", "400Regular_Italic", "700Bold", "700Bold_Italic")
    found = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
    weights = ("400", "600", "700")
    assert found == {
        f"{htmx}/htmx.min.js",
        f"{htmx}/LICENSE",
        f"{keyboard}/index.modern.esm.js",
        f"{keyboard}/LICENSE",
        f"{font}/LICENSE",
        *(f"{font}/{weight}.css" for weight in weights),
        *(f"{font}/files/be-vietnam-pro-vietnamese-{weight}-normal.woff2" for weight in weights),
        f"{tinos}/LICENSE_FONT",
        *(f"{tinos}/Tinos_{style}.ttf" for style in styles),
    }
    assert not stale.exists()


def test_the_pages_look_where_the_set_up_puts_the_files(project: Path) -> None:
    vendor.copy(project)
    for package, file in (("htmx.org", "htmx.min.js"), ("@fontsource/be-vietnam-pro", "400.css")):
        assert (project / web.vendor(package, file).lstrip("/")).is_file()


def test_another_version_than_the_named_one_is_refused(project: Path) -> None:
    (project / "node_modules" / "htmx.org" / "package.json").write_text('{"version": "3.0.0"}')
    with pytest.raises(SystemExit, match=r"htmx\.org 3\.0\.0 is installed"):
        vendor.copy(project)


def test_a_package_without_a_list_of_files_is_refused(project: Path) -> None:
    wanted = {"dependencies": {**BROWSER_PACKAGES, "leftpad": "1.0.0"}}
    (project / "package.json").write_text(json.dumps(wanted))
    with pytest.raises(SystemExit, match="leftpad"):
        vendor.copy(project)


# make


def make(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    # A make that runs these tests would pass its own flags on.
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        ["make", *arguments],
        cwd=ROOT,
        env={**clean, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_make_alone_lists_every_target_for_people() -> None:
    listed = make().stdout
    assert make("help").stdout == listed
    for target in ("setup", "run", "demo", "test", "bench", "check", "lock", "clean", "help"):
        assert re.search(rf"^  make {target} +\S", listed, re.MULTILINE), target


def fake_python(folder: Path, version: str, *, has_ensurepip: bool) -> None:
    """A python3 that claims a version and may lack the modules that Debian packs apart."""
    major, minor, _ = version.split(".")
    script = f"""#!/bin/sh
case "$2" in
  *platform*) echo {version} ;;
  *version_info\\ \\<*) [ {minor} -ge 11 ] ;;
  *ensurepip*) {"true" if has_ensurepip else "echo No module named ensurepip >&2; false"} ;;
  *-venv*) echo python{major}.{minor}-venv ;;
esac
"""
    program = folder / "python3"
    program.write_text(script)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


@pytest.mark.parametrize(
    ("version", "has_ensurepip", "said"),
    [
        ("3.11.2", False, "apt-get install python3.11-venv"),
        ("3.9.2", True, "Python 3.11 or later is needed; found only: python3=3.9.2"),
        (None, True, "No Python was found"),
    ],
)
def test_what_the_machine_lacks_is_named(
    tmp_path: Path, version: str | None, has_ensurepip: bool, said: str
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    if version is not None:
        fake_python(programs, version, has_ensurepip=has_ensurepip)
    shell = shutil.which("sh")
    assert shell is not None
    done = subprocess.run(
        [shell, ROOT / "deploy" / "venv.sh", tmp_path / "venv"],
        env={"PATH": str(programs)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert said in done.stderr
    assert not (tmp_path / "venv").exists()


def test_every_shell_script_is_read_by_the_shell() -> None:
    scripts = [*(ROOT / "deploy").glob("*.sh"), ROOT / ".ci" / "run"]
    for script in scripts:
        shell = "bash" if script.name == "run" else "sh"
        subprocess.run([shell, "-n", script], check=True)


# Versions


def test_the_version_is_the_newest_of_the_changelog() -> None:
    changelog = ROOT / "CHANGELOG.md"
    if not changelog.exists():
        pytest.skip("CHANGELOG.md is not there yet")
    newest = re.search(r"^## v?(\d+\.\d+\.\d+)", changelog.read_text("utf-8"), re.MULTILINE)
    assert newest is not None
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert newest[1] == project["version"]
    for file in ("package.json", "package-lock.json"):
        assert json.loads((ROOT / file).read_text("utf-8"))["version"] == newest[1]


# Backup


def test_a_backup_of_a_database_in_use_holds_every_committed_row(tmp_path: Path) -> None:
    data = tmp_path / "var"
    data.mkdir()
    (data / "notes.txt").write_text("not a database")
    live = sqlite3.connect(data / "hailong.db", isolation_level=None)
    live.execute("PRAGMA journal_mode=WAL")
    live.execute("PRAGMA wal_autocheckpoint=0")
    live.execute("CREATE TABLE answer (id INTEGER PRIMARY KEY)")
    live.executemany("INSERT INTO answer VALUES (?)", [(n,) for n in range(1000)])
    live.execute("BEGIN IMMEDIATE")
    live.execute("INSERT INTO answer VALUES (5000)")  # not committed: not in the copy

    assert backup.main(["--to", str(tmp_path / "to"), "--var", str(data)]) == 0

    (copy,) = (tmp_path / "to").glob("*-*")
    assert re.fullmatch(r"hailong-\d{8}T\d{6}Z\.db", copy.name)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    restored = sqlite3.connect(copy)
    assert restored.execute("SELECT count(*), max(id) FROM answer").fetchone() == (1000, 999)
    restored.close()
    live.close()


def test_two_files_of_one_name_are_two_backups_and_the_demonstration_none(tmp_path: Path) -> None:
    var, to = tmp_path / "var", tmp_path / "to"
    for number, folder in enumerate(("aggregator", "kiosk", "demo/aggregator")):
        (var / folder).mkdir(parents=True)
        with closing(sqlite3.connect(var / folder / "data.sqlite3")) as database:
            database.execute(f"CREATE TABLE t AS SELECT {number} AS number")
            database.commit()
    assert backup.main(["--to", str(to), "--var", str(var)]) == 0
    kept = {}
    for file in to.glob("*-*"):
        with closing(sqlite3.connect(file)) as copy:
            kept[file.name.rpartition("-")[0]] = copy.execute("SELECT number FROM t").fetchone()[0]
    assert kept == {"aggregator-data": 0, "kiosk-data": 1}


def test_a_backup_has_every_centre_of_a_province(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    var, to = tmp_path / "var", tmp_path / "to"
    file = tmp_path / "province.toml"
    places = {"tan_phong": var / "tan_phong" / "aggregator" / "hailong.sqlite3"}
    places["doan_ket"] = tmp_path / "elsewhere" / "old.db"
    for path in places.values():
        path.parent.mkdir(parents=True)
        with closing(sqlite3.connect(path)) as database:
            database.execute("CREATE TABLE t (number)")
            database.commit()
    file.write_text(
        "".join(
            f'[[centres]]\nid = "{id}"\ndatabase = "sqlite:///{path}"\n'
            for id, path in places.items()
        )
    )
    monkeypatch.setenv("HAILONG_PROVINCE", str(file))
    assert backup.main(["--to", str(to), "--var", str(var)]) == 0
    copies = sorted(copy.name.rpartition("-")[0] for copy in to.glob("*-*"))
    assert copies == ["doan_ket", "tan_phong-aggregator-hailong"]
    file.unlink()
    assert backup.main(["--to", str(to), "--var", str(var)]) == 1
    assert "HAILONG_PROVINCE" in capsys.readouterr().err


def test_old_backups_go_and_those_of_other_databases_stay(tmp_path: Path) -> None:
    to = tmp_path / "to"
    to.mkdir()
    for day in range(1, 6):
        (to / f"hailong-2020010{day}T000000Z.db").touch()
    (to / "outbox-20200101T000000Z.db").touch()
    source = tmp_path / "hailong.db"
    connection = sqlite3.connect(source)
    connection.execute("CREATE TABLE answer (id INTEGER)")
    connection.close()
    assert backup.main(["--to", str(to), "--keep", "3", str(source)]) == 0
    names = sorted(file.name for file in to.glob("*-*"))
    assert names[:2] == ["hailong-20200104T000000Z.db", "hailong-20200105T000000Z.db"]
    assert names[-1] == "outbox-20200101T000000Z.db"
    assert len(names) == 4


def test_a_damaged_database_is_reported_and_no_backup_of_it_is_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "hailong.db"
    broken.write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    assert backup.main(["--to", str(tmp_path / "to"), str(broken)]) == 1
    assert "hailong.db" in capsys.readouterr().err
    assert [one.name for one in (tmp_path / "to").iterdir()] == ["backup.json"]


@pytest.mark.postgresql
def test_a_backup_of_postgresql_can_be_restored(fresh_postgresql: str, tmp_path: Path) -> None:
    psycopg = pytest.importorskip("psycopg")
    address = fresh_postgresql.replace("+psycopg", "")
    with psycopg.connect(address) as connection:
        connection.execute("CREATE TABLE answer (id INTEGER)")
        connection.execute("INSERT INTO answer SELECT generate_series(1, 10)")
    assert backup.main(["--to", str(tmp_path), fresh_postgresql]) == 0
    (copy,) = tmp_path.glob("*.dump")
    with psycopg.connect(address) as connection:
        connection.execute("DROP TABLE answer")
    subprocess.run(["pg_restore", "--dbname", address, copy], check=True)
    with psycopg.connect(address) as connection:
        assert connection.execute("SELECT count(*) FROM answer").fetchone() == (10,)


def test_the_backup_needs_nothing_but_python() -> None:
    """It must work on the day when the environment does not."""
    done = subprocess.run(
        [sys.executable, "-S", ROOT / "deploy" / "backup.py", "--help"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert "--to" in done.stdout
