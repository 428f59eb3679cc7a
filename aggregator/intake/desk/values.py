"""Cells as offices fill them in, each read as what its field means. Raises Refused, or Unplaced."""

import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from difflib import get_close_matches
from functools import lru_cache

from aggregator.intake.desk.fields import Field, folded
from aggregator.intake.desk.kinds.answers import names_of
from surveys.centre import Centre
from surveys.definition import Survey
from surveys.units import Unit
from surveys.wire import Refused

ISO = re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})")
LOCAL = re.compile(r"([0-9]{1,2})\s*[-/.]\s*([0-9]{1,2})\s*[-/.]\s*([0-9]{4}|[0-9]{2})")
SPOKEN = re.compile(r"(?:ngay )?([0-9]{1,2}) thang ([0-9]{1,2}) nam ([0-9]{4})")
PACKED = re.compile(r"(20[0-9]{2})([0-9]{2})([0-9]{2})")
SERIAL = re.compile(r"[0-9]{5}([.,][0-9]+)?")  # from 1927 to 2173, as spreadsheets count days
CLOCK = re.compile(
    r"([0-9]{1,2})\s*(?:[:hg]|giờ)\s*([0-9]{2})?(?:\s*[:'p]\s*([0-9]{2}))?(?:\.[0-9]+)?"
    r"\s*(sa|ch|am|pm)?",
    re.IGNORECASE,
)
OFFSET = re.compile(r"(?<=[0-9])\+07:?00$")  # the only one that a Vietnamese office has
BEGINNING = date(1899, 12, 30)
THOUSANDS = re.compile(r"[0-9]{1,3}([.\s][0-9]{3}){1,5}")
GROUPED = re.compile(r"-?[1-9][0-9]{0,2}([.\s][0-9]{3}){1,5}(,[0-9]{1,9})?")
DECIMAL = re.compile(r"[-\u2212]?[0-9]{1,15}([.,][0-9]{1,15})?")
WHOLE = re.compile(r"([0-9]{1,18})(?:[.,]0{1,9})?")
EXTENT = {
    "full": ("full", "toan bo", "tat ca", "day du", "co", "2"),
    "part": ("part", "mot phan", "1"),
    "none": ("none", "khong", "khong co", "0"),
}
YES = {"yes": ("yes", "co", "x", "1", "da"), "no": ("no", "khong", "0", "chua")}
COMPLAINT = {
    "none": ("none", "khong", "khong co", "0"),
    "not_upheld": ("not upheld", "khong dung", "phan anh khong dung", "co nhung khong dung"),
    "upheld": ("upheld", "dung", "co", "phan anh dung"),
}
WORDS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "extent": EXTENT,
    "yes": YES,
    "complaint": COMPLAINT,
}
CENTRE = ("toan trung tam", "trung tam", "ca trung tam", "centre", "whole centre")
MOST_NEAR = 200  # names that are looked for among others: each takes a millisecond
SHOWN = 40  # characters of a value that a message repeats


class Unplaced(Refused):
    """A department that is not known, or closed by then; ``suggested`` is the likeliest, if any."""

    def __init__(self, key: str, written: str, suggested: str | None, **values: object) -> None:
        super().__init__("department", key, value=written[:SHOWN], **values)
        self.written, self.suggested = written, suggested


