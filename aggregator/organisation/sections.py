"""The settings of a centre as forms have them: fields of text, by section, and back.

A section is a part of the document that is saved at once. ``fields`` writes it as text,
``applied`` reads a form's text into the next document. What cannot be read is told by field, all
of it at once, and nothing is changed.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, time
from typing import Literal, get_args

from pydantic import ValidationError

from aggregator.organisation.fields import Fields, FieldsError, Reader, both, made
from surveys.centre import WEEKDAYS, Ballots, Cases, Centre, Documents, TouchScreen
from surveys.looks import Looks
from surveys.wifi import Wifi

Section = Literal[
    "names", "hours", "touch_screen", "phone_form", "flags", "minimums", "looks", "wifi",
    "documents", "alerts", "cases", "board", "ballots",
]  # fmt: skip
SECTIONS: tuple[Section, ...] = get_args(Section)
# The colours of our own stylesheet: what a centre has that names none.
OUR_COLOURS = {"colour": "#0b4a73", "accent": "#a8325e"}
# The limits of alerts, each a whole number.
ALERT_LIMITS = ("silent_minutes", "refused", "disk_percent", "backup_hours")
FLAG_LIMITS = (
    *("burst_ratings", "burst_seconds", "run_ratings", "run_minutes"),
    *("outside_minutes", "touch_a_day", "phone_a_day", "phone_usual", "alert_from"),
)
FLAG_TICKS = ("outside_hours", "nobody_served", "same_network")
PHONE_LIMITS = ("forms_an_hour", "network_an_hour", "effort")  # each a whole number
# What of the documents' head and foot is said in both languages.
DOCUMENT_TEXTS = ("agency", "place", "addressees", "copies", "on_behalf", "title")
SPARE_SHIFTS = 2  # empty ones that a form of opening hours has besides those that there are


# What a form shows


def fields(centre: Centre, section: Section) -> dict[str, str]:
    """The fields of a section's form, as the document has them."""
    return _FIELDS[section](centre)


def _names(centre: Centre) -> dict[str, str]:
    return {
        **both("name", centre.name),
        **both("province", centre.province),
        **both("parent", centre.parent),
    }


def _hours(centre: Centre) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, shift in enumerate(centre.opening_hours):
        found |= {f"{day}.{number}": "1" for day in shift.days}
        found[f"opens.{number}"] = _clock(shift.opens)
        found[f"closes.{number}"] = _clock(shift.closes)
    found["closed_days"] = "\n".join(f"{day:%d/%m/%Y}" for day in centre.closed_days)
    found["clock_minutes"] = str(centre.clock_minutes)
    return found


def _clock(value: time) -> str:
    return f"{value:%H:%M}" if value == value.replace(second=0, microsecond=0) else str(value)


def _touch_screen(centre: Centre) -> dict[str, str]:
    return {name: str(value) for name, value in centre.touch_screen}


def _phone_form(centre: Centre) -> dict[str, str]:
    return {name: "" if value is None else str(value) for name, value in centre.phone_form}


def _flags(centre: Centre) -> dict[str, str]:
    found = {name: str(getattr(centre.flags, name)) for name in FLAG_LIMITS}
    return found | {name: "1" if getattr(centre.flags, name) else "" for name in FLAG_TICKS}


def _minimums(centre: Centre) -> dict[str, str]:
    names = ("minimum_ratings", "minimum_cell")
    return {name: str(getattr(centre, name)) for name in names}


def _looks(centre: Centre) -> dict[str, str]:
    looks = centre.looks or Looks()
    shown = {name: getattr(looks, name) or ours for name, ours in OUR_COLOURS.items()}
    return {"emblem": looks.emblem or "", **shown}


def _wifi(centre: Centre) -> dict[str, str]:
    wifi = centre.wifi
    if wifi is None:
        return {"wifi_name": "", "wifi_password": "", "wifi_open": ""}
    return {
        "wifi_name": wifi.name,
        "wifi_password": wifi.password or "",
        "wifi_open": "1" if wifi.open else "",
    }


def _documents(centre: Centre) -> dict[str, str]:
    found, fields = centre.documents or Documents(), dict[str, str]()
    for name in Documents.model_fields:
        value = getattr(found, name)
        fields |= both(name, value) if name in DOCUMENT_TEXTS else {name: value or ""}
    return fields


def _alerts(centre: Centre) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in centre.alerts:
        match value:
            case bool():
                found[name] = "1" if value else ""
            case time():
                found[name] = _clock(value)
            case tuple():
                found[name] = "\n".join(value)
            case None:
                found[name] = ""
            case _:
                found[name] = str(value)
    return found


def _cases(centre: Centre) -> dict[str, str]:
    return {name: str(value) for name, value in centre.cases}


def _board(centre: Centre) -> dict[str, str]:
    enabled = "1" if centre.board.enabled else ""
    return {"enabled": enabled, "settle_days": str(centre.board.settle_days)}


def _ballots(centre: Centre) -> dict[str, str]:
    return {name: str(value) for name, value in centre.ballots}


_FIELDS: Mapping[Section, Callable[[Centre], dict[str, str]]] = {
    "names": _names,
    "hours": _hours,
    "touch_screen": _touch_screen,
    "phone_form": _phone_form,
    "flags": _flags,
    "minimums": _minimums,
    "looks": _looks,
    "wifi": _wifi,
    "documents": _documents,
    "alerts": _alerts,
    "cases": _cases,
    "board": _board,
    "ballots": _ballots,
}


# From a form to the next document


def applied(centre: Centre, section: Section, given: Fields) -> Centre:
    """The next document, by a section's form. Raises FieldsError; nothing else is changed."""
    reader = Reader(given)
    changes = _READ[section](reader, centre)
    if reader.reasons:
        raise FieldsError(reader.reasons)
    return made(centre, changes, [*given])


