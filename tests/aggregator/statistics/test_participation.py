"""Ratings per dossier settled, where the number of dossiers is known."""

from datetime import date
from math import isnan

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.figures.participation import taking_part
from aggregator.statistics import nonresponse_bounds
from aggregator.statistics.participation import participation
from aggregator.storage.store import Selection
from surveys.centre import Centre
from tests.aggregator.conftest import EXAMPLE, Intake, Room, ratings, sipas, submission
from tests.aggregator.reading import card, row

TITLE = "Tỷ lệ tham gia"


@pytest.fixture
def rated(room: Room) -> Room:
    room.take(ratings(EXAMPLE))
    room.take(ratings([5] * 30, department="so_y_te", counter="q09"))
    room.sign_in()
    return room


def settle(room: Room, *rows: tuple[str, str, int]) -> None:
    room.context.store.put_transactions(
        {"day": date.fromisoformat(day), "department": department, "dossiers": dossiers}
        for day, department, dossiers in rows
    )


def page(room: Room, path: str = "/") -> str:
    return str(room.client.get(path).text)


def test_unknown_dossiers_are_said_to_be_unknown(rated: Room) -> None:
    assert card(page(rated), TITLE) == f"{TITLE} – Chưa có số hồ sơ trong kỳ"
    assert page(rated).count("taking-part") == 0


def test_the_whole_centre(rated: Room) -> None:
    settle(rated, ("2026-11-23", "", 430))
    assert card(page(rated), TITLE) == f"{TITLE} 34,9% 150 lượt đánh giá trên 430 hồ sơ"
    assert row(page(rated), "Toàn Trung tâm").startswith("Toàn Trung tâm 150 34,9% 130")


def test_departments_add_up_where_the_centre_has_no_figure(rated: Room) -> None:
    settle(rated, ("2026-11-23", "so_tu_phap", 240), ("2026-11-23", "so_y_te", 60))
    html = page(rated)
    said = f"{TITLE} 50,0% 150 lượt đánh giá trên 300 hồ sơ"
    assert card(html, TITLE) == f"{said} chỉ của 2/16 cơ quan có số hồ sơ"
    assert row(html, "Sở Tư pháp").startswith("Sở Tư pháp 120 50,0% 100")
    assert row(html, "Sở Y tế").startswith("Sở Y tế 30 50,0%")
    assert row(html, "Sở Nội vụ").startswith("Sở Nội vụ 0 – 0")


def test_the_centres_own_figure_goes_before_the_sum(rated: Room) -> None:
    settle(rated, ("2026-11-23", "", 600), ("2026-11-23", "so_tu_phap", 240))
    assert "150 lượt đánh giá trên 600 hồ sơ" in card(page(rated), TITLE)


def test_one_department(rated: Room) -> None:
    settle(rated, ("2026-11-23", "so_tu_phap", 480))
    html = page(rated, "/department/so_tu_phap")
    assert card(html, TITLE) == f"{TITLE} 25,0% 120 lượt đánh giá trên 480 hồ sơ"
    assert "Chưa có số hồ sơ" in card(page(rated, "/department/so_y_te"), TITLE)


def test_days_without_a_figure_are_named(rated: Room) -> None:
    settle(rated, ("2026-11-23", "", 430), ("2026-11-19", "", 70), ("2026-11-01", "", 1000))
    html = page(rated, "/?from=2026-11-19&to=2026-11-23")
    assert "150 lượt đánh giá trên 500 hồ sơ" in card(html, TITLE)
    assert card(html, TITLE).endswith("Đã có số hồ sơ của 2/3 ngày làm việc")


def test_days_on_which_the_centre_is_closed_and_days_to_come_are_not_missed(rated: Room) -> None:
    """20th to 23rd are Friday to Monday; the month goes on after today, the 23rd."""
    settle(rated, ("2026-11-23", "", 430), ("2026-11-20", "", 70))
    for query in ("from=2026-11-20&to=2026-11-23", "from=2026-11-20&to=2026-11-30"):
        assert card(page(rated, f"/?{query}"), TITLE).endswith("150 lượt đánh giá trên 500 hồ sơ")
    settle(rated, ("2026-11-21", "", 5))  # a Saturday that somebody worked counts, but not twice
    month = card(page(rated, "/?period=month"), TITLE)
    assert month.endswith("trên 505 hồ sơ Đã có số hồ sơ của 2/16 ngày làm việc")


def test_a_closed_day_is_no_working_day(centre: Centre) -> None:
    """By the rule that deadlines and silence go by; what was settled on it counts all the same."""
    days = [date(2026, 11, 19), date(2026, 11, 20)]
    dossiers = pd.DataFrame({"day": days, "department": "", "dossiers": [5, 70]})
    rated = pd.DataFrame({"day": days, "department": "so_y_te", "n": [1, 10]})
    closed = centre.model_copy(update={"closed_days": tuple(days[:1])})
    found = [taking_part(rated, dossiers, one)[""] for one in (centre, closed)]
    assert [(one.n, one.dossiers, one.days) for one in found] == [(11, 75, 2), (11, 75, 1)]


def test_no_dossiers_are_no_denominator(rated: Room) -> None:
    settle(rated, ("2026-11-23", "", 0))
    assert card(page(rated), TITLE) == f"{TITLE} – 150 lượt đánh giá trên 0 hồ sơ"


def test_a_corrected_figure_replaces_the_first(rated: Room) -> None:
    settle(rated, ("2026-11-23", "", 430))
    settle(rated, ("2026-11-23", "", 300))
    assert "150 lượt đánh giá trên 300 hồ sơ" in card(page(rated), TITLE)


