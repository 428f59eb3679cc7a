"""One-time codes of receipts: each counts once, cannot be guessed, and is tied to no answer."""

import csv
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from starlette.testclient import TestClient

from kiosk.__main__ import main
from kiosk.one_time import UsedCodeError, burn, look_up, make
from kiosk.outbox import Outbox
from surveys.receipts import once_hash
from tests.kiosk.conftest import CENTRE, ROOT, Kiosk, hidden, submission

TODAY = date(2026, 11, 23)


@pytest.fixture
def code(lobby: Kiosk) -> str:
    """A one-time code of counter q05."""
    [made] = make(lobby.context.outbox, lobby.code(), 1, TODAY + timedelta(days=30), TODAY)
    return made


def phone(kiosk: Kiosk) -> TestClient:
    """A phone with cookies of its own."""
    return TestClient(kiosk.client.app, follow_redirects=True)


def send(kiosk: Kiosk, code: str, client: TestClient | None = None, **fields: str) -> Any:
    """What a phone posts that has opened the code's form."""
    sent = {"visit": str(uuid4()), "fingerprint": kiosk.fingerprint(), "rating": "2"}
    client = client or phone(kiosk)
    path = f"/f/{kiosk.code()}"
    return client.post(path, data={**sent, "once": code, **fields}, follow_redirects=False)


def queued(kiosk: Kiosk) -> int:
    return len(kiosk.queued())


def test_from_the_receipt_to_the_thanks_and_then_no_more(lobby: Kiosk, code: str) -> None:
    own = phone(lobby)
    page = own.get(f"/o/{code[:4].lower()}-{code[4:8]}-{code[8:]}")
    assert str(page.url).endswith(f"/f/{lobby.code()}?once={code}")
    assert hidden(page.text, "once") == code
    visit = hidden(page.text, "visit")
    assert send(lobby, code, own, visit=visit).status_code == 303
    assert "đã được ghi nhận trước đó" in own.get(f"/o/{code}").text  # its own phone
    other = phone(lobby).get(f"/o/{code}")
    assert other.status_code == 410
    assert "Mã trên biên nhận đã được dùng" in other.text
    assert send(lobby, code).status_code == 410
    assert [one["answers"] for one in lobby.queued()] == [{"rating": 2}]


def test_sent_again_it_is_one_answer(lobby: Kiosk, code: str) -> None:
    visit = str(uuid4())
    answers = [send(lobby, code, visit=visit).status_code for _ in range(3)]
    assert answers == [303] * 3
    assert queued(lobby) == 1


def test_a_form_with_errors_and_another_language_keep_the_code(lobby: Kiosk, code: str) -> None:
    wrong = send(lobby, code, rating="9")
    assert (wrong.status_code, hidden(wrong.text, "once")) == (422, code)
    switched = send(lobby, code, lang="en")
    assert hidden(switched.text, "once") == code
    assert send(lobby, code).status_code == 303


def test_of_many_at_once_one_gets_in(lobby: Kiosk, code: str) -> None:
    with ThreadPoolExecutor(8) as threads:
        statuses = list(threads.map(lambda _: send(lobby, code).status_code, range(8)))
    assert sorted(statuses) == [303] + [410] * 7
    assert queued(lobby) == 1


def test_of_two_processes_on_one_file_one_gets_in(lobby: Kiosk, code: str) -> None:
    path = lobby.context.outbox.path
    other = Outbox(path)
    used = partial(burn, code=code, form=lobby.code(), today=TODAY)
    lobby.context.outbox.add_all([submission()], used)
    with pytest.raises(UsedCodeError):
        other.add_all([submission()], used)
    other.close()
    assert queued(lobby) == 1


def test_a_process_that_ends_between_answer_and_code_leaves_neither(
    lobby: Kiosk, code: str
) -> None:
    """Killed where the answer is in the queue and the code is used, but nothing is on disk."""
    script = f"""
import os, signal
from datetime import date
from pathlib import Path
from kiosk.one_time import burn
from kiosk.outbox import Outbox
from tests.kiosk.conftest import submission

def die(connection):
    burn(connection, {code!r}, {lobby.code()!r}, date(2026, 11, 23))
    os.kill(os.getpid(), signal.SIGKILL)

Outbox(Path({str(lobby.context.outbox.path)!r})).add_all([submission()], die)
"""
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False)
    assert ended.returncode == -9
    assert queued(lobby) == 0
    assert look_up(lobby.context.outbox, code, TODAY)[0] == "good"
    assert send(lobby, code).status_code == 303


