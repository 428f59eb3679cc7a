"""What a stranger at the door can not do."""

import asyncio

from aggregator.dashboard.accounts import MAX_WAITING, BusyError
from tests.aggregator.conftest import PASSWORD, Room


def test_passwords_are_checked_one_at_a_time_and_a_crowd_is_sent_away(room: Room) -> None:
    accounts = room.context.accounts
    accounts.add_user("crowd", "viewer", PASSWORD)

    async def crowd() -> list[object]:
        asked = (accounts.in_turn(accounts.sign_in, "crowd", PASSWORD) for _ in range(30))
        return await asyncio.gather(*asked, return_exceptions=True)

    answers = asyncio.run(crowd())
    assert sum(isinstance(answer, str) for answer in answers) == MAX_WAITING
    assert sum(isinstance(answer, BusyError) for answer in answers) == 30 - MAX_WAITING


def test_a_preview_does_not_use_a_link_up(room: Room) -> None:
    room.context.accounts.add_user("an", "viewer")
    link = room.context.accounts.new_link("an", "")
    assert room.client.head(link).status_code == 200
    assert room.client.get(link).status_code == 303
    assert room.client.get(link).status_code == 403


def test_a_name_that_no_database_takes_is_just_wrong(any_room: Room) -> None:
    answer = any_room.client.post("/sign-in", data={"name": "a\x00b", "password": PASSWORD})
    assert answer.status_code == 403
