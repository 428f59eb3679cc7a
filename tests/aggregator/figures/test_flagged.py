"""Ratings with a flag: counted as all others, and beside each share the share without them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from aggregator.alerts.rules import Scene, findings
from aggregator.alerts.words import sentence
from aggregator.dashboard.schemas import RowJson
from aggregator.figures.figures import figure_rows
from aggregator.figures.flagged import flag_layouts
from aggregator.figures.rows import FigureRow
from aggregator.intake.ingest import Ingest, Offer, rebuild
from aggregator.storage.store import Selection
from surveys.centre import Centre
from tests.aggregator.conftest import CENTRE, Room, statuses, submission
from tests.aggregator.dashboard.screens import shown

DAY = datetime.fromisoformat("2026-11-20T09:00:00+07:00")  # a Friday
PLACE: dict[str, Any] = {"department": "so_tu_phap", "counter": "q05"}


@pytest.fixture
def watched(make_room: Callable[..., Room], migrated_url: str) -> Room:
    """An aggregator of the sample centre with its flags, on each kind of database in turn."""
    return make_room(migrated_url, centre=CENTRE)


def spread(codes: list[int], begin: datetime = DAY, every: float = 60, **said: Any) -> list[Any]:
    return [
        submission(
            **(PLACE | said),
            answers={"rating": code},
            answered_at=(begin + timedelta(seconds=every * number)).isoformat(),
        )
        for number, code in enumerate(codes)
    ]


def honest() -> list[Any]:
    return spread([5, 5, 4, 5, 5, 5, 3, 5, 5, 5], every=420)


def attack(begin: datetime = DAY + timedelta(hours=6)) -> list[Any]:
    return spread([1] * 40, begin, every=0.1, channel="qr")


def rows(room: Room, by: Any = "centre", **selection: Any) -> list[FigureRow]:
    context = room.context
    survey = context.surveys["in_centre"]
    chosen = Selection(survey.id, **selection)
    return figure_rows(context.store, survey, context.centre, chosen, by)


def test_beside_the_share_of_all_stands_that_without_them(watched: Room) -> None:
    watched.take(honest())
    [row] = rows(watched)
    assert row.flagged is None
    assert row.share("very_satisfied").beside is None
    watched.take(attack())
    [row] = rows(watched)
    assert (row.n, row.measures["very_satisfied"].k) == (50, 8)  # nothing is taken from it
    assert row.flagged is not None
    assert (row.flagged.n, dict(row.flagged.counts)) == (40, {1: 40})
    assert dict(row.flagged.rules) == {"burst": 40, "run": 40}
    without = row.without_flagged()["very_satisfied"]
    assert (without.k, without.n) == (8, 10)
    figure = row.share("very_satisfied")
    said = "không tính 40 lượt có dấu hiệu bất thường: 80,0%"
    assert figure.beside is not None
    assert figure.beside.get("vi") == said
    facts = {label.get("vi"): text.get("vi") for label, text in figure.facts}
    assert facts["Dồn dập"].startswith("40 lượt. Từ 5 lượt trở lên ở một nơi trong 20 giây")


@pytest.mark.parametrize("by", ["department", "counter", "channel", "day", "month"])
def test_flags_add_up_by_whatever_rows_are_asked(watched: Room, by: str) -> None:
    watched.take([*honest(), *attack()])
    watched.take(
        spread([1] * 6, DAY - timedelta(days=9), every=1, department="so_y_te", counter="q09")
    )
    flagged = [row.flagged.n for row in rows(watched, by) if row.flagged]
    assert sum(flagged) == 46
    chosen = rows(watched, by, channel="kiosk")
    assert sum(row.flagged.n for row in chosen if row.flagged) == 6


def test_counting_anew_gives_the_same_flags(watched: Room) -> None:
    watched.take([*honest(), *attack()])
    store, surveys = watched.context.store, watched.context.surveys
    before = [row.flagged for row in rows(watched, "department")]
    store.roll_up(surveys.values(), flag_layouts(watched.context.centre))
    assert [row.flagged for row in rows(watched, "department")] == before
    rebuild(store, surveys, watched.context.centre.zone, lambda _: None)
    assert [row.flagged for row in rows(watched, "department")] == before
    assert any(before)


def test_a_late_answer_and_later_dossiers_change_the_flags_of_their_day(watched: Room) -> None:
    watched.take(
        [*honest(), *spread([5], DAY + timedelta(days=2, hours=23))]
    )  # so that DAY is past
    assert rows(watched)[0].flagged is None
    five = spread([5] * 4, DAY, every=2)
    watched.take(five)  # with the honest one of nine o'clock they are five within twenty seconds
    flagged = rows(watched)[0].flagged
    assert flagged is not None
    assert dict(flagged.rules) == {"burst": 5}
    settled = {"day": DAY.date(), "department": "so_tu_phap", "dossiers": 0}
    watched.context.store.put_transactions([settled])
    flagged = rows(watched)[0].flagged
    assert flagged is not None
    assert dict(flagged.rules) == {"burst": 5, "unserved": 14}
    watched.context.store.put_transactions([settled | {"dossiers": 7}])
    flagged = rows(watched)[0].flagged
    assert flagged is not None
    assert dict(flagged.rules) == {"burst": 5}


def test_other_rules_of_the_centre_make_other_flags(watched: Room) -> None:
    watched.take([*honest(), *attack()])
    context = watched.context
    before = rows(watched)[0].flagged
    flags = context.centre.flags.model_copy(update={"burst_ratings": 0, "run_ratings": 0})
    other: Centre = context.centre.model_copy(update={"flags": flags})
    selection = Selection("in_centre")
    survey = context.surveys["in_centre"]
    [row] = figure_rows(context.store, survey, other, selection, "centre")
    assert row.flagged is None
    assert rows(watched)[0].flagged == before


def test_taps_at_six_in_the_morning_and_on_a_sunday(watched: Room) -> None:
    early = DAY.replace(hour=6)
    watched.take(spread([5, 1], early, every=600))
    watched.take(spread([4], DAY - timedelta(days=5)))
    watched.take(spread([3], early, channel="qr"))  # a form may be sent from home
    watched.take(spread([5], DAY.replace(hour=11, minute=50)))  # the last of the morning
    flagged = rows(watched)[0].flagged
    assert flagged is not None
    assert dict(flagged.rules) == {"closed": 3}
    assert dict(flagged.counts) == {5: 1, 1: 1, 4: 1}


def test_what_was_imported_has_no_times_to_judge(watched: Room) -> None:
    context = watched.context
    ingest = Ingest(context.store, context.surveys, context.centre)
    [receipts] = ingest.accept([Offer(attack(), "en")])
    assert statuses(receipts) == {"accepted": 40}
    assert rows(watched)[0].flagged is None


def test_managers_are_told_of_many_today(watched: Room) -> None:
    watched.take(attack(watched.clock().astimezone(DAY.tzinfo) - timedelta(minutes=5)))
    context = watched.context
    survey = context.surveys["in_centre"]
    scene = Scene(context.store, watched.settings, context.centre, survey, watched.clock())
    [one] = [found for found in findings(scene) if found.rule == "flagged"]
    assert one.subject == "counter:q05"
    said = "Quầy 05 (Sở Tư pháp): hôm nay 40 lượt đánh giá có dấu hiệu bất thường"
    assert sentence(one, context.centre).get("vi").startswith(said)


def test_pages_and_json_have_both_side_by_side(make_room: Callable[..., Room]) -> None:
    room = make_room(centre=CENTRE)
    room.context.accounts.add_user("quan_ly", "manager")
    room.client.get(room.context.accounts.new_link("quan_ly", ""))
    room.take(honest())
    where = "?period=day&date=2026-11-20"
    for path in ("/", "/comparison", "/briefing"):
        assert "dấu hiệu bất thường" not in shown(room, path + where)
    room.take(attack())
    beside = "không tính 40 lượt có dấu hiệu bất thường: 80,0%"
    for path in ("/", "/comparison", "/briefing", "/department/so_tu_phap"):
        assert beside in shown(room, path + where), path
    bearer = {"authorization": f"Bearer {room.reader}"}
    asked = "/api/v1/satisfaction?survey=in_centre&by=centre"
    [row] = room.client.get(asked, headers=bearer).json()["rows"]
    assert row["n"] == 50
    assert {name: row["flagged"][name] for name in ("n", "counts", "rules")} == {
        "n": 40,
        "counts": {"1": 40},
        "rules": {"burst": 40, "run": 40},
    }
    assert row["flagged"]["measures_without"]["very_satisfied"]["share"] == 0.8
    [figure] = rows(room)
    assert figure.flagged is not None
    assert RowJson.of(figure, "vi", publish=True).flagged is None  # it may be a small group
