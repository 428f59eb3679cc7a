"""What a kiosk process does for tablets: their screens, their app, and their submissions."""

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kiosk.submissions import part_id
from tests.kiosk.conftest import NOW, Kiosk

HTMX = {"hx-request": "true", "hx-request-type": "partial"}


@pytest.fixture
def home(make_kiosk: Callable[..., Kiosk]) -> Kiosk:
    """A kiosk at counter q05 that serves tablets."""
    return make_kiosk(counter="q05", tablets=True)


def answer(**changes: Any) -> dict[str, Any]:
    """A finished submission as static/js/tablet.js makes it."""
    visit = uuid4()
    return {
        "id": str(part_id(visit, "rating")),
        "survey": "in_centre",
        "fingerprint": "0123456789abcdef",
        "department": "so_tu_phap",
        "counter": "q05",
        "channel": "kiosk",
        "visit": str(visit),
        "language": "vi",
        "answered_at": "2026-11-23T01:00:00.000Z",
        "answers": {"rating": 4},
        "comment": None,
        **changes,
    }


def deliver(kiosk: Kiosk, *submissions: dict[str, Any], sent_at: datetime = NOW) -> list[str]:
    """The statuses of the receipts, which name the submissions in order."""
    body = {"sent_at": sent_at.isoformat(), "submissions": submissions}
    sent = kiosk.client.post("/submissions", json=body)
    assert sent.status_code == 200
    assert [one["id"] for one in sent.json()] == [one.get("id") for one in submissions]
    return [one["status"] for one in sent.json()]


def test_a_submission_counts_once_however_often_it_is_sent(home: Kiosk) -> None:
    one, other = answer(), answer(comment=" Phải chờ\r\nlâu\u202e ")
    assert deliver(home, one, other) == ["accepted", "accepted"]
    later = {**one, "answered_at": "2026-11-23T01:00:07Z"}
    assert deliver(home, other, later) == ["duplicate", "duplicate"]
    stored = home.stored()
    assert [one["answers"] for one in stored] == [{"rating": 4}, {"rating": 4}]
    assert stored[1]["comment"] == "Phải chờ\nlâu"
    assert stored[0]["fingerprint"] == "0123456789abcdef"
    assert stored[0]["answered_at"] == "2026-11-23T01:00:00Z"


def test_another_answer_under_the_same_id_is_kept_for_a_human_once(home: Kiosk) -> None:
    first = answer()
    second = {**first, "answers": {"rating": 1}}
    assert deliver(home, first) == ["accepted"]
    assert deliver(home, second) == ["conflict"]
    assert deliver(home, second) == ["conflict"]
    assert [one["answers"] for one in home.stored()] == [{"rating": 4}]
    [kept] = home.context.outbox.refused()
    assert json.loads(kept.body)["answers"] == {"rating": 1}
    assert kept.refused == f"tablet: another answer of {first['id']}"


@pytest.mark.parametrize(
    "changes",
    [
        {"department": "so_cu"},
        {"counter": "q99"},
        {"survey": "phieu_cu"},
        {"answers": {"rating": 9}},
        {"answers": {"q_cu": 1}},
        {"answered_at": "1999-12-31T00:00:00Z"},
    ],
    ids=str,
)
def test_what_changed_definitions_refuse_is_kept_for_a_human(
    home: Kiosk, changes: dict[str, Any]
) -> None:
    assert deliver(home, answer(**changes)) == ["accepted"]
    assert home.stored() == []
    [kept] = home.context.outbox.refused()
    assert kept.refused is not None
    assert kept.refused.startswith("tablet: ")


@pytest.mark.parametrize(
    "changes",
    [
        {"channel": "qr"},
        {"channel": "import"},
        {"id": "x"},
        {"answers": {}},
        {"answered_at": "heute"},
        {"answered_at": 5},
        {"hostile": 1},
        {"comment": 3},
        {"language": "tiếng Việt"},
    ],
    ids=str,
)
def test_what_no_tablet_sends_is_refused_and_not_kept(home: Kiosk, changes: dict[str, Any]) -> None:
    assert deliver(home, answer(**changes)) == ["refused"]
    assert home.stored() == []
    assert home.context.outbox.refused() == []


