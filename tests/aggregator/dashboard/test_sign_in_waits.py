"""Wrong passwords make whoever enters them wait, and nobody else: no stranger locks anybody out."""

from datetime import timedelta
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from aggregator.dashboard.throttle import ACCOUNT_AT_ADDRESS, KNOWN_BROWSER
from tests.aggregator.conftest import PASSWORD, Room
from tests.aggregator.reading import words
from tests.conftest import Servers

FREE = ACCOUNT_AT_ADDRESS.free
WAIT = "Xin chờ 1 giây rồi thử lại."
COOKIE = "hailong_browser_"
UNCHECKED = "lần này chưa được kiểm tra"


@pytest.fixture
def room(room: Room) -> Room:
    """An aggregator with one account, and nobody signed in."""
    room.context.accounts.add_user("giam_doc", "manager", PASSWORD)
    return room


def browser(room: Room, address: str = "10.1.0.7") -> TestClient:
    """A browser of its own at an address."""
    return TestClient(room.app, follow_redirects=False, client=(address, 50_000))


def enter(client: TestClient, password: str = PASSWORD, name: str = "giam_doc") -> Any:
    return client.post("/sign-in", data={"name": name, "password": password})


def fail(client: TestClient, times: int, name: str = "giam_doc") -> Any:
    """Enter wrong passwords one after the other; the last answer."""
    return [enter(client, "wrong", name) for _ in range(times)][-1]


def test_waits_grow_and_the_right_password_enters_after_them(room: Room) -> None:
    client = browser(room)
    assert fail(client, FREE).status_code == 403
    for wait in (1, 2, 4, 8):
        answer = enter(client, "wrong")
        assert (answer.status_code, answer.headers["retry-after"]) == (403, str(wait))
        assert f"Xin chờ {wait} giây rồi thử lại." in words(answer.text)
        refused = enter(client)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, str(wait))
        assert UNCHECKED in words(refused.text)
        assert 'value="giam_doc"' in refused.text
        room.clock.moment += timedelta(seconds=wait)
    assert enter(client).status_code == 303


def test_seven_wrong_passwords_keep_nobody_out(room: Room) -> None:
    fail(browser(room, "10.0.0.66"), 7)
    assert enter(browser(room)).status_code == 303
    room.clock.moment += timedelta(seconds=2)
    assert enter(browser(room, "10.0.0.66")).status_code == 303


def test_the_wait_is_told_alike_for_names_that_nobody_has(room: Room) -> None:
    told = set()
    for name in ("giam_doc", "nobody"):
        client = browser(room)
        assert "Xin chờ" not in words(fail(client, FREE, name).text)
        last, refused = (words(enter(client, "wrong", name).text) for _ in range(2))
        assert WAIT in last
        assert UNCHECKED not in last
        assert WAIT in refused
        assert UNCHECKED in refused
        told.add((last, refused, words(enter(client, PASSWORD, name).text)))
    assert len(told) == 1


def test_the_wait_is_told_in_english_too(room: Room) -> None:
    client = browser(room)
    client.cookies.set("lang", "en")
    assert "Please wait 1 s and try again." in words(fail(client, FREE + 1).text)
    assert "this one was not checked" in words(enter(client).text)


def test_a_refused_password_is_not_checked_and_does_not_count(room: Room) -> None:
    client = browser(room)
    fail(client, FREE + 1)
    assert fail(client, 50).headers["retry-after"] == "1"
    room.clock.moment += timedelta(seconds=1)
    assert enter(client).status_code == 303


def test_a_few_wrong_passwords_cost_nothing_and_success_forgets_them(room: Room) -> None:
    client = browser(room)
    for _ in range(3):
        assert "retry-after" not in fail(client, FREE).headers
        assert enter(client).status_code == 303


def test_one_account_waits_for_itself_alone(room: Room) -> None:
    room.context.accounts.add_user("pho_giam_doc", "reader", PASSWORD)
    client = browser(room)
    fail(client, FREE + 3)
    assert enter(client, name="pho_giam_doc").status_code == 303


def test_a_browser_that_signed_in_before_waits_for_its_own_mistakes_alone(room: Room) -> None:
    known = browser(room)
    enter(known)
    known.post("/sign-out")
    fail(browser(room), FREE + 3)  # at the same address
    assert enter(browser(room)).status_code == 429
    assert enter(known).status_code == 303
    fail(known, KNOWN_BROWSER.free + 1)
    assert enter(known).status_code == 429
    room.clock.moment += timedelta(seconds=1)
    assert enter(known).status_code == 303


def test_a_link_makes_a_browser_known_too(room: Room) -> None:
    known = browser(room)
    known.get(room.context.accounts.new_link("giam_doc", ""))
    fail(browser(room), FREE + 3)
    assert enter(known).status_code == 303


