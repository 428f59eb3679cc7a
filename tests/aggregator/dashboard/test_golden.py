"""The published 96,3 % from 3.483 ratings, on every page that shows that time."""

import re

import pytest

from aggregator.intake.importing import import_file
from aggregator.intake.ingest import Ingest
from tests.aggregator.conftest import GOLDEN, Room
from tests.aggregator.reading import card, row, words

SPAN = "from=2019-09-03&to=2020-05-12"
SHARE = "96,3%"


@pytest.fixture
def golden(room: Room) -> Room:
    """An aggregator with the published device ratings and paper ballots, and a manager."""
    context = room.context
    ingest = Ingest(context.store, context.surveys, context.centre, context.clock)
    outcome = import_file(GOLDEN, ingest, "vi")
    assert outcome.summary() == "accepted 3565, duplicate 0, conflict 0, refused 0"
    room.sign_in()
    return room


@pytest.mark.parametrize(
    "query",
    [
        SPAN,
        f"{SPAN}&channel=kiosk",
        f"{SPAN}&measure=very_satisfied",
        f"{SPAN}&survey=in_centre&channel=&period=range&date=2026-11-23",
        "date=2020-05-12",
        "period=week&date=2020-05-12",
        "period=month&date=2020-05-01",
    ],
)
def test_the_tally_of_that_time(golden: Room, query: str) -> None:
    html = golden.client.get(f"/?{query}").text
    assert card(html, "Lượt đánh giá") == "Lượt đánh giá 3.483"
    assert card(html, "Rất hài lòng").startswith(f"Rất hài lòng {SHARE} 3.355 trên 3.483")
    assert card(html, "Hài lòng trở lên").startswith("Hài lòng trở lên 100,0% 3.483 trên")
    whole = row(html, "Toàn Trung tâm")
    assert whole.startswith("Toàn Trung tâm 3.483 3.355 128 0 0 0 " + SHARE)
    assert whole.endswith("Quá ít ngày")  # they are all of one day
    assert "Trong đó 3.483 lượt đánh giá không ghi cơ quan, chỉ tính cho toàn Trung tâm." in words(
        html
    )


def test_the_interval_is_the_one_of_that_many_ratings(golden: Room) -> None:
    html = golden.client.get(f"/?{SPAN}").text
    assert f"{SHARE} từ 95,6% đến 96,9%" in row(html, "Toàn Trung tâm")


@pytest.mark.parametrize("path", ["/", "/department/so_tu_phap"])
def test_the_published_figure_stands_beside_today(golden: Room, path: str) -> None:
    said = card(golden.client.get(path).text, "Số công bố")
    part = (
        "số lượt đánh giá bằng 34,9% của 9.974 hồ sơ đã giải quyết, 19% của khoảng 18.000 lượt đến"
    )
    assert said.startswith(f"Số công bố · Rất hài lòng {SHARE} {part} 3.355 trên 3.483")


@pytest.mark.parametrize("path", [f"/comparison?{SPAN}", "/published", "/method"])
def test_it_says_everywhere_how_few_it_speaks_for(golden: Room, path: str) -> None:
    assert "34,9% của 9.974 hồ sơ" in golden.client.get(path).text


def test_how_few_is_a_field_of_the_form(golden: Room) -> None:
    form = golden.client.get("/settings/references/device_2020").text
    assert re.search(r'name="dossiers"[^>]*value="9974"', form)


@pytest.mark.parametrize("query", [SPAN, "period=month&date=2020-05-12"])
def test_no_department_has_a_device_figure_of_its_own(golden: Room, query: str) -> None:
    html = golden.client.get(f"/department/so_tu_phap?{query}").text
    assert row(html, "Cả cơ quan").startswith("Cả cơ quan 0 0 0 0 0 0 – –")
    assert SHARE in card(html, "Số công bố")


def test_in_english(golden: Room) -> None:
    html = golden.client.get(f"/?{SPAN}&lang=en").text
    assert row(html, "Whole centre").startswith("Whole centre 3,483 3,355 128 0 0 0 96.3%")


def test_the_82_ballots_are_another_survey_and_never_added(golden: Room) -> None:
    html = golden.client.get(f"/?{SPAN}&survey=paper_ballot_2020").text
    assert card(html, "Người trả lời") == "Người trả lời 82"
    assert row(html, "Toàn Trung tâm").startswith("Toàn Trung tâm 82 492 0 100,0%")


@pytest.mark.parametrize("by", ["centre", "channel", "day"])
def test_json(golden: Room, by: str) -> None:
    answer = golden.get("/api/v1/satisfaction", by=by, from_="2019-09-03", to="2020-05-12")
    [found] = answer.json()["rows"]
    assert found["counts"] == {"5": 3355, "4": 128, "3": 0, "2": 0, "1": 0}
    top = found["measures"]["very_satisfied"]
    assert (top["k"], top["n"], top["share"]) == (3355, 3483, 3355 / 3483)


def test_importing_again_changes_nothing(golden: Room) -> None:
    before = golden.client.get(f"/?{SPAN}").text
    context = golden.context
    ingest = Ingest(context.store, context.surveys, context.centre, context.clock)
    again = import_file(GOLDEN, ingest, "vi")
    assert again.summary() == "accepted 0, duplicate 3565, conflict 0, refused 0"
    assert golden.client.get(f"/?{SPAN}").text == before
