"""Reports for publication stand under the ledger of all that was ever published."""

from datetime import UTC, date, datetime

import pytest

from aggregator.documents.reports.model import WITHHELD, Likert
from aggregator.figures.figures import Unanswerable
from aggregator.storage.ledger import FORM
from tests.aggregator.conftest import Room, ratings, sipas
from tests.aggregator.documents.reporting import (
    QUARTER,
    at,
    cells,
    fill,
    printed_rows,
    report_of,
    table_of,
)

DECEMBER = datetime(2026, 12, 5, 2, tzinfo=UTC)


def printed(room: Room, kind: str, day: date = QUARTER) -> list[list[list[str]]]:
    report = report_of(room, kind, day=day, publish_as="report:An")  # type: ignore[arg-type]
    return [rows for _, rows in printed_rows(report)]


def test_a_report_to_be_published_is_of_frozen_months_and_stays_as_printed(room: Room) -> None:
    fill(room)
    with pytest.raises(Unanswerable):
        printed(room, "quarter")
    room.clock.moment = DECEMBER
    month = printed(room, "month")
    assert any("Sở Tư pháp" in str(row) for table in month for row in table)
    decided, _ = room.context.store.ledger.decided("in_centre")
    assert any(one.shown and one.group.channel == "qr" for one in decided)
    room.take(ratings((1,) * 30, answered_at=at(QUARTER)))
    assert printed(room, "month") == month, "what comes late is in no published figure"
    assert room.context.store.ledger.decided("in_centre")[0] == decided


def test_what_would_give_a_published_group_away_is_not_printed(room: Room) -> None:
    """All of a month but its last days was published: the month's own report hides no more."""
    fill(room)
    room.clock.moment = DECEMBER
    first = printed(room, "month")
    weeks = printed(room, "week", date(2026, 10, 12))
    decided, _ = room.context.store.ledger.decided("in_centre")
    assert {one.group.since for one in decided} >= {QUARTER, date(2026, 10, 12)}
    small = [one for one in decided if one.group.places and one.group.places[0][0] == "so_xay_dung"]
    assert small
    assert not any(one.shown for one in small)
    assert printed(room, "week", date(2026, 10, 12)) == weeks
    assert printed(room, "month") == first


def test_forms_are_published_under_the_ledger_too(room: Room) -> None:
    """The index with its criteria, and statements; what comes late is in none of them."""
    fill(room)
    room.clock.moment = DECEMBER
    report = report_of(room, "month", publish_as="report:An")
    index = table_of(report, "sipas")
    assert cells(index, "Chỉ số SIPAS")["respondents"] == 12
    assert all(value is not WITHHELD for row in table_of(report, "criteria").rows for value in row)
    assert [one for one in report.charts() if isinstance(one, Likert)]
    stated = [row for row in table_of(report, "business").rows if row[1] == 8]
    assert stated, "statements of eight firms"
    for survey, wanted in (("sipas_2020", {"", FORM}), ("business", {"b1_2", "b3_1"})):
        decided, _ = room.context.store.ledger.decided(survey)
        assert {one.group.question for one in decided if one.shown} >= wanted
        assert {(one.group.since, one.group.until) for one in decided if one.group.question} == {
            (QUARTER, date(2026, 10, 31))
        }
    room.take([sipas((1,) * 22, answered_at=at(QUARTER)) for _ in range(20)])
    again = report_of(room, "month", publish_as="report:An")
    assert table_of(again, "sipas") == index
    assert table_of(again, "business") == table_of(report, "business")


def test_forms_of_few_people_are_not_in_a_published_report(room: Room) -> None:
    room.take(ratings((5,) * 40, answered_at=at(QUARTER)))
    room.take([sipas((4,) * 22, answered_at=at(QUARTER)) for _ in range(3)])
    room.clock.moment = DECEMBER
    report = report_of(room, "month", publish_as="report:An")
    assert {table.key for table in report.tables()}.isdisjoint({"sipas", "criteria", "business"})
    assert not [one for one in room.context.store.ledger.decided("sipas_2020")[0] if one.shown]


def test_criteria_are_published_once_for_each_day(room: Room) -> None:
    """After those of a month, its quarter has the index at most."""
    fill(room)
    room.clock.moment = datetime(2027, 1, 10, 2, tzinfo=UTC)
    month = report_of(room, "month", publish_as="report:An")
    assert table_of(month, "criteria")
    quarter = report_of(room, "quarter", publish_as="report:An")
    assert "criteria" not in {table.key for table in quarter.tables()}
    factors = [row[1:] for row in table_of(quarter, "sipas").rows[:-1]]
    assert {value for row in factors for value in row} == {WITHHELD}