def test_business_has_no_participation(rated: Room) -> None:
    settle(rated, ("2026-11-23", "", 430))
    assert TITLE not in page(rated, "/?survey=business")


def test_ratings_of_days_without_dossiers_are_left_out(rated: Room) -> None:
    """Half the dossiers under all the ratings would look like twice the participation."""
    rated.take(ratings([5] * 50, answered_at="2026-11-20T09:00:00+07:00"))
    settle(rated, ("2026-11-23", "", 430))
    assert "150 lượt đánh giá trên 430 hồ sơ" in card(
        page(rated, "/?from=2026-11-20&to=2026-11-23"), TITLE
    )


def test_of_a_survey_with_many_questions_people_are_counted_not_answers(rated: Room) -> None:
    rated.take([submission(survey="sipas_2020", answers={f"q{n}": 5 for n in range(1, 23)})])
    settle(rated, ("2026-11-23", "", 430))
    assert "1 người trả lời trên 430 hồ sơ" in card(page(rated, "/?survey=sipas_2020"), TITLE)


def test_both_databases_tell_who_took_part_on_which_day(intake: Intake) -> None:
    intake([*ratings(EXAMPLE), sipas(), sipas((5, 4, 0))])
    since = date(2026, 11, 23)
    intake.store.put_transactions([{"day": since, "department": "", "dossiers": 430}])
    assert intake.store.transactions(since, since).to_dict("records") == [
        {"day": since, "department": "", "dossiers": 430}
    ]
    for survey, questions, n in (("in_centre", ("rating",), 120), ("sipas_2020", None, 2)):
        found = intake.store.respondents(Selection(survey, questions))
        assert found.to_dict("records") == [{"day": since, "department": "so_tu_phap", "n": n}]


DAY = date(2026, 11, 23)
DOSSIERS = pd.DataFrame(
    {
        "day": [DAY, DAY, DAY],
        "department": ["so_tu_phap", "so_y_te", ""],
        "dossiers": [240, 60, 310],
    }
)


def by_channel(rows: list[tuple[str, str, int]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["channel", "department", "n"])
    return frame.assign(day=DAY)


def test_a_channels_ratings_are_over_all_dossiers_of_the_department() -> None:
    """Nobody knows by which channel a silent visitor would have answered."""
    ratings = by_channel([("kiosk", "so_tu_phap", 90), ("qr", "so_tu_phap", 30), ("qr", "", 10)])
    taking = {
        channel: participation(ratings[ratings["channel"] == channel], DOSSIERS, lambda day: True)
        for channel in ("kiosk", "qr")
    }
    assert taking["kiosk"]["so_tu_phap"].share == 90 / 240
    assert taking["qr"]["so_tu_phap"].share == 30 / 240
    assert taking["qr"]["so_y_te"].share == 0
    assert (taking["kiosk"][""].share, taking["qr"][""].share) == (90 / 310, 40 / 310)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["kiosk", "qr", "paper"]),
            st.sampled_from(["so_tu_phap", "so_y_te", ""]),
            st.integers(0, 50),
        ),
        max_size=12,
    )
)
def test_channels_add_up_and_the_order_of_rows_does_not_matter(
    rows: list[tuple[str, str, int]],
) -> None:
    def taking(some: list[tuple[str, str, int]]) -> dict[str, int]:
        frame = by_channel(some).groupby(["day", "department"], as_index=False)[["n"]].sum()
        return {key: one.n for key, one in participation(frame, DOSSIERS, lambda day: True).items()}

    whole = taking(rows)
    parts = [taking([row for row in rows if row[0] == c]) for c in ("kiosk", "qr", "paper")]
    assert whole == {key: sum(part[key] for part in parts) for key in whole}
    assert taking(rows[::-1]) == whole


def test_what_the_silent_could_change() -> None:
    """96.3 % of 3,483 ratings, but 9,974 dossiers: anything from 33.6 % to 98.7 %."""
    low, high = nonresponse_bounds(3355, 3483, 9974)
    assert (round(low, 4), round(high, 4)) == (0.3364, 0.9872)


@pytest.mark.parametrize(
    ("k", "n", "dossiers", "bounds"),
    [(9, 10, 10, (0.9, 0.9)), (0, 0, 10, (0, 1)), (10, 10, 40, (0.25, 1)), (0, 10, 40, (0, 0.75))],
)
def test_bounds_at_the_ends(k: int, n: int, dossiers: int, bounds: tuple[float, float]) -> None:
    assert nonresponse_bounds(k, n, dossiers) == pytest.approx(bounds)


@pytest.mark.parametrize(("n", "dossiers"), [(11, 10), (0, 0), (3, 0)])
def test_no_bounds_where_ratings_and_dossiers_do_not_count_the_same_people(
    n: int, dossiers: int
) -> None:
    assert all(map(isnan, nonresponse_bounds(0, n, dossiers)))


@given(
    st.integers(1, 500).flatmap(
        lambda dossiers: st.integers(1, dossiers).flatmap(
            lambda n: st.tuples(st.integers(0, n), st.just(n), st.just(dossiers))
        )
    )
)
def test_the_raw_share_is_between_the_bounds_and_they_narrow_with_every_answer(
    counts: tuple[int, int, int],
) -> None:
    k, n, dossiers = counts
    low, high = nonresponse_bounds(k, n, dossiers)
    assert 0 <= low <= k / n + 1e-12
    assert k / n - 1e-12 <= high <= 1
    assert high - low == pytest.approx(1 - n / dossiers)
