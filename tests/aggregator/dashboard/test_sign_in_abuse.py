"""What a stranger who is to sign in cannot do."""

import asyncio

import pytest

from aggregator.dashboard.accounts import MAX_WAITING, BusyError, SignedIn
from tests.aggregator.conftest import PASSWORD, Room


def test_passwords_are_checked_one_at_a_time_and_a_crowd_is_sent_away(room: Room) -> None:
    accounts = room.context.accounts
    accounts.add_user("crowd", "reader", PASSWORD)

    async def crowd() -> list[object]:
        known = accounts.sign_in_by_link(accounts.new_link("crowd", "").rpartition("/")[2])
        assert known is not None
        asked = [accounts.sign_in("crowd", PASSWORD, "10.0.0.1") for _ in range(30)]
        colleague = accounts.sign_in("crowd", PASSWORD, "10.0.0.1", known.browser)
        return await asyncio.gather(*asked, colleague, return_exceptions=True)

    *answers, colleague = asyncio.run(crowd())
    assert sum(isinstance(answer, SignedIn) for answer in answers) == MAX_WAITING
    assert sum(isinstance(answer, BusyError) for answer in answers) == 30 - MAX_WAITING
    assert isinstance(colleague, SignedIn)  # a known browser stands in no crowd


def test_who_is_sent_away_is_told_when_to_come_back(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aggregator.dashboard.accounts.MAX_WAITING", 0)
    answer = room.client.post("/sign-in", data={"name": "an", "password": PASSWORD})
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "5"


def test_a_preview_does_not_use_a_link_up(room: Room) -> None:
    room.context.accounts.add_user("an", "reader")
    link = room.context.accounts.new_link("an", "")
    assert room.client.head(link).status_code == 200
    assert room.client.get(link).status_code == 303
    assert room.client.get(link).status_code == 403


def test_a_name_that_no_database_takes_is_just_wrong(any_room: Room) -> None:
    answer = any_room.client.post("/sign-in", data={"name": "a\x00b", "password": PASSWORD})
    assert answer.status_code == 403