def test_a_browser_known_to_one_account_is_a_stranger_to_another(room: Room) -> None:
    """Or whoever has an account would guess those of colleagues without end."""
    room.context.accounts.add_user("pho_giam_doc", "reader", PASSWORD)
    elsewhere, client = browser(room, "10.1.0.8"), browser(room)
    enter(elsewhere)
    [name] = [one for one in elsewhere.cookies if one.startswith(COOKIE)]
    for _ in range(3):
        assert enter(client, name="pho_giam_doc").status_code == 303
        [own] = [value for one, value in client.cookies.items() if one.startswith(COOKIE)]
        fail(client, 2)
    client.cookies.set(name, own)  # passed off as that of the other account
    assert enter(client).status_code == 429


def test_a_browser_may_be_known_to_several_accounts(room: Room) -> None:
    room.context.accounts.add_user("pho_giam_doc", "reader", PASSWORD)
    shared = browser(room)
    assert enter(shared).status_code == enter(shared, name="pho_giam_doc").status_code == 303
    for name in ("giam_doc", "pho_giam_doc"):
        fail(browser(room), FREE + 3, name)
        assert enter(shared, name=name).status_code == 303


@pytest.mark.parametrize("secret", ["", "x", "a" * 4_000, "../../x", "'; --"])
def test_an_invented_browser_is_a_stranger(room: Room, secret: str) -> None:
    known, client = browser(room), browser(room)
    enter(known)
    [name] = [one for one in known.cookies if one.startswith(COOKIE)]
    fail(client, FREE + 1)
    client.cookies.set(name, secret)
    assert enter(client).status_code == 429


def test_a_new_password_makes_strangers_of_all_browsers_but_the_one_it_was_set_in(
    room: Room,
) -> None:
    own, other = browser(room, "10.1.0.7"), browser(room, "10.1.0.8")
    enter(own)
    enter(other)
    fields = {"password": "một mật khẩu mới", "again": "một mật khẩu mới", "present": PASSWORD}
    assert own.post("/account", data=fields).status_code == 303
    for address in ("10.1.0.7", "10.1.0.8"):
        fail(browser(room, address), FREE + 1)
    assert enter(other, fields["password"]).status_code == 429
    assert enter(own, fields["password"]).status_code == 303


def test_the_present_password_cannot_be_guessed_at_leisure(room: Room) -> None:
    client = browser(room)
    enter(client)
    fields = {"password": "một mật khẩu mới", "again": "một mật khẩu mới", "present": "wrong"}
    for _ in range(KNOWN_BROWSER.free):
        answer = client.post("/account", data=fields)
        assert answer.status_code == 403
        assert "Xin chờ" not in words(answer.text)
    assert WAIT in words(client.post("/account", data=fields).text)
    right = {**fields, "present": PASSWORD}
    refused = client.post("/account", data=right)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    assert UNCHECKED in words(refused.text)
    room.clock.moment += timedelta(seconds=1)
    assert client.post("/account", data=right).status_code == 303


def test_behind_the_proxy_on_this_machine_addresses_are_told_apart(
    room: Room, serve: Servers
) -> None:
    url = serve(room.another())

    def send(address: str, password: str) -> int:
        fields = {"name": "giam_doc", "password": password}
        headers = {"x-forwarded-for": address}
        return httpx2.post(f"{url}/sign-in", data=fields, headers=headers).status_code

    for _ in range(FREE + 1):
        assert send("10.0.0.66", "wrong") == 403
    assert send("10.0.0.66", PASSWORD) == 429
    assert send("10.0.0.7", PASSWORD) == 303


def test_no_address_is_written_anywhere(room: Room, capfd: pytest.CaptureFixture[str]) -> None:
    fail(browser(room, "10.99.98.97"), FREE + 2)
    enter(browser(room, "10.99.98.97"))
    with room.context.store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    for file in room.settings.var.rglob("*"):
        assert file.is_dir() or b"10.99.98.97" not in file.read_bytes()
    assert "10.99.98.97" not in "".join(capfd.readouterr())


attempts = st.lists(
    st.tuples(
        st.sampled_from(["giam_doc", "nobody"]),
        st.integers(0, 3),  # the address; the colleague's is one of them
        st.sampled_from([0, 1, 30]),  # seconds before
        st.integers(1, 6),  # how many at once
    ),
    max_size=4,
)


# Each example guesses at the account of those before it, and its passwords take their time.
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(attempts=attempts)
def test_whatever_strangers_do_a_colleague_at_a_known_browser_signs_in(
    room: Room, attempts: list[tuple[str, int, int, int]]
) -> None:
    colleague = browser(room, "10.0.0.1")
    colleague.get(room.context.accounts.new_link("giam_doc", ""))
    for name, address, seconds, times in attempts:
        room.clock.moment += timedelta(seconds=seconds)
        fail(browser(room, f"10.0.0.{address}"), times, name)
        assert enter(colleague).status_code == 303
