"""``make run`` for real: one process, a tap, a sign-in, a tally, Ctrl-C."""

import re
import socket
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from aggregator.dashboard.accounts import Accounts
from aggregator.storage.store import Store
from standalone import main
from tests.programs import Program, free_port, tap

Start = Callable[..., "Centre"]
PATIENCE = 20.0  # seconds in which what waits is delivered


class Centre:
    """A running centre and where its greeting says everything is."""

    def __init__(self, var: Path, *arguments: str, **settings: Any) -> None:
        self.port, self.kiosk_port = free_port(), free_port()
        self.program = Program(
            "standalone.py",
            *arguments,
            **{"var": var, "port": self.port, "kiosk_port": self.kiosk_port, **settings},
        )
        self.kiosk = f"http://127.0.0.1:{self.kiosk_port}"
        self.dashboard = f"http://127.0.0.1:{self.port}"
        self.client = httpx2.Client(trust_env=False, follow_redirects=True)

    def greeted(self) -> "Centre":
        self.program.until("Ctrl-C")
        return self

    def sign_in(self) -> str:
        """Use the printed link; returns the page it leads to."""
        link = re.search(r"http://\S+/sign-in/\S+", self.program.output)
        assert link
        answer = self.client.get(link[0])
        assert answer.status_code == 200
        return str(answer.text)

    def delivered(self) -> dict[str, Any]:
        """The kiosk's status once nothing waits on its disk."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            status: dict[str, Any] = httpx2.get(f"{self.kiosk}/status", trust_env=False).json()
            if status["pending"] == 0:
                return status
        raise AssertionError("what waits was not delivered")

    def rated(self) -> int:
        self.sign_in()
        page = self.client.get(f"{self.dashboard}/").text
        found = re.search(r'class="cards">.*?<strong><a[^>]*>(\d+)', page, re.DOTALL)
        assert found
        return int(found[1])


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts centres in one data folder; all have ended when the test ends."""
    made: list[Centre] = []

    def make(*arguments: str, **settings: Any) -> Centre:
        made.append(Centre(tmp_path / "var", *arguments, **settings))
        return made[-1]

    yield make
    for centre in made:
        centre.client.close()
        centre.program.end()


def test_from_the_first_start_to_ctrl_c_and_on(start: Start, tmp_path: Path) -> None:
    centre = start().greeted()
    assert f"{centre.kiosk}/" in centre.program.output
    assert "/f/" in centre.program.output
    assert "█" in centre.program.output or "▄" in centre.program.output  # the QR code
    # What these codes hold is never public: nobody set HAILONG_PUBLIC_URL.
    assert "*** CẢNH BÁO: http://" in centre.program.output
    assert "*** WARNING: http://" in centre.program.output
    for rating in (5, 5, 1):
        tap(centre.kiosk, rating)
    assert centre.program.interrupt() == 0
    assert "Stopped; nothing is lost" in centre.program.output

    again = start().greeted()
    assert again.delivered()["refused"] == 0
    assert again.rated() == 3
    tap(again.kiosk, 4)
    assert again.program.interrupt() == 0
    third = start().greeted()
    third.delivered()
    assert third.rated() == 4
    assert not (tmp_path / "var" / "demo").exists()
    assert third.program.interrupt() == 0


def test_the_pages_need_a_sign_in(start: Start) -> None:
    centre = start().greeted()
    assert 'type="password"' in centre.client.get(f"{centre.dashboard}/").text
    assert centre.client.get(f"{centre.dashboard}/health").json() == {"status": "ok"}
    assert "Bảng tổng hợp" in centre.sign_in()
    # What is changed there is asked at the touch screen of the same process, by itself.
    edited = {"after": "1", "questions.rating.vi": "Hôm nay thế nào?", "way": "edit", "save": "1"}
    saved = centre.client.post(f"{centre.dashboard}/surveys/in_centre/edit", data=edited)
    assert "Đã lưu, phiên bản 2" in saved.text
    centre.program.until("phiên bản 2 · version 2")
    assert "Hôm nay thế nào?" in centre.client.get(f"{centre.kiosk}/rate/so_y_te").text
    assert centre.program.interrupt() == 0


