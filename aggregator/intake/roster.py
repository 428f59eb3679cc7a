"""Reads a roster from a CSV file: a row is one shift of one official at one counter.

An official is known by a number alone. What looks like a name is refused.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from aggregator.intake.files import Record, local_day, records_in
from aggregator.storage.roster import Overlap, Shift, clock, refuse_overlaps
from aggregator.wording.periods import EARLIEST
from surveys.centre import Centre
from surveys.messages import Language
from surveys.wire import Refused

COLUMNS = ("official", "counter", "day", "from", "to")
# An official's number: capital letters, digits and marks between them, at least one digit.
NUMBER = re.compile(r"(?=.*[0-9])[A-Z0-9]+([./-][A-Z0-9]+)*")
LONGEST_NUMBER = 20
TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])|24:00")
AHEAD = timedelta(days=366)  # no roster is made for later days
MOST_SHIFTS = 50_000  # in one file

Lines = dict[Shift, int]  # by shift the number of its line


class RosterError(ValueError):
    """A roster that is refused as a whole: the lines at fault, with their reasons."""

    def __init__(self, problems: list[tuple[int, str]]) -> None:
        super().__init__(problems)
        self.problems = problems


def read_roster(data: bytes, name: str, centre: Centre, today: date, language: Language) -> Lines:
    """The shifts of a file called ``name``, each with its line.

    Raises RosterError with every line at fault, and FileError for a file that is no table.
    """
    return shifts_of(records_in(data, name, COLUMNS, language, COLUMNS), centre, today, language)


def shifts_of(records: Iterable[Record], centre: Centre, today: date, language: Language) -> Lines:
    """The same of records that have been read."""
    lines: Lines = {}
    problems: list[tuple[int, str]] = []
    for one in records:
        try:
            if one.error:
                problems.append((one.line, one.error))
                continue
            if len(lines) >= MOST_SHIFTS:
                raise Refused("official", "too_many_shifts", most=MOST_SHIFTS)
            shift = read_shift(one.cells, centre, today)
            if shift in lines:
                raise Refused("from", "shift_twice", line=lines[shift])
            lines[shift] = one.line
        except Refused as error:
            problems.append((one.line, error.reason(language)))
            if len(lines) >= MOST_SHIFTS:
                break
    if not problems:
        try:
            refuse_overlaps(lines)
        except Overlap as error:
            problems.append(told(error, lines, language))
    if problems:
        raise RosterError(problems)
    return lines


def told(error: Overlap, lines: Mapping[Shift, int], language: Language) -> tuple[int, str]:
    """The line of an overlapping shift, and with what it overlaps."""
    shift, other = error.shift, error.other
    if lines.get(shift, 0) < lines.get(other, 0):
        shift, other = other, shift
    return lines.get(shift, 0), overlapping(error.field, other).reason(language)


def overlapping(field: str, other: Shift) -> Refused:
    begins, ends = other.hours
    values = {"official": other.official, "counter": other.counter}
    day = other.day.isoformat()
    return Refused(field, "shifts_overlap", **values, day=day, begins=begins, ends=ends)


def read_shift(cells: Mapping[str, str], centre: Centre, today: date) -> Shift:
    """The shift of one row, its cells by COLUMNS. Raises Refused."""
    given = {name: cells.get(name, "").strip() for name in COLUMNS}
    for name in COLUMNS:
        if not given[name]:
            raise Refused(name, "missing")
    official = given["official"].upper()
    if len(official) > LONGEST_NUMBER or not NUMBER.fullmatch(official):
        raise Refused("official", "no_official", most=LONGEST_NUMBER)
    day = local_day(given["day"])
    if day < EARLIEST:
        raise Refused("day", "too_early", earliest=EARLIEST)
    if day > today + AHEAD:
        raise Refused("day", "too_far_ahead", latest=today + AHEAD)
    counter = given["counter"]
    if counter not in centre.counter:
        raise Refused("counter", "unknown_counter", value=counter[:40])
    if not centre.counter[counter].is_open_on(day):
        raise Refused("counter", "counter_closed", value=counter, day=day)
    begins, ends = (_minutes(name, given[name]) for name in ("from", "to"))
    if ends <= begins:
        raise Refused("to", "shift_ends_first", begins=clock(begins))
    return Shift(day, counter, begins, ends, official)


def _minutes(field: str, text: str) -> int:
    if not TIME.fullmatch(text):
        raise Refused(field, "no_time")
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)