def _read_names(reader: Reader, centre: Centre) -> dict[str, object]:
    needed = {name: reader.text(name) for name in ("name", "province")}
    return {**needed, "parent": reader.text("parent", needed=False)}


def shifts(given: Fields) -> list[int]:
    """The numbers of the shifts of which a form says anything."""
    numbers = {name.partition(".")[2] for name, value in given.items() if value.strip()}
    return sorted(int(one) for one in numbers if one.isdecimal() and len(one) < 3)


def _read_hours(reader: Reader, centre: Centre) -> dict[str, object]:
    found = []
    kept = [one for one in shifts(reader.fields) if not reader.given(f"drop.{one}")]
    for number in kept:
        days = [day for day in WEEKDAYS if reader.given(f"{day}.{number}")]
        opens, closes = reader.time(f"opens.{number}"), reader.time(f"closes.{number}")
        if not days:
            reader.wrong(f"opens.{number}", "no_days")
        if opens and closes and opens >= closes:
            reader.wrong(f"closes.{number}", "closes_first")
        found.append({"days": days, "opens": opens, "closes": closes})
    closed = []
    for written in reader.given("closed_days").replace(",", " ").replace(";", " ").split():
        try:
            closed.append(datetime.strptime(written, "%d/%m/%Y").date())
        except ValueError:
            reader.wrong("closed_days", "closed_day", written=written[:20])
    days_off = sorted(set(closed))
    minutes = reader.whole("clock_minutes")
    return {"opening_hours": found, "closed_days": days_off, "clock_minutes": minutes}


def _read_touch_screen(reader: Reader, centre: Centre) -> dict[str, object]:
    return {"touch_screen": {name: reader.whole(name) for name in TouchScreen.model_fields}}


def _read_phone_form(reader: Reader, centre: Centre) -> dict[str, object]:
    found: dict[str, object] = {name: reader.whole(name) for name in PHONE_LIMITS}
    last = reader.day("unsigned_until") if reader.given("unsigned_until") else None
    return {"phone_form": {**found, "unsigned_until": last}}


def _read_flags(reader: Reader, centre: Centre) -> dict[str, object]:
    found: dict[str, object] = {name: reader.whole(name) for name in FLAG_LIMITS}
    return {"flags": {**found, **{name: bool(reader.given(name)) for name in FLAG_TICKS}}}


def _read_minimums(reader: Reader, centre: Centre) -> dict[str, object]:
    return {name: reader.whole(name) for name in ("minimum_ratings", "minimum_cell")}


def _read_looks(reader: Reader, centre: Centre) -> dict[str, object]:
    old, shown = centre.looks or Looks(), _looks(centre)
    found: dict[str, str | None] = {"emblem": reader.given("emblem") or None}
    for name, ours in OUR_COLOURS.items():
        given = reader.given(name).lower()
        kept = given == shown[name].lower()  # a colour that is ours may have been named
        found[name] = getattr(old, name) if kept else None if given == ours else given
    return {"looks": found if any(found.values()) else None}


def _read_wifi(reader: Reader, centre: Centre) -> dict[str, object]:
    name, password = reader.words("wifi_name"), reader.given("wifi_password")
    is_open = bool(reader.given("wifi_open"))
    if name is None and (password or is_open):
        reader.wrong("wifi_name", "missing")
    if name is None:
        return {"wifi": None}
    try:
        return {"wifi": Wifi(name=name, password=password or None, open=is_open).model_dump()}
    except ValidationError as error:
        for one in error.errors(include_url=False):
            field = str(one["loc"][-1]) if one["loc"] else "open"
            reader.wrong(f"wifi_{field}", f"wifi_{field}")
        return {}


def _read_documents(reader: Reader, centre: Centre) -> dict[str, object]:
    found: dict[str, object] = {
        name: reader.text(name, needed=False) if name in DOCUMENT_TEXTS else reader.words(name)
        for name in Documents.model_fields
    }
    return {"documents": found if any(found.values()) else None}


def _read_alerts(reader: Reader, centre: Centre) -> dict[str, object]:
    found: dict[str, object] = {name: reader.whole(name) for name in ALERT_LIMITS}
    found |= {name: bool(reader.given(name)) for name in ("overdue", "numbers")}
    for name in ("quiet_from", "quiet_until"):
        found[name] = reader.time(name) if reader.given(name) else None
    found["emails"] = reader.given("emails").replace(",", " ").replace(";", " ").split()
    return {"alerts": found}


def _read_cases(reader: Reader, centre: Centre) -> dict[str, object]:
    return {"cases": {name: reader.whole(name) for name in Cases.model_fields}}


def _read_board(reader: Reader, centre: Centre) -> dict[str, object]:
    enabled = bool(reader.given("enabled"))
    return {"board": {"enabled": enabled, "settle_days": reader.whole("settle_days")}}


def _read_ballots(reader: Reader, centre: Centre) -> dict[str, object]:
    return {"ballots": {name: reader.whole(name) for name in Ballots.model_fields}}


_READ: Mapping[Section, Callable[[Reader, Centre], dict[str, object]]] = {
    "names": _read_names,
    "hours": _read_hours,
    "touch_screen": _read_touch_screen,
    "phone_form": _read_phone_form,
    "flags": _read_flags,
    "minimums": _read_minimums,
    "looks": _read_looks,
    "wifi": _read_wifi,
    "documents": _read_documents,
    "alerts": _read_alerts,
    "cases": _read_cases,
    "board": _read_board,
    "ballots": _read_ballots,
}