@pytest.mark.parametrize("wrong", [timedelta(days=-4000), timedelta(days=30)])
def test_a_wrong_clock_is_set_right_by_what_it_says_when_it_sends(
    home: Kiosk, wrong: timedelta
) -> None:
    """A tablet whose battery was empty begins in 2015; another one runs ahead."""
    given_at = NOW - timedelta(hours=2) + wrong
    assert deliver(home, answer(answered_at=given_at.isoformat()), sent_at=NOW + wrong) == [
        "accepted"
    ]
    [stored] = home.stored()
    assert stored["answered_at"] == "2026-11-22T23:15:00Z"
    edge = answer(answered_at="9999-12-31T23:00:00Z")
    early = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
    assert deliver(home, edge, sent_at=early) == ["refused"]


def test_a_server_that_went_away_within_a_visit_joins_both_parts(home: Kiosk) -> None:
    visit = uuid4()
    home.client.post(
        "/rate",
        data={"visit": str(visit), "fingerprint": home.fingerprint(), "rating": "2"},
    )
    rating = answer(
        id=str(part_id(visit, "rating")), visit=str(visit), answers={"rating": 1, "reasons": [3]}
    )
    assert deliver(home, rating) == ["accepted"]
    [stored] = home.stored()
    assert stored["answers"] == {"rating": 1, "reasons": [3]}
    begun = home.client.post(
        "/follow-up",
        data={"visit": str(visit), "fingerprint": home.fingerprint(), "then": "survey"},
    )
    address = begun.headers["location"]
    survey = address.split("/")[2]
    fields = {"fingerprint": home.fingerprint("sipas_2020"), "q1": "5", "q2": "4", "to": "next"}
    home.client.post(address, data=fields)
    rest = answer(
        id=survey, survey="sipas_2020", visit=None, department=None, counter=None,
        answers={"q2": 3, "q5": 1}, comment="Tốt",
    )  # fmt: skip
    assert deliver(home, rest) == ["accepted"]
    stored = home.stored()[-1]
    assert stored["answers"] == {"q1": 5, "q2": 3, "q5": 1}
    assert (stored["visit"], stored["counter"]) == (str(visit), "q05")
    assert deliver(home, rest) == ["conflict"]
    assert home.context.drafts.read(survey) is None


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary() | st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(
        st.sampled_from(["sent_at", "submissions", "id", "answers"]) | st.text(), inner
    ),
).map(lambda value: json.dumps(value).encode()))  # fmt: skip
def test_no_body_breaks_the_kiosk(home: Kiosk, body: bytes) -> None:
    sent = home.client.post(
        "/submissions", content=body, headers={"content-type": "application/json"}
    )
    assert sent.status_code in (200, 422)
    assert home.stored() == []


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"answered_at": "hôm nay"}, "answered_at: is not a valid time"),
        ({"visit": "a b"}, "visit: is not written as it has to be"),
        ({"device_seq": 2**63}, "device_seq: is smaller, larger or longer than is allowed"),
        ({"more": 1}, "more: unknown field"),
        ({"answers": [5]}, "answers: has the wrong type"),
        ({"channel": "qr"}, "channel: has the wrong type"),
    ],
)
def test_what_no_tablet_sends_is_refused_by_its_field(
    home: Kiosk, said: dict[str, Any], why: str
) -> None:
    body = {"sent_at": NOW.isoformat(), "submissions": [answer(**said)]}
    [receipt] = home.client.post("/submissions", json=body).json()
    assert (receipt["status"], receipt["reason"]) == ("refused", why)
    assert home.stored() == []


