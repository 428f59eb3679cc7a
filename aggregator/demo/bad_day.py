"""What went wrong on the simulated quarter's last working day: an afternoon, and a kiosk."""

from datetime import datetime, time, timedelta

from aggregator.demo.calendar import SLOW, Batch, closing, filled, new_id, opening_days, stream
from aggregator.storage.devices import Beat
from aggregator.storage.store import Store
from surveys.centre import Centre

SILENT = "kiosk-sanh-2"  # invented, as its token is: nobody has it
SILENT_FROM = time(10, 12)
WAITING, PAPERS, STAFF = 1, 2, 3  # reasons
# When somebody rated, how, why and what was written; all of it invented.
AFTERNOON = (
    (time(13, 41), 2, (WAITING,), None),
    (
        time(14, 3),
        1,
        (WAITING, STAFF),
        "Chờ hơn một giờ mà quầy không có người, không ai báo lý do.",
    ),
    (time(14, 20), 4, (), None),
    (time(14, 52), 2, (WAITING,), "Máy lấy số hỏng, bà con chen nhau, đề nghị có người điều phối."),
    (time(15, 10), 1, (PAPERS,), "Chờ cả buổi chiều rồi được hẹn quay lại vì hệ thống lỗi."),
    (time(15, 35), 3, (), None),
    (time(16, 5), 2, (WAITING,), None),
    (time(16, 28), 1, (STAFF,), None),
)


def bad_afternoon(centre: Centre, now: datetime) -> Batch:
    """The afternoon's forms at one counter, which were delivered when the centre closed."""
    chance, day = stream(centre, now, "bad day"), last_day(centre, now).date()
    own = next(one for one in reversed(centre.departments) if one.counters and one.id != SLOW)
    forms = []
    for clock, rating, reasons, comment in AFTERNOON:
        moment = datetime.combine(day, clock, centre.zone)
        visit = {"channel": "kiosk", "visit": new_id(chance)}
        place = {"department": own.id, "counter": own.counters[0].id, **visit}
        forms.append(filled(new_id(chance), "in_centre", place, moment, {"rating": rating}))
        if reasons:
            told, later = {"reasons": [*reasons]}, moment + timedelta(seconds=20)
            forms.append(filled(new_id(chance), "in_centre", place, later, told, comment))
    return closing(centre, day), forms


def last_day(centre: Centre, now: datetime) -> datetime:
    """When the centre closed on the last working day before today."""
    today = centre.local_day(now)
    return closing(centre, max(day for day in opening_days(centre, now) if day < today))


def fall_silent(store: Store, centre: Centre, now: datetime) -> None:
    """A kiosk that was not heard of since the morning of that day."""
    seen = datetime.combine(last_day(centre, now).date(), SILENT_FROM, centre.zone)
    if store.devices.add(SILENT, "", seen - timedelta(days=60)):
        number = next(row.number for row in store.devices.rows() if row.name == SILENT)
        assert number is not None  # noqa: S101 - it is stored
        store.devices.note(number, seen, Beat(0, 0, 0, ""))