def test_an_answer_that_cannot_be_stored_leaves_the_code(lobby: Kiosk, code: str) -> None:
    outbox = lobby.context.outbox

    def fail(connection: sqlite3.Connection) -> None:
        burn(connection, code, lobby.code(), TODAY)
        raise sqlite3.OperationalError("disk I/O error")

    with pytest.raises(Exception, match="disk I/O error"):
        outbox.add_all([submission()], fail)
    assert queued(lobby) == 0
    assert look_up(outbox, code, TODAY) == ("good", lobby.code())


def test_a_code_is_of_its_form_and_until_its_day(lobby: Kiosk, code: str) -> None:
    elsewhere = f"/f/{lobby.code(counter='q06')}"
    fields = {"visit": str(uuid4()), "fingerprint": lobby.fingerprint(), "rating": "5"}
    assert lobby.client.post(elsewhere, data={**fields, "once": code}).status_code == 410
    assert lobby.client.get(f"{elsewhere}?once={code}").status_code == 410
    lobby.clock.moment += timedelta(days=31)
    assert send(lobby, code).status_code == 410
    assert phone(lobby).get(f"/o/{code}").status_code == 404
    assert queued(lobby) == 0


@pytest.mark.parametrize("guess", ["0" * 12, "0" * 11, "x" * 200, "%00", "é" * 12])
def test_a_guess_opens_nothing(lobby: Kiosk, code: str, guess: str) -> None:
    assert phone(lobby).get(f"/o/{guess}").status_code == 404
    assert send(lobby, guess).status_code == 410
    assert queued(lobby) == 0


def test_nothing_that_is_kept_ties_a_code_to_an_answer(lobby: Kiosk, code: str) -> None:
    send(lobby, code, comment="Cán bộ nhiệt tình")
    with lobby.context.outbox.disk.transaction(write=False) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(one_time)")]
        rows = connection.execute("SELECT * FROM one_time").fetchall()
        bodies = [row[0] for row in connection.execute("SELECT body FROM queue")]
    assert columns == ["hash", "form", "until", "burnt", "checksum"]
    [row] = rows  # no time, no id, no order; the checksum is over these four
    assert row[:4] == (once_hash(code), lobby.code(), "2026-12-23", 1)
    assert len(bodies) == 2
    assert not any(code in body or once_hash(code) in body for body in bodies)


def test_a_right_of_its_own_needs_no_work(make_kiosk: Callable[..., Kiosk], tmp_path: Path) -> None:
    file = tmp_path / "centre.toml"
    file.write_text(CENTRE.read_text("utf-8") + "\n[phone_form]\nforms_an_hour = 1\n", "utf-8")
    kiosk = make_kiosk(centre=file)
    codes = make(kiosk.context.outbox, kiosk.code(), 5, TODAY, TODAY)
    assert [send(kiosk, one).status_code for one in codes] == [303] * 5
    assert [send(kiosk, "").status_code for _ in range(2)] == [303, 429]


def test_the_command_prints_csv_for_other_software(
    lobby: Kiosk,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("HAILONG_VAR", str(tmp_path))
    monkeypatch.setenv("HAILONG_PUBLIC_URL", "https://gopy.example.vn")
    assert main(["codes", "--one-time", "500", "--counter", "q05", "--days", "30"]) == 0
    printed = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert len({row["code"] for row in printed}) == len(printed) == 500
    first = printed[0]
    assert first["address"] == f"https://gopy.example.vn/o/{first['code']}"
    today = date.fromisoformat(first["until"]) - timedelta(days=30)
    outbox = Outbox(tmp_path / "kiosk" / "outbox.sqlite3")
    assert look_up(outbox, first["code"], today) == ("good", lobby.code())
    for wrong in (["--one-time", "0"], ["--one-time", "5", "--days", "0"]):
        assert main(["codes", *wrong]) == 2
        assert "--one-time" in capsys.readouterr().err
    assert main(["codes", "--one-time", "5", "--counter", "q99"]) == 2
    # Those that have expired are forgotten with the next ones.
    make(outbox, lobby.code(), 1, TODAY + timedelta(days=4000), TODAY + timedelta(days=3999))
    with outbox.disk.transaction(write=False) as connection:
        assert connection.execute("SELECT count(*) FROM one_time").fetchone() == (1,)
    outbox.close()
