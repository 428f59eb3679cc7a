"""Reports for publication stand under the ledger of all that was ever published."""

from datetime import UTC, date, datetime

import pytest

from aggregator.figures.figures import Unanswerable
from tests.aggregator.conftest import Room, ratings
from tests.aggregator.documents.reporting import QUARTER, at, fill, printed_rows, report_of

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
