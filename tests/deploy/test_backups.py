"""Backups to another machine, restoring them, and the drill: with real rsync and restic."""

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from aggregator.intake.ingest import Ingest, Offer
from aggregator.storage.store import Store
from deploy import backup, drill, restore
from surveys.centre import load_centre
from surveys.definition import load_surveys
from tests.aggregator.conftest import CENTRE, Clock, ratings
from tests.conftest import missing
from tests.programs import free_port


def installed(program: str) -> None:
    if shutil.which(program) is None:
        missing(f"no {program} (Debian: apt-get install {program})")


@pytest.fixture
def live(migrated_sqlite: str) -> Path:
    """A centre's database with a few ratings."""
    store = Store(migrated_sqlite)
    ingest = Ingest(store, load_surveys(), load_centre(CENTRE), Clock())
    ingest.accept([Offer(ratings([5, 4, 3]), "en")])
    store.close()
    return Path(migrated_sqlite.removeprefix("sqlite:///"))


def number_of(database: Path) -> int:
    with closing(sqlite3.connect(database)) as opened:
        return int(opened.execute("SELECT count(*) FROM submission").fetchone()[0])


def outcome(folder: Path, what: str) -> bool:
    return bool(json.loads((folder / f"{what}.json").read_text())["ok"])


@contextmanager
def another_machine(folder: Path) -> Iterator[str]:
    """An rsync server whose module ``copies`` is a folder; yields its address."""
    installed("rsync")
    port = free_port()
    settings = folder.parent / "rsyncd.conf"
    settings.write_text(
        f"use chroot = no\n[copies]\npath = {folder}\nread only = no\n"
        + (f"uid = {os.getuid()}\ngid = {os.getgid()}\n" if os.getuid() == 0 else "")
    )
    command = ["rsync", "--daemon", "--no-detach", f"--port={port}", "--address=127.0.0.1"]
    server = subprocess.Popen([*command, f"--config={settings}"])
    try:
        for _ in range(500):
            with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            threading.Event().wait(0.02)
        yield f"rsync://127.0.0.1:{port}/copies/"
    finally:
        server.terminate()
        server.wait()


def test_copies_go_to_another_machine_and_nothing_there_is_written_over(
    live: Path, tmp_path: Path
) -> None:
    to, there = tmp_path / "to", tmp_path / "there"
    there.mkdir()
    with another_machine(there) as address:
        words = ["--to", str(to), "--also", address, "--keep", "1", str(live)]
        assert backup.main(words) == 0
        [copy] = there.iterdir()
        assert number_of(copy) == 3
        assert copy.stat().st_mode & 0o777 == 0o600
        assert outcome(to, "backup")
        # Whatever happens to the copy here, the one over there stays as it was.
        [here] = to.glob("*.db")
        here.write_bytes(b"scrambled")
        backup.send(to, address)
        assert number_of(copy) == 3
        assert drill.main([str(to), "--also", address]) == 0
        assert drill.main([str(to)]) == 1
    assert backup.main(words) == 1  # the other machine is away
    assert not outcome(to, "backup")
    assert copy.exists()


def test_copies_go_into_a_restic_repository_and_come_back(
    live: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed("restic")
    to, repository = tmp_path / "to", tmp_path / "repository"
    (tmp_path / "password").write_text("mật khẩu của kho\n")
    monkeypatch.setenv("RESTIC_PASSWORD_FILE", str(tmp_path / "password"))
    monkeypatch.setenv("RESTIC_CACHE_DIR", str(tmp_path / "cache"))
    subprocess.run(["restic", "-q", "-r", str(repository), "init"], check=True)
    assert backup.main(["--to", str(to), "--also", f"restic:{repository}", str(live)]) == 0
    for copy in to.glob("*.db"):
        copy.unlink()
    fetched = drill.fetched(f"restic:{repository}", tmp_path)
    [copy] = drill.newest(fetched)
    assert number_of(copy) == 3


def test_a_restore_writes_over_nothing_that_is_there(
    live: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to = tmp_path / "to"
    assert backup.main(["--to", str(to), str(live)]) == 0
    [copy] = to.glob("*.db")
    with closing(sqlite3.connect(live)) as opened:
        opened.execute("DELETE FROM submission")
        opened.commit()
    assert restore.main([str(copy), str(live)]) == 1
    assert "is there" in capsys.readouterr().err
    with closing(sqlite3.connect(live)) as user:
        user.execute("SELECT count(*) FROM submission").fetchone()
        assert restore.main([str(copy), str(live), "--instead"]) == 1
    assert "in use" in capsys.readouterr().err
    assert number_of(live) == 0
    assert restore.main([str(copy), str(live), "--instead"]) == 0
    assert number_of(live) == 3
    assert live.stat().st_mode & 0o777 == 0o600
    [kept] = [one for one in tmp_path.glob("hailong.db.before-*") if one.suffix != ".db-wal"]
    assert number_of(kept) == 0
    copy.write_bytes(copy.read_bytes()[:5_000])
    assert restore.main([str(copy), str(live), "--instead"]) == 1
    assert number_of(live) == 3


@pytest.mark.postgresql
def test_a_dump_is_restored_into_an_empty_database_alone(
    migrated_postgresql: str, fresh_postgresql: str, tmp_path: Path
) -> None:
    assert backup.main(["--to", str(tmp_path), migrated_postgresql]) == 0
    [copy] = tmp_path.glob("*.dump")
    assert restore.main([str(copy), migrated_postgresql]) == 1
    assert restore.main([str(copy), fresh_postgresql]) == 0
    assert restore.main([str(copy), fresh_postgresql]) == 1
    assert drill.main([str(tmp_path)]) == 0


def test_a_drill_finds_answers_that_are_not_what_came_in(
    live: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to = tmp_path / "to"
    assert drill.main([str(tmp_path)]) == 1
    assert not outcome(tmp_path, "drill")
    with closing(sqlite3.connect(live)) as opened:
        opened.execute("UPDATE submission SET answers = '{}'")
        opened.commit()
    assert backup.main(["--to", str(to), str(live)]) == 0
    assert drill.main([str(to)]) == 1
    assert not outcome(to, "drill")
    assert capsys.readouterr().err.strip()
