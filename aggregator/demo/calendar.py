"""When the simulated centre is open and how busy, and a filled form as a kiosk sends it."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any
from uuid import UUID

from surveys.centre import Centre

DAYS = 90
WEEKDAYS = 5  # Monday to Friday
# Ratings by hour of an opening day: a morning and an afternoon peak around the midday break.
RHYTHM = {8: 4, 9: 6, 10: 5, 11: 2, 13: 2, 14: 4, 15: 4, 16: 2}
CLOSING = time(17)
SLOW = "so_tai_nguyen_moi_truong"  # the department with most overdue dossiers in the report

Batch = tuple[datetime, list[dict[str, Any]]]  # when it was delivered, and the forms


def stream(centre: Centre, now: datetime, name: str = "") -> Random:
    """Random numbers for one part of the simulation: changing it leaves the others as they are."""
    return Random(f"{centre.id} {now.date()} {name}".strip())  # noqa: S311 - a simulation


def opening_days(centre: Centre, now: datetime) -> Iterator[date]:
    today = centre.local_day(now)
    days = (today - timedelta(days=back) for back in range(DAYS, -1, -1))
    return (day for day in days if day.weekday() < WEEKDAYS)


def closing(centre: Centre, day: date) -> datetime:
    return datetime.combine(day, CLOSING, centre.zone)


def within(hour: int, day: date, centre: Centre, chance: Random) -> datetime:
    """A random moment of an hour of a day."""
    minute = time(hour, chance.randrange(60), chance.randrange(60))
    return datetime.combine(day, minute, centre.zone)


def new_id(chance: Random) -> str:
    return str(UUID(int=chance.getrandbits(128), version=4))


def filled(
    id_: str,
    survey: str,
    place: Mapping[str, str | None],
    moment: datetime,
    answers: Mapping[str, object],
    comment: str | None = None,
) -> dict[str, Any]:
    """A submission as a kiosk sends it; ``place`` has department, counter, channel and visit."""
    return {
        "id": id_,
        "survey": survey,
        **place,
        "answered_at": moment.isoformat(),
        "language": "vi",
        "answers": answers,
        "comment": comment,
    }
