"""The door of the one-stop software: counts of dossiers, which participation has at once."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from surveys.receipts import once_hash
from tests.aggregator.conftest import NOW, ROOT, Room, ratings
from tests.conftest import Servers

DOSSIERS = "/api/v1/dossiers"
KIOSK = "http://10.0.0.8:8001"
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


@pytest.mark.parametrize("wanted", [0, 3])
def test_the_example_tells_counts_and_gets_codes(room: Room, serve: Servers, wanted: int) -> None:
    fetch(room)
    room.clock.moment = datetime.now(UTC)  # the example tells of the day that it is run on
    address = serve(room.another())
    example = ROOT / "deploy" / "examples" / "one_stop.py"
    settings = {"HAILONG_ADDRESS": address, "HAILONG_ONE_STOP_TOKEN": token(room)}
    done = subprocess.run(
        [sys.executable, example],
        env={**os.environ, **settings, "HAILONG_CODES": str(wanted)},
        capture_output=True,
        text=True,
        check=False,
    )
    first, *codes = done.stdout.splitlines()
    assert first == "2 counts stored", done.stderr
    assert [line.split()[1].startswith(f"{KIOSK}/o/") for line in codes] == [True] * wanted


def ask(room: Room, secret: str, **wanted: Any) -> Any:
    headers = {"authorization": f"Bearer {secret}", "accept-language": "en"}
    return room.client.post(DOSSIERS, json={"codes": {"number": 2, **wanted}}, headers=headers)


def fetch(room: Room, after: int = 0, secret: str = "", address: str = KIOSK) -> Any:
    headers = {"authorization": f"Bearer {secret or room.device}"}
    body = {"after": after, "address": address}
    return room.client.post("/api/v1/codes", json=body, headers=headers)


def test_codes_are_given_once_and_their_kiosk_has_their_hashes(any_room: Room) -> None:
    secret = token(any_room)
    assert fetch(any_room).json() == {"codes": []}
    given = ask(any_room, secret, department="so_y_te", days=30).json()
    assert given["stored"] == 0
    codes = [one["code"] for one in given["codes"]]
    assert len({*codes}) == 2
    assert {one["until"] for one in given["codes"]} == {"2026-12-23"}
    assert given["codes"][0]["address"] == f"{KIOSK}/o/{codes[0]}"
    waiting = fetch(any_room).json()["codes"]
    assert [one["hash"] for one in waiting] == [once_hash(code) for code in codes]
    assert {(one["department"], one["counter"]) for one in waiting} == {("so_y_te", None)}
    assert fetch(any_room).json()["codes"] == waiting, "until the kiosk says that it has them"
    assert fetch(any_room, waiting[0]["number"]).json()["codes"] == waiting[1:]
    assert fetch(any_room, waiting[1]["number"]).json() == {"codes": []}
    with any_room.context.store.database.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM one_time_code")).scalar() == 0
    assert any(ask(any_room, secret).json()["codes"])
    [first, _] = fetch(any_room, waiting[1]["number"]).json()["codes"]
    assert first["number"] > waiting[1]["number"], "a number is never used again"


def test_codes_belong_to_the_kiosk_that_phones_reach(room: Room) -> None:
    secret, other = token(room), room.context.accounts.new_token("device", "khac")
    refused = tell(room, [ONE], secret)
    assert refused.status_code == 200
    headers = {"authorization": f"Bearer {secret}"}
    both = {"dossiers": [{**ONE, "count": 9}], "codes": {"number": 1}}
    answer = room.client.post(DOSSIERS, json=both, headers=headers)
    assert answer.status_code == 409, "no kiosk has told where phones reach it"
    assert stored(room) == {"so_tu_phap": 1}, "nor was the count stored"
    fetch(room)
    answer = room.client.post(DOSSIERS, json=both, headers=headers)
    assert (answer.json()["stored"], len(answer.json()["codes"])) == (1, 1)
    assert stored(room) == {"so_tu_phap": 9}
    assert fetch(room, secret=other, address="http://10.0.0.9").json() == {"codes": []}
    room.clock.moment += timedelta(days=91)
    assert fetch(room).json() == {"codes": []}, "they have expired"


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"number": 0}, "codes.number"),
        ({"number": 1_001}, "codes.number"),
        ({"days": 731}, "codes.days"),
        ({"department": "so_khac"}, "codes.department"),
        ({"counter": "q99"}, "codes.counter"),
        ({"department": "so_y_te", "counter": "q05"}, "codes.counter"),
        ({"dossier": "000.00.01"}, "codes.dossier"),
    ],
)
def test_a_bad_wish_for_codes_is_named(room: Room, wanted: dict[str, Any], said: str) -> None:
    fetch(room)
    answer = ask(room, token(room), **wanted)
    assert answer.status_code == 400
    assert said in answer.json()["error"]


def test_who_may_fetch_codes(room: Room) -> None:
    for secret in ("x", room.reader, token(room)):
        assert fetch(room, secret=secret).status_code == 401
    assert fetch(room, address="javascript:1").status_code == 400
    assert ask(room, room.device).status_code == 401