@lru_cache(4_096)
def moment(name: str, text: str) -> tuple[date, time | None]:
    """The day of a cell, and the hour where it has one. Raises Refused."""
    text = OFFSET.sub("", text)
    clock = CLOCK.search(text) if ":" in text or re.search("[0-9]\\s*(h|g)", text) else None
    rest = (text[: clock.start()] + text[clock.end() :]) if clock else text
    rest = rest.strip(" ,;T")
    if not clock and SERIAL.fullmatch(rest):
        days, _, part = rest.replace(",", ".").partition(".")
        day = BEGINNING + timedelta(days=int(days))
        seconds = round(float(f"0.{part or 0}") * 86_400)
        return day, (datetime.min + timedelta(seconds=seconds)).time() if part else None
    for form, order in ((ISO, "ymd"), (LOCAL, "dmy"), (SPOKEN, "dmy"), (PACKED, "ymd")):
        found = form.fullmatch(folded(rest) if form is SPOKEN else rest)
        if found:
            parts = dict(zip(order, map(int, found.groups()), strict=True))
            year = parts["y"] + 2000 if parts["y"] < 100 else parts["y"]
            try:
                day = date(year, parts["m"], parts["d"])
            except ValueError:
                break
            return day, hour(name, clock[0]) if clock else None
    raise Refused(name, "no_such_day", value=text[:SHOWN])


def hour(name: str, text: str) -> time:
    """The hour of a cell, such as 8:15, 8h15, 08:15:30, 8 giờ 15, 1:30 CH. Raises Refused."""
    found = CLOCK.fullmatch(text.strip())
    if found is None:
        raise Refused(name, "no_time")
    hours, minutes, seconds = (int(part or 0) for part in found.groups()[:3])
    half = (found[4] or "").lower()
    if half in ("ch", "pm") and hours < 12:
        hours += 12
    elif half in ("sa", "am") and hours == 12:
        hours = 0
    try:
        return time(hours, minutes, seconds)
    except ValueError:
        raise Refused(name, "no_time") from None


def whole(name: str, text: str) -> str:
    """A whole number, also with points between thousands, or 5,0. Raises Refused."""
    if THOUSANDS.fullmatch(text):
        return re.sub(r"[.\s]", "", text)
    found = WHOLE.fullmatch(text)
    if found is None:
        raise Refused(name, "not_a_number", value=text[:SHOWN])
    return found[1]


def decimal(name: str, text: str) -> str:
    """A number as computers write it, of one as offices do: 1.204,5 or 96,3%. Raises Refused."""
    text = text.removesuffix("%").strip()
    if GROUPED.fullmatch(text):
        text = re.sub(r"[.\s]", "", text)
    elif not DECIMAL.fullmatch(text):
        raise Refused(name, "not_a_number", value=text[:SHOWN])
    return text.replace(",", ".").replace("\u2212", "-")


def answer(survey: Survey, field: Field, text: str) -> int:
    """The code of a level that a cell names or gives. Raises Refused."""
    question = field.question
    scale = survey.scale_of(question) if question else None
    if question is None or scale is None:
        return int(whole(field.name, text))
    said = folded(text)
    for level in scale.levels:
        if said in names_of(level.vi, level.en):
            return level.code
    begins = re.fullmatch(r"(?:muc |diem )?([0-9]{1,9})(?: .*)?", said)
    if begins and int(begins[1]) in scale.codes:
        code = int(begins[1])
        level = next(one for one in scale.levels if one.code == code)
        rest = said.removeprefix("muc ").removeprefix("diem ").removeprefix(begins[1]).strip()
        if rest in ("", "0", *names_of(level.vi, level.en)):
            return code
    raise Refused(field.name, "no_such_level", value=text[:SHOWN])


def answers(survey: Survey, field: Field, text: str) -> list[int]:
    """The codes of several levels, with semicolons or line feeds between. Raises Refused."""
    parts = [part for part in re.split(r"[;\n|]", text) if part.strip()]
    return [answer(survey, field, part.strip()) for part in parts]


def word(field: Field, text: str) -> str:
    """One of the few words that a field has, whichever way it is written. Raises Refused."""
    said = folded(text)
    for value, names in WORDS[field.meaning].items():
        if said in names:
            return value
    raise Refused(field.name, "not_one_of", allowed=", ".join(WORDS[field.meaning]))


