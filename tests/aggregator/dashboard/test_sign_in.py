"""Signing in and out of the manager's pages, and one's own password."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unicodedata import normalize

import pytest
from starlette.testclient import TestClient

from aggregator.dashboard.accounts import LINK, SESSION, AccountError
from tests.aggregator.conftest import PASSWORD, Room
from tests.aggregator.reading import words


@pytest.fixture
def room(room: Room) -> Room:
    """An aggregator with one account, and nobody signed in."""
    room.context.accounts.add_user("giam_doc", "manager", PASSWORD)
    return room


def enter(room: Room, password: str = PASSWORD, name: str = "giam_doc", **more: str) -> Any:
    return room.client.post("/sign-in", data={"name": name, "password": password, **more})


def signed_in(room: Room) -> bool:
    return bool(room.client.get("/").status_code == 200)


def another_browser(room: Room) -> TestClient:
    return TestClient(room.app, follow_redirects=False)


def test_name_and_password_sign_in(room: Room) -> None:
    answer = enter(room)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/briefing"
    assert signed_in(room)


@pytest.mark.parametrize("made", ["NFC", "NFD"])
@pytest.mark.parametrize("typed", ["NFC", "NFD"])
def test_letters_may_be_typed_as_one_character_or_several(
    room: Room, made: Any, typed: Any
) -> None:
    password = "Tiếp dân tử tế"
    room.context.accounts.add_user("Hằng", "manager", normalize(made, password))
    enter(room, normalize(typed, password), normalize(typed, "Hằng"))
    assert signed_in(room)


@pytest.mark.parametrize("password", ["", PASSWORD[:-1], PASSWORD + " ", PASSWORD.upper()])
def test_a_wrong_password_does_not_and_keeps_the_name(room: Room, password: str) -> None:
    answer = enter(room, password)
    assert answer.status_code == 403
    assert "Tên hoặc mật khẩu chưa đúng" in words(answer.text)
    assert 'value="giam_doc"' in answer.text
    assert PASSWORD not in answer.text
    assert not signed_in(room)


def test_unknown_names_get_the_same_answer_and_are_escaped(room: Room) -> None:
    hostile = '"><script>alert(1)</script>'
    answer = enter(room, name=hostile)
    assert answer.status_code == 403
    assert "<script>alert" not in answer.text
    known = words(enter(room, "wrong").text)
    assert words(enter(room, "wrong", name="nobody").text) == known


def test_an_account_without_a_password_has_none_to_guess(room: Room) -> None:
    room.context.accounts.add_user("quan_ly", "manager")
    assert enter(room, "", name="quan_ly").status_code == 403
    assert enter(room, "None", name="quan_ly").status_code == 403


@pytest.mark.parametrize(
    ("wish", "place"),
    [
        ("/?from=2020-01-01&to=2020-02-01", "/?from=2020-01-01&to=2020-02-01"),
        ("/department/so_tu_phap", "/department/so_tu_phap"),
        ("//evil.example", "/briefing"),
        ("/\\evil.example", "/briefing"),
        ("/\t/evil.example", "/%09/evil.example"),  # quoted: a path of ours
        ("/\n//evil.example", "/%0A//evil.example"),
        ("https://evil.example", "/briefing"),
        ("https:evil.example", "/briefing"),
        ("javascript:alert(1)", "/briefing"),
        ("evil", "/briefing"),
        ("/sign-in", "/briefing"),
        ("/sign-out", "/briefing"),
        ("", "/briefing"),
    ],
)
def test_signing_in_leads_to_our_own_pages_only(room: Room, wish: str, place: str) -> None:
    assert enter(room, next=wish).headers["location"] == place


def test_a_hostile_way_back_is_not_written_into_the_form(room: Room) -> None:
    shown = room.client.get("/sign-in", params={"next": '//evil.example/"><script>'}).text
    assert 'name="next" value="/"' in shown
    assert "<script>" not in shown
    kept = room.client.get("/sign-in", params={"next": '/?x="><script>alert(1)'}).text
    assert "<script>alert" not in kept


def test_a_link_works_once(room: Room) -> None:
    link = room.context.accounts.new_link("giam_doc", "")
    first = room.client.get(link)
    assert (first.status_code, first.headers["location"]) == (303, "/briefing")
    assert signed_in(room)
    second = another_browser(room).get(link)
    assert second.status_code == 403
    assert "đã dùng hoặc đã hết hạn" in words(second.text)
    assert "set-cookie" not in second.headers


def test_a_link_expires(room: Room) -> None:
    link = room.context.accounts.new_link("giam_doc", "")
    room.clock.moment += LINK
    assert room.client.get(link).status_code == 403
    assert not signed_in(room)


def test_a_session_ends_by_itself(room: Room) -> None:
    enter(room)
    room.clock.moment += SESSION - timedelta(seconds=1)
    assert signed_in(room)
    room.clock.moment += timedelta(seconds=1)
    assert not signed_in(room)


def test_signing_out_ends_the_session_on_the_server(room: Room) -> None:
    enter(room)
    cookie = room.client.cookies["hailong_session"]
    answer = room.client.post("/sign-out")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    room.client.cookies.set("hailong_session", cookie)  # somebody kept a copy
    assert not signed_in(room)


def change(
    room: Room, password: str, again: str | None = None, present: str | None = PASSWORD
) -> Any:
    fields = {"password": password, "again": password if again is None else again}
    if present is not None:
        fields["present"] = present
    return room.client.post("/account", data=fields)


def test_the_form_says_that_the_password_was_changed(room: Room) -> None:
    enter(room)
    answer = change(room, "một mật khẩu mới")
    shown = room.client.get(answer.headers["location"])
    assert "Đã đổi mật khẩu." in words(shown.text)
    assert "Đã đổi mật khẩu." not in words(room.client.get("/sign-in").text)


@pytest.mark.parametrize("present", [None, "", "không đúng"])
def test_a_session_left_open_does_not_give_the_account_away(
    room: Room, present: str | None
) -> None:
    enter(room)
    assert 'name="present"' in room.client.get("/account").text
    answer = change(room, "một mật khẩu mới", present=present)
    assert answer.status_code == 403
    assert "Mật khẩu hiện tại chưa đúng." in words(answer.text)
    assert enter(room).status_code == 303


def test_a_first_password_needs_no_present_one(room: Room) -> None:
    room.context.accounts.add_user("quan_ly", "manager")
    room.client.get(room.context.accounts.new_link("quan_ly", ""))
    assert 'name="present"' not in room.client.get("/account").text
    assert change(room, PASSWORD, present=None).status_code == 303
    assert enter(room, name="quan_ly").status_code == 303


def test_a_new_password_ends_every_session_and_link(room: Room) -> None:
    enter(room)
    elsewhere = another_browser(room)
    elsewhere.post("/sign-in", data={"name": "giam_doc", "password": PASSWORD})
    link = room.context.accounts.new_link("giam_doc", "")
    assert change(room, "một mật khẩu mới").status_code == 303
    assert not signed_in(room)
    assert elsewhere.get("/").status_code == 303
    assert elsewhere.get(link).status_code == 403
    assert enter(room).status_code == 403
    assert enter(room, "một mật khẩu mới").status_code == 303


@pytest.mark.parametrize(
    ("password", "again", "reason"),
    [
        ("một mật khẩu mới", "một mật khẩu khác", "Hai lần nhập mật khẩu chưa giống nhau."),
        ("ngắn", None, "Mật khẩu cần ít nhất 10 ký tự."),
        ("", None, "Mật khẩu cần ít nhất 10 ký tự."),
    ],
)
def test_a_bad_new_password_changes_nothing(
    room: Room, password: str, again: str | None, reason: str
) -> None:
    enter(room)
    answer = change(room, password, again)
    assert answer.status_code == 422
    assert reason in words(answer.text)
    assert signed_in(room)
    assert enter(room).status_code == 303


@pytest.mark.parametrize("secure", [False, True])
def test_cookies_are_kept_from_scripts_and_other_sites(
    make_room: Callable[..., Room], secure: bool
) -> None:
    room = make_room(secure_cookies=secure)
    room.context.accounts.add_user("giam_doc", "manager", PASSWORD)
    browser, session = enter(room).headers.get_list("set-cookie")
    for cookie, lasts in ((session, 43_200), (browser, 180 * 86_400)):
        parts = {part.strip().lower() for part in cookie.split(";")}
        assert {"httponly", "samesite=lax", "path=/", f"max-age={lasts}"} <= parts
        assert ("secure" in parts) is secure


def test_no_secret_is_stored_in_clear(room: Room) -> None:
    link = room.context.accounts.new_link("giam_doc", "").rpartition("/")[2]
    enter(room)
    cookies = [cookie.value or "" for cookie in room.client.cookies.jar]
    assert len(cookies) == 2  # of the session and of the known browser
    secrets = [PASSWORD, link, room.device, room.reader, *cookies]
    with room.context.store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    files = list(room.settings.var.rglob("room.db*"))
    assert files
    for file in files:
        assert not any(secret.encode() in file.read_bytes() for secret in secrets)


@pytest.mark.parametrize("name", ["", " a", "a ", "x" * 65, "a\nb", "a\u202eb"])
def test_names_of_accounts_are_readable(room: Room, name: str) -> None:
    with pytest.raises(AccountError, match="name"):
        room.context.accounts.add_user(name, "reader", PASSWORD)


def test_an_account_is_not_taken_over_by_adding_it_again(room: Room) -> None:
    with pytest.raises(AccountError, match="name_taken"):
        room.context.accounts.add_user("giam_doc", "manager", "một mật khẩu khác")
    assert enter(room).status_code == 303
