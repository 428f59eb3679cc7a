"""The door of the one-stop software: counts of dossiers, which participation has at once."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.aggregator.conftest import NOW, ROOT, Room, ratings
from tests.conftest import Servers

DOSSIERS = "/api/v1/dossiers"
TODAY = NOW.date().isoformat()


def token(room: Room) -> str:
    return room.context.accounts.new_token("one_stop", "mot_cua")


def tell(room: Room, counts: object, secret: str, language: str = "en") -> Any:
    headers = {"authorization": f"Bearer {secret}", "accept-language": language}
    return room.client.post(DOSSIERS, json={"dossiers": counts}, headers=headers)


def stored(room: Room) -> dict[str, int]:
    frame = room.context.store.transactions(NOW.date(), NOW.date())
    return dict(zip(frame["department"], map(int, frame["dossiers"]), strict=True))


ONE = {"day": TODAY, "department": "so_tu_phap", "count": 1}


def test_a_count_replaces_the_one_told_before(any_room: Room) -> None:
    secret = token(any_room)
    for count in (3, 12, 12):
        whole = {"day": TODAY, "count": 40}
        answer = tell(any_room, [{**ONE, "count": count}, whole], secret)
        assert (answer.status_code, answer.json()) == (200, {"stored": 2})
    assert stored(any_room) == {"so_tu_phap": 12, "": 40}


def test_participation_has_the_count_at_once(room: Room) -> None:
    room.take(ratings([5] * 10))
    room.sign_in()
    page = "/coverage?period=day"
    assert "25,0%" not in room.client.get(page).text
    tell(room, [{"day": TODAY, "department": "so_tu_phap", "count": 40}], token(room))
    assert "25,0%" in room.client.get(page).text


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ([ONE, {**ONE, "department": "so_khac"}], "dossiers.1.department"),
        ([ONE, {**ONE, "day": "2026-11-24"}], "dossiers.1.day"),
        ([ONE, ONE], "dossiers.1.day"),
        ([{**ONE, "count": -1}], "dossiers.0.count"),
        ([{**ONE, "count": 1.0}], "dossiers.0.count"),
        ([{**ONE, "count": 10**9}], "dossiers.0.count"),
        ([{**ONE, "day": 1_763_860_200}], "dossiers.0.day"),
        ([{**ONE, "day": "30/02/2026"}], "dossiers.0.day"),
        ([{**ONE, "dossier": "000.00.01"}], "dossiers.0.dossier"),  # no number of a dossier
        ([], "dossiers"),
        ([ONE] * 3_000, "dossiers"),
        ({}, "dossiers"),
    ],
)
def test_one_bad_count_is_named_and_none_is_stored(room: Room, counts: object, said: str) -> None:
    answer = tell(room, counts, token(room))
    assert answer.status_code == 400
    assert said in answer.json()["error"]
    assert stored(room) == {}


def test_only_a_token_of_its_own_kind_opens_the_door(room: Room) -> None:
    for secret in ("", "x", room.device, room.reader):
        assert tell(room, [ONE], secret).status_code == 401
    secret = token(room)
    assert room.client.get(DOSSIERS).status_code == 405
    taken = room.client.post(
        "/api/v1/submissions",
        json={"submissions": []},
        headers={"authorization": f"Bearer {secret}"},
    )
    assert taken.status_code == 401
    assert stored(room) == {}


def test_the_example_tells_counts(room: Room, serve: Servers) -> None:
    room.clock.moment = datetime.now(UTC)  # the example tells of the day that it is run on
    address = serve(room.another())
    example = ROOT / "deploy" / "examples" / "one_stop.py"
    settings = {"HAILONG_ADDRESS": address, "HAILONG_ONE_STOP_TOKEN": token(room)}
    done = subprocess.run(
        [sys.executable, example],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "2 counts stored\n", done.stderr