class Places:
    """Finds departments and counters by id, number, name or former name.

    ``chosen`` has by what is written, folded, the department that somebody chose for it.
    """

    def __init__(self, centre: Centre, chosen: Mapping[str, str] | None = None) -> None:
        self.centre = centre
        self._chosen = chosen or {}
        self._named: dict[str, str] = {}
        self._centre = {folded(centre.name.vi), folded(centre.name.en)}
        self._found: dict[tuple[str, date | None], str] = {}
        self._counters: dict[tuple[str, str | None], str] = {}
        self._nearest: dict[str, str | None] = {}
        for one in centre.departments:
            for name in (folded(one.id), *_names(one)):
                # An open department has its name before a closed one of the same.
                if name not in self._named or one.closed is None:
                    self._named[name] = one.id

    def is_centre(self, written: str) -> bool:
        """Whether the cell of a department says that the row is of the whole centre."""
        said = folded(written)
        return (said in CENTRE and said not in self._named) or said in self._centre

    def knows(self, written: str) -> bool:
        """Whether a text names a department, or one that somebody chose for it."""
        said = folded(written)
        return self._of(said) is not None or said in self._chosen

    def near(self, written: str) -> str | None:
        """The id of the department whose name is most like a text, if any is."""
        said = _without_number(folded(written))
        if said not in self._nearest:
            if len(self._nearest) == MOST_NEAR:
                return None
            found = get_close_matches(said, list(self._named), 1, 0.6)
            self._nearest[said] = self._named[found[0]] if found else None
        return self._nearest[said]

    def department(self, written: str, day: date | None) -> str:
        """The id of the department of a cell on a day. Raises Unplaced."""
        if (written, day) not in self._found:
            self._found[written, day] = self._department(written, day)
        return self._found[written, day]

    def _of(self, said: str) -> str | None:
        return self._named.get(said) or self._named.get(_without_number(said))

    def _department(self, written: str, day: date | None) -> str:
        said, departments = folded(written), self.centre.department
        chosen = self._chosen.get(said)
        found = self._of(said)
        if found is None:
            if chosen in departments:
                return str(chosen)
            raise Unplaced("no_department", written, self.near(written))
        unit = departments[found]
        if day is not None and unit.closed is not None and unit.closed <= day:
            if chosen in departments:
                return str(chosen)
            heir = self.centre.department_heirs.get(found)
            name = departments[heir].name.vi if heir else "–"
            raise Unplaced("department_closed", written, heir, day=unit.closed, heir=name)
        return found

    def counter(self, written: str, department: str | None) -> str:
        """The id of the counter of a cell, of a department where it is known. Raises Refused."""
        if (written, department) not in self._counters:
            self._counters[written, department] = self._counter(written, department)
        return self._counters[written, department]

    def _counter(self, written: str, department: str | None) -> str:
        said = folded(written)
        counters = [
            one
            for one in self.centre.counter.values()
            if department is None or (one.id, department) in self.centre.stood
        ]
        number = re.fullmatch(r"(?:quay |quay so |q )?0*([0-9]+)", said)
        for found in (
            [one.id for one in counters if one.id.casefold() == written.casefold()],
            [one.id for one in counters if said in _names(one)],
            [one.id for one in counters if number and _number(one.id) == number[1]],
        ):
            if len(found) == 1:
                return found[0]
        raise Refused("counter", "unknown_counter", value=written[:SHOWN])

    def at(self, counter: str) -> str:
        """The department at which a counter stands."""
        stands = (d.id for d in self.centre.departments for c in d.counters if c.id == counter)
        return next(stands)


def _names(unit: Unit) -> set[str]:
    texts = [unit.name, *(one.name for one in unit.formerly if one.name)]
    return {folded(name) for text in texts for name in (text.vi, text.en)}


def _without_number(said: str) -> str:
    """A name without the number that a list begins it with."""
    return re.sub(r"^(?:[0-9]+|[ivx]+) (?=\S)", "", said)


def _number(id: str) -> str | None:
    found = re.search(r"([0-9]+)$", id)
    return str(int(found[1])) if found else None