def test_a_delivery_that_is_no_json_or_too_large_is_refused(home: Kiosk) -> None:
    assert home.client.post("/submissions", data={"a": "b"}).status_code == 415
    json_type = {"content-type": "application/json"}
    large = home.client.post("/submissions", content=b" " * 70_000, headers=json_type)
    assert large.status_code == 413
    many = {"sent_at": NOW.isoformat(), "submissions": [answer() for _ in range(51)]}
    assert home.client.post("/submissions", json=many).status_code in (413, 422)


def test_only_a_kiosk_that_has_tablets_takes_submissions(desk: Kiosk) -> None:
    body = {"sent_at": NOW.isoformat(), "submissions": [answer()]}
    assert desk.client.post("/submissions", json=body).status_code == 404
    assert desk.client.get("/manifest.webmanifest").status_code == 404
    assert "manifest" not in desk.client.get("/").text
    kept = desk.client.get("/screens.json").json()
    assert list(kept["screens"]["vi"]) == ["away"]
    assert "tablet" not in kept


def test_the_app_has_a_name_and_pictures(home: Kiosk) -> None:
    page = home.client.get("/").text
    link = re.search(r'rel="manifest" href="([^"]+)"', page)
    assert link
    manifest = home.client.get(link[1])
    assert manifest.headers["content-type"] == "application/manifest+json"
    said = manifest.json()
    assert "Lai Châu" in said["name"]
    assert (said["scope"], said["display"]) == ("/", "fullscreen")
    for icon in said["icons"]:
        picture = home.client.get(icon["src"]).content
        side = int(icon["sizes"].partition("x")[0])
        assert picture.startswith(b"\x89PNG\r\n\x1a\n")
        assert [int.from_bytes(picture[at : at + 4]) for at in (16, 20)] == [side, side]


def test_what_is_kept_is_what_the_kiosk_shows(make_kiosk: Callable[..., Kiosk]) -> None:
    lobby = make_kiosk(tablets=True)
    kept = lobby.client.get("/screens.json").json()
    for language in ("vi", "en"):
        screens = kept["screens"][language]
        assert screens["tiles"] == lobby.client.get(f"/?lang={language}", headers=HTMX).text
        shown = lobby.client.get(f"/rate/so_y_te?lang={language}", headers=HTMX).text
        visit = re.search(r'name="visit" value="([^"]+)"', shown)
        assert visit
        made = (
            screens["department/faces"]
            .replace(str(UUID(int=0)), visit[1])
            .replace("some_department", "so_y_te")
            .replace("@name@", kept["tablet"]["places"]["so_y_te"][language])
        )
        assert made == shown


def test_the_version_follows_what_is_kept(make_kiosk: Callable[..., Kiosk]) -> None:
    versions = [
        make_kiosk(**given).client.get("/alive").json()["version"]
        for given in (
            {},
            {},
            {"tablets": True},
            {"tablets": True, "counter": "q05"},
            {"demo": True},
            {"rest_seconds": 60},
            {"idle_seconds": 90},
        )
    ]
    assert versions[0] == versions[1]
    assert len(set(versions[1:])) == 6


def test_levels_that_staff_chooses_are_those_of_the_screens_that_are_kept(desk: Kiosk) -> None:
    def kept() -> tuple[str, str]:
        version = desk.client.get("/alive").json()["version"]
        return version, desk.client.get("/screens.json").json()["screens"]["vi"]["away"]

    before, _ = kept()
    desk.context.levels.choose("volume", 25)
    desk.context.levels.choose("brightness", 70)
    version, away = kept()
    assert version != before
    assert 'data-volume="25" data-brightness="70"' in away
    desk.context.levels.choose("volume", 100)
    desk.context.levels.choose("brightness", 100)
    assert kept()[0] == before


def test_the_worker_may_serve_the_whole_screen(desk: Kiosk) -> None:
    script = desk.client.get("/worker.js?v=1")
    assert script.headers["content-type"].startswith("text/javascript")
    assert script.headers["cache-control"] == "no-cache"
    assert "worker-src 'self'" in script.headers["content-security-policy"]
