"""A part of a visit whose whole was never stored is refused kindly, on every route that takes one.

A follow-up and a full survey belong to a rating, a step to a survey that was begun, a thank-you
to what it thanks for. Each test sends the part alone, as an old page or a stranger would.
"""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from starlette.routing import Route

from kiosk.app import ROUTES
from tests.kiosk.conftest import Kiosk

HTMX = {"hx-request": "true", "hx-request-type": "partial"}
# What each route needs besides the code of its QR code; empty: it is fetched, not posted.
PARTS: dict[str, Callable[[Kiosk], dict[str, Any]]] = {
    "/thanks": lambda kiosk: {},
    "/choose-again": lambda kiosk: {},
    "/follow-up": lambda kiosk: {
        "visit": str(uuid4()),
        "fingerprint": kiosk.fingerprint(),
        "reasons": ["2", "3"],
        "comment": "Phải chờ lâu",
    },
    "/survey/{id}/{step}": lambda kiosk: {
        "fingerprint": kiosk.fingerprint("sipas_2020"),
        "q1": "5",
        "to": "finish",
    },
    "/f/{code}/thanks": lambda kiosk: {},
    "/f/{code}/survey": lambda kiosk: {"visit": str(uuid4())},
    "/f/{code}/survey/{id}/{step}": lambda kiosk: {
        "fingerprint": kiosk.fingerprint("sipas_2020"),
        "q1": "5",
        "to": "finish",
    },
    "/f/{code}/finished": lambda kiosk: {},
}
# Routes that take a whole, or that show something without taking or thanking for anything.
WHOLES = {"/rate", "/submissions", "/f/{code}"}
OTHERS = {"/", "/rate/{department}", "/farewell", "/rest", "/posters", "/status"}
OTHERS |= {
    "/centre/emblem",
    "/centre/colours.css",
    "/centre/voices/{file}",
    "/staff",
    "/staff/enrol",
    "/staff/test",
    "/staff/test/{step}",
    "/c",
    "/c/{code}",
}
OTHERS |= {"/o/{code}"}  # leads to a form, once
OTHERS |= {"/alive", "/worker.js", "/screens.json", "/manifest.webmanifest"}


def test_every_route_is_a_part_a_whole_or_neither() -> None:
    assert {route.path for route in ROUTES if isinstance(route, Route)} == {
        *PARTS,
        *WHOLES,
        *OTHERS,
    }


def ask(kiosk: Kiosk, route: str, headers: dict[str, str], **fields: str) -> Any:
    path = route.format(code=kiosk.code(), id=uuid4(), step=1)
    if sent := PARTS[route](kiosk):
        return kiosk.client.post(path, data={**sent, **fields}, headers=headers)
    query = {"visit": str(uuid4()), "id": str(uuid4())}
    return kiosk.client.get(path, params=query, headers=headers)


def led_to(kiosk: Kiosk, answer: Any) -> str:
    """Where the citizen stands then: after a redirect, or the way home of an error page."""
    target = answer.headers.get("location") or answer.headers.get("hx-redirect")
    if target is None and answer.status_code == 404:
        [target] = re.findall(r'class="button big" href="([^"]+)"', answer.text)
    return str(kiosk.client.get(target).text if target else answer.text)


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["bare", "htmx"])
@pytest.mark.parametrize("route", PARTS)
def test_a_part_without_its_whole_stores_nothing_and_leads_to_the_faces(
    desk: Kiosk, route: str, headers: dict[str, str]
) -> None:
    answer = ask(desk, route, headers)
    assert answer.status_code in (200, 303, 404, 409)
    assert len(re.findall(r'name="rating" value="[1-5]"', led_to(desk, answer))) == 5
    assert desk.stored() == []
    assert desk.context.drafts.expired(timedelta(0)) == []  # no survey was begun


@pytest.mark.parametrize("then", ["send", "survey", "done"])
def test_a_follow_up_without_a_rating_says_what_is_missing(desk: Kiosk, then: str) -> None:
    answer = ask(desk, "/follow-up", HTMX, then=then)
    assert answer.status_code == 409
    assert "chưa ghi nhận mức đánh giá nào" in answer.text


def test_the_clock_that_sends_one_leads_to_the_start(desk: Kiosk) -> None:
    answer = ask(desk, "/follow-up", HTMX, idle="1")
    assert answer.status_code == 200
    assert 'class="screen faces-screen"' in answer.text
    assert desk.stored() == []


@pytest.mark.parametrize("audience", ["citizen", "business"])
def test_a_second_form_that_rates_otherwise_leaves_no_reasons(desk: Kiosk, audience: Any) -> None:
    """Its rating is not the one that is kept, so its reasons would explain another."""
    path = f"/f/{desk.code(audience)}"
    survey = {"citizen": "in_centre", "business": "business"}[audience]
    whole = {"citizen": "rating", "business": "b1_1"}[audience]
    first = {"visit": str(uuid4()), "fingerprint": desk.fingerprint(survey), whole: "2"}
    desk.client.post(path, data=first)
    kept = desk.stored()
    other = {**first, whole: "1", "comment": "Tôi muốn nói thêm"}
    answer = desk.client.post(path, data=other)
    assert answer.headers["location"].endswith("&again=1")
    assert desk.stored() == kept


def test_a_second_form_of_the_same_rating_may_add_reasons(desk: Kiosk) -> None:
    path = f"/f/{desk.code()}"
    first = {"visit": str(uuid4()), "fingerprint": desk.fingerprint(), "rating": "2"}
    desk.client.post(path, data=first)
    answer = desk.client.post(path, data={**first, "reasons": "3"})
    assert "again" not in answer.headers["location"]
    assert [one["answers"] for one in desk.stored()] == [{"rating": 2}, {"reasons": [3]}]