def test_the_printed_link_is_a_managers_whoever_else_has_an_account(
    start: Start, tmp_path: Path
) -> None:
    first = start().greeted()
    store = Store(f"sqlite:///{tmp_path / 'var' / 'aggregator' / 'hailong.sqlite3'}")
    Accounts(store, lambda: datetime.now(UTC)).add_user("An", "reader")
    store.close()
    assert first.program.interrupt() == 0
    again = start().greeted()
    assert re.search(r"/sign-in/\S+  \(quan_ly\)", again.program.output)
    assert ">quan_ly</a>" in again.sign_in()
    assert again.program.interrupt() == 0


@pytest.mark.parametrize("taken", ["port", "kiosk_port"])
def test_a_taken_port_is_named(start: Start, taken: str) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        centre = start(**{taken: port, "kiosk_host": "127.0.0.1"})
        assert centre.program.wait() == 1
    assert f"HAILONG_{taken.upper()}: 127.0.0.1:{port}: Address already in use" in (
        centre.program.output
    )
    assert "Traceback" not in centre.program.output


def test_a_second_start_by_mistake_leaves_the_first_its_token(start: Start, tmp_path: Path) -> None:
    first = start().greeted()
    store = Store(f"sqlite:///{tmp_path / 'var' / 'aggregator' / 'hailong.sqlite3'}")
    before = store.credentials.tokens("device")
    second = start(port=first.port, kiosk_port=first.kiosk_port)
    assert second.program.wait() == 1
    assert store.credentials.tokens("device") == before
    store.close()
    assert first.program.interrupt() == 0


def test_no_link_is_printed_where_none_is_wanted(start: Start) -> None:
    centre = start("--no-link").greeted()
    assert "/sign-in/" not in centre.program.output
    assert "user link quan_ly" in centre.program.output
    assert centre.program.interrupt() == 0


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"port": "eighty"}, "HAILONG_PORT"),
        ({"kiosk_port": "70000"}, "HAILONG_KIOSK_PORT"),
        ({"centre": "nowhere.toml"}, "nowhere.toml"),
        ({"counter": "q99"}, "HAILONG_COUNTER"),
        ({"database_url": "mysql://x/y"}, "HAILONG_DATABASE_URL"),
        ({"database_url": "nonsense"}, "HAILONG_DATABASE_URL"),
        ({"aggregator_url": "ftp://x"}, "HAILONG_AGGREGATOR_URL"),
        ({"province": "deploy/province.toml"}, "HAILONG_PROVINCE"),
    ],
    ids=str,
)
def test_a_setting_that_cannot_be_is_named(
    settings: dict[str, str],
    named: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = {"var": str(tmp_path), "port": str(free_port()), "kiosk_port": str(free_port())}
    for name, value in (given | settings).items():
        monkeypatch.setenv(f"HAILONG_{name.upper()}", value)
    assert main(["--no-link"]) == 1
    printed = capsys.readouterr()
    assert named in printed.err
    assert "Traceback" not in printed.err


def test_a_file_that_is_no_database_is_said_to_be_none(start: Start, tmp_path: Path) -> None:
    (tmp_path / "var" / "aggregator").mkdir(parents=True)
    (tmp_path / "var" / "aggregator" / "hailong.sqlite3").write_text("not a database " * 100)
    centre = start()
    assert centre.program.wait() == 1
    assert "not a database" in centre.program.output
    assert "Traceback" not in centre.program.output


PAGES = {
    "kiosk": ["/", "/rate/so_y_te", "/farewell", "/posters", "/nothing"],
    "dashboard": ["/", "/?survey=sipas_2020", "/department/so_y_te", "/account", "/sign-in", "/x"],
}


def test_a_demonstration_is_marked_everywhere_and_kept_apart(start: Start, tmp_path: Path) -> None:
    centre = start("--demo", database_url=f"sqlite:///{tmp_path / 'real.db'}").greeted()
    assert "MÔ PHỎNG · DEMO" in centre.program.output
    phone = re.search(r"(/f/\w+)", centre.program.output)
    assert phone
    centre.sign_in()
    for room, paths in PAGES.items():
        for path in [*paths, *([phone[1]] if room == "kiosk" else [])]:
            page = centre.client.get(f"{getattr(centre, room)}{path}").text
            assert "DEMO" in page, path
            assert "MÔ PHỎNG" in page, path
    assert centre.program.interrupt() == 0
    assert [path.name for path in (tmp_path / "var").iterdir()] == ["demo"]
    assert not (tmp_path / "real.db").exists()
