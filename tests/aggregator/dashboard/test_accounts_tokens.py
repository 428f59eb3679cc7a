"""Tokens on the JSON API: of one kind each, kept as hashes, gone when removed."""

from datetime import timedelta
from typing import Any

import pytest

from aggregator.dashboard.accounts import REMEMBER, Accounts
from aggregator.storage.credentials import TokenKind
from aggregator.storage.store import Store
from tests.aggregator.conftest import SUBMISSIONS, Clock, Room, stored, submission

READING = ["/api/v1/satisfaction", "/api/v1/submissions.csv"]


def ask(room: Room, path: str, authorization: str | None, language: str = "en") -> Any:
    headers = {b"accept-language": language.encode()}
    if authorization is not None:
        headers[b"authorization"] = authorization.encode()
    if path == SUBMISSIONS:
        return room.client.post(SUBMISSIONS, json={"submissions": [submission()]}, headers=headers)
    return room.client.get(path, headers=headers)


@pytest.mark.parametrize("path", [SUBMISSIONS, *READING])
@pytest.mark.parametrize(
    "given", [None, "", "Bearer", "Bearer ", "Bearer wrong", "Basic {right}", "{right}", "Bearer é"]
)
def test_no_or_a_wrong_token_is_401(room: Room, path: str, given: str | None) -> None:
    right = room.device if path == SUBMISSIONS else room.reader
    sent = None if given is None else given.format(right=right)
    answer = ask(room, path, sent)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "token" in answer.json()["error"]
    assert (
        ask(room, path, None, "vi").json()["error"] != ask(room, path, None, "en").json()["error"]
    )
    assert stored(room.context.store) == []


@pytest.mark.parametrize("path", [SUBMISSIONS, *READING])
def test_a_token_of_another_kind_is_401(any_room: Room, path: str) -> None:
    accounts = any_room.context.accounts
    accounts.add_user("ai_do", "manager")
    link = accounts.new_link("ai_do", "").rpartition("/")[2]
    entered = accounts.sign_in_by_link(accounts.new_link("ai_do", "").rpartition("/")[2])
    assert entered is not None
    other = any_room.reader if path == SUBMISSIONS else any_room.device
    for secret in (other, link, entered.session, entered.browser):
        assert ask(any_room, path, f"Bearer {secret}").status_code == 401
    assert ask(any_room, path, f"Bearer {other}").status_code == 401  # not by remembering either
    right = any_room.device if path == SUBMISSIONS else any_room.reader
    assert ask(any_room, path, f"Bearer {right}").status_code == 200
    assert ask(any_room, path, f"bearer {right} ").status_code == 200


def test_a_device_token_opens_no_page(room: Room) -> None:
    for secret in (room.device, room.reader):
        room.client.cookies.set("session", secret)
        answer = room.client.get("/", headers={"authorization": f"Bearer {secret}"})
        assert answer.status_code in (302, 303, 401)


@pytest.mark.parametrize("kind", ["device", "reader", "session", "link", "browser"])
def test_secrets_lie_in_the_database_as_hashes_only(
    store: Store, clock: Clock, kind: TokenKind
) -> None:
    secret = Accounts(store, clock).new_token(kind, "q05")
    assert len(secret) >= 40
    with store.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM token").all()
    assert len(rows) == 1
    assert secret not in repr(rows)
    assert Accounts(store, clock).holder(kind, secret) == "q05"


def test_the_database_files_do_not_hold_the_secret(room: Room) -> None:
    room.take([submission()])
    files = list(room.settings.var.glob("room.db*"))
    assert files
    for secret in (room.device, room.reader):
        assert not any(secret.encode() in file.read_bytes() for file in files)


def test_a_removed_token_stops_working_once_it_is_no_longer_remembered(any_room: Room) -> None:
    bearer = f"Bearer {any_room.device}"
    assert ask(any_room, SUBMISSIONS, bearer).status_code == 200
    [(name, _)] = any_room.context.store.credentials.tokens("device")
    assert any_room.context.store.credentials.remove_tokens_of(name, "device") == 1
    any_room.clock.moment += REMEMBER + timedelta(seconds=1)
    assert ask(any_room, SUBMISSIONS, bearer).status_code == 401


def test_a_token_with_an_end_ends(store: Store, clock: Clock) -> None:
    accounts = Accounts(store, clock)
    secret = accounts.new_token("reader", "province", timedelta(hours=1))
    assert accounts.holder("reader", secret) == "province"
    clock.moment += timedelta(hours=1)
    assert accounts.holder("reader", secret) is None


def test_two_tokens_are_never_alike(store: Store, clock: Clock) -> None:
    accounts = Accounts(store, clock)
    assert len({accounts.new_token("device", "q05") for _ in range(20)}) == 20
    assert len(store.credentials.tokens("device")) == 20
