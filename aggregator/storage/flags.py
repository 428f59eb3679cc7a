"""Submissions with a flag: which they are, by which rules, and their share of every tally.

No stored answer is changed and nothing is counted differently: flags are computed of the answers
of a day when it is first read, and kept as blocks like other tallies, by the rules that were in
force; other rules make other blocks. What a tally has without them is the tally less these blocks,
so that both together are the whole, to the last integer.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cached_property
from itertools import groupby
from statistics import median
from typing import Any

import numpy as np
import orjson
import pandas as pd
from sqlalchemy import Connection, Row, func, select
from sqlmodel import col

from aggregator.statistics.flags import FEW_FORMS, FLAG_RULES, flags
from aggregator.storage.blocks import Block, Key, Keys
from aggregator.storage.rollups import (
    FACTORS,
    HOURS,
    POOL,
    SUMS,
    TALLIES,
    USUAL_DAYS,
    OfAnswers,
    Span,
    Table,
    Tallies,
)
from aggregator.storage.tables import FLAGS, SubmissionRow, Tally, Transactions
from aggregator.storage.tallies import Cell, Deltas
from surveys.centre import RATING, WEEKDAYS, Centre
from surveys.definition import Survey

WAYS = ("kiosk", "qr")  # what was typed in has no times of its own
FEWEST_DAYS = 10  # with answers at a place, from which on it has a usual day

# By layout: the first part of the items that hold its share, and which of these are of it.
PARTS: Mapping[str, tuple[str, Callable[[Key], bool]]] = {
    TALLIES.name: ("tally", lambda item: True),
    POOL.name: ("pool", lambda item: item[1] == ""),
    FACTORS.name: ("pool", lambda item: item[1] != ""),
    HOURS.name: ("hour", lambda item: True),
}
Place = tuple[str, str]  # department and counter, '' where there is none


@dataclass(frozen=True, eq=False)
class Flagging:
    """A rollups.Layout of what the flagged submissions of a survey add to its tallies.

    Its items have four parts. ``rules``: the names of the rules that gave a flag, with a comma
    between them, by which each rating or form is counted in the first sum. ``tally``: question
    and code, counted there, too. ``pool``: factor and measure, with all sums. ``hour``: code,
    weekday and hour.

    Judged is each rating, and each form of another survey; whatever else was said in the visit of
    a flagged rating has its flags, too.
    """

    survey: Survey
    centre: Centre

    items = ("part", "rules", "second", "third")
    places = ("channel", "department", "counter")
    sums = SUMS
    table: Table = field(default=Tally, init=False)

    @cached_property
    def name(self) -> str:
        """A name of its own for these rules, opening hours and counters."""
        centre = self.centre
        hours = [(*one.days, one.opens, one.closes) for one in centre.opening_hours]
        counters = {one.id: len(one.counters) for one in centre.departments}
        limits = [value for _, value in centre.flags]
        parts = (self.survey.fingerprint, centre.time_zone, hours, centre.closed_days, counters)
        told = (*parts, limits, centre.instruments.rating)
        return f"{FLAGS} {hashlib.sha256(orjson.dumps(told)).hexdigest()[:16]}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Flagging) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)

    def block(self, connection: Connection, survey: str, span: Span) -> Block:
        counted: Counter[Key] = Counter()
        deltas = Deltas({survey: self.survey})
        for row, rules in self._flagged(connection, survey, span):
            place = (row.channel, row.department or "", row.counter or "")
            if self._is_judged(row):
                counted["rules", ",".join(rules), 0, 0, *place] += 1
            hour = row.answered_at.astimezone(self.centre.zone).hour
            deltas.add(survey, Cell(row.day.isoformat(), *place), row.answers, hour)
        sums: dict[Key, np.ndarray] = defaultdict(lambda: np.zeros(len(SUMS), dtype=np.int64))
        for key, numbers in self._parts(counted, *deltas.rows()):
            sums[key][: len(numbers)] += numbers
        found_rows = [(*key, *numbers.tolist()) for key, numbers in sums.items()]
        return Block.of_rows(found_rows, len(self.items), len(self.places), len(self.sums))

    def numbers(self, connection: Connection, survey: str, span: Span) -> frozenset[int]:
        """The numbers of the flagged submissions of a survey."""
        return frozenset(row.number for row, _ in self._flagged(connection, survey, span))

    def _flagged(
        self, connection: Connection, survey: str, span: Span
    ) -> Iterator[tuple[Row[Any], tuple[str, ...]]]:
        """The flagged submissions of a survey, each with its rules."""
        settled, usual = _settled(connection, span), _Usual(connection, self.survey, span)
        for day, rows in groupby(self._rows(connection, survey, span), lambda row: row.day):
            of_day = [*rows]
            found = self.of_day(of_day, day, settled, usual)
            for row in of_day:
                if row.survey == survey and (rules := found.get(row.number)):
                    yield row, rules

    @staticmethod
    def _parts(
        counted: Mapping[Key, int],
        tallies: Iterable[Sequence[Any]],
        pooled: Iterable[Sequence[Any]],
        hours: Iterable[Sequence[Any]],
    ) -> Iterator[tuple[Key, Sequence[int]]]:
        for key, n in counted.items():
            yield key, (n,)
        for _, _, *place, question, code, n in tallies:
            yield ("tally", question, code, 0, *place), (n,)
        for _, _, channel, department, counter, factor, measure, *sums in pooled:
            yield ("pool", factor, measure, 0, channel, department, counter), sums
        for _, _, *place, weekday, hour, code, n in hours:
            yield ("hour", code, weekday, hour, *place), (n,)

    def of_day(
        self,
        rows: Sequence[Any],
        day: date,
        settled: Mapping[tuple[date, str], int],
        usual: Callable[[date, Place], float],
    ) -> dict[int, tuple[str, ...]]:
        """The rules that gave a flag to the submissions of a day, by their numbers.

        ``rows`` are submissions of the survey and of that of ratings, in the order of arrival;
        ``settled`` are dossiers by day and department, ``usual`` the forms of a usual day of the
        code of a place, NaN where that is not known.
        """
        judged = [row for row in rows if self._is_judged(row)]
        if not judged:
            return {}
        found = flags(self._table(judged, day, settled, usual), self.centre.flags)
        rules: dict[int, set[str]] = defaultdict(set)
        of_visits: dict[str, set[str]] = defaultdict(set)
        for row, own in zip(judged, found.to_numpy().tolist(), strict=True):
            given = {rule for rule, has in zip(FLAG_RULES, own, strict=True) if has}
            rules[row.number] |= given
            if given and row.visit and row.survey == self.centre.instruments.rating:
                of_visits[row.visit] |= given
        ratings = {row.number for row in judged if row.survey == self.centre.instruments.rating}
        for row in rows:
            if row.number not in ratings:
                rules[row.number] |= of_visits.get(row.visit, set())
        return {
            number: tuple(rule for rule in FLAG_RULES if rule in given)
            for number, given in rules.items()
            if given
        }

    def _is_judged(self, row: Any) -> bool:
        """Whether a submission is judged by itself: a rating, or a form of another survey."""
        question = self._rating_of(row.survey)
        return question is None or question in row.answers

    def _rating_of(self, survey: str) -> str | None:
        if survey == self.survey.id:
            return self.survey.rating
        return RATING

    def _table(
        self,
        judged: Sequence[Any],
        day: date,
        settled: Mapping[tuple[date, str], int],
        usual: Callable[[date, Place], float],
    ) -> pd.DataFrame:
        """The submissions as statistics.flags takes them."""
        counters = {one.id: len(one.counters) for one in self.centre.departments}
        every = max(sum(counters.values()), 1)
        near = _near_hours(self.centre, day)
        sources: dict[Key, int] = {}
        places: dict[Key, int] = {}
        alike: dict[object, int] = {}
        told: list[tuple[Any, ...]] = []
        forms = Counter(_at(row) for row in judged if row.channel != "kiosk")
        for row in judged:
            at, touch = row.answered_at.timestamp(), row.channel == "kiosk"
            place = (row.survey, row.channel, row.department, row.counter)
            question = self._rating_of(row.survey)
            said = row.answers[question] if question else orjson.dumps(sorted(row.answers.items()))
            among = max(counters.get(row.department, 1), 1) if row.department else every
            dossiers = settled.get((day, row.department or ""), np.nan)
            many = forms[_at(row)] > FEW_FORMS and np.isnan(dossiers)
            told.append(
                (
                    sources.setdefault((row.device, *place), len(sources)),
                    places.setdefault(place, len(places)),
                    int(at),
                    alike.setdefault((question, said), len(alike)),
                    touch,
                    touch and not any(since <= at < until for since, until in near),
                    1 if row.counter else among,
                    among,
                    bool(row.crowded),
                    dossiers,
                    usual(day, _at(row)) if many and not touch else np.nan,
                )
            )
        names = ["source", "place", "at", "code", "touch", "closed", "counters", "among"]
        return pd.DataFrame(told, columns=[*names, "crowded", "dossiers", "usual"])

    def _rows(self, connection: Connection, survey: str, span: Span) -> Sequence[Row[Any]]:
        """What devices handed in of a span, day by day in the order of arrival."""
        of = SubmissionRow
        place = (col(of.device), col(of.channel), col(of.department), col(of.counter))
        said = (col(of.visit), col(of.answered_at), col(of.answers), col(of.crowded))
        query = select(col(of.number), col(of.day), col(of.survey), *place, *said).where(
            col(of.day).between(*span),
            col(of.survey).in_({survey, self.centre.instruments.rating}),
            col(of.channel).in_(WAYS),
            col(of.device).is_not(None),  # what was imported may have days in place of times
        )
        return connection.execute(query.order_by(col(of.day), col(of.number))).all()


@dataclass(frozen=True, eq=False)
class Share:
    """A rollups.Layout of what the flagged submissions of a survey add to a layout of answers."""

    of: OfAnswers
    flagging: Flagging

    @property
    def table(self) -> Table:
        return self.of.table

    @property
    def items(self) -> Sequence[str]:
        return self.of.items

    @property
    def places(self) -> Sequence[str]:
        return self.of.places

    @property
    def sums(self) -> Sequence[str]:
        return self.of.sums

    @cached_property
    def name(self) -> str:
        """A name of its own for both; it begins as that of flags, then as that of the layout."""
        kind, _, _ = self.of.name.rpartition(" ")
        told = (self.of.name, self.flagging.name)
        return f"{FLAGS} {kind} {hashlib.sha256(orjson.dumps(told)).hexdigest()[:16]}"

    def block(self, connection: Connection, survey: str, span: Span) -> Block:
        flagged = self.flagging.numbers(connection, survey, span)
        if not flagged:
            return Block.of_rows((), len(self.items), len(self.places), len(self.sums))
        return self.of.block_among(connection, survey, span, flagged)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Share) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)


def below_zero(block: Block) -> Block:
    """A block that takes off what the block has."""
    return block._replace(values=-block.values.astype(np.int64))


def taken_off(block: Block, layout: Tallies) -> Block:
    """What a block of Flagging takes off one of ``layout``: the same items, below 0."""
    part, is_of = PARTS[layout.name]
    at = [n for n, item in enumerate(block.items) if item[0] == part and is_of(item)]
    width = 1 + len(layout.items)
    items = Keys(block.items[n][1:width] for n in at)
    return Block(items, block.places, -block.values[: len(layout.sums), at].astype(np.int64))


def _at(row: Any) -> Place:
    return row.department or "", row.counter or ""


def _near_hours(centre: Centre, day: date) -> list[tuple[float, float]]:
    """From when until when, in seconds since 1970, a tap of a day is near the opening hours."""
    midnight = datetime.combine(day, time(0), centre.zone)
    if not centre.opens_on(day):
        return []
    if not centre.opening_hours:
        return [(midnight.timestamp(), (midnight + timedelta(days=1)).timestamp())]
    by = timedelta(minutes=centre.flags.outside_minutes)
    return [
        (
            (datetime.combine(day, hours.opens, centre.zone) - by).timestamp(),
            (datetime.combine(day, hours.closes, centre.zone) + by).timestamp(),
        )
        for hours in centre.opening_hours
        if WEEKDAYS[day.weekday()] in hours.days
    ]


def _settled(connection: Connection, span: Span) -> dict[tuple[date, str], int]:
    """The dossiers of the days by department, '' for the centre, where they are known."""
    of = Transactions
    columns = col(of.day), col(of.department), col(of.dossiers)
    rows = connection.execute(select(*columns).where(col(of.day).between(*span)))
    return {(day, department): dossiers for day, department, dossiers in rows}


class _Usual:
    """How many forms the code of a place gets on a usual day: the median of those before.

    Of the USUAL_DAYS before a day those count on which anybody answered at the place, in whatever
    way; of fewer than FEWEST_DAYS nothing is known. Forms are the most answers that any question
    got, so that no answers are read.
    """

    def __init__(self, connection: Connection, survey: Survey, span: Span) -> None:
        self._connection, self._survey, self._span = connection, survey, span

    def __call__(self, day: date, place: Place) -> float:
        since = day - timedelta(days=USUAL_DAYS)
        before = [n for at, n in self._forms.get(place, {}).items() if since <= at < day]
        return float(median(before)) if len(before) >= FEWEST_DAYS else float("nan")

    @cached_property
    def _forms(self) -> dict[Place, dict[date, int]]:
        """By place and day; read where some code was sent often."""
        place = (col(Tally.channel), col(Tally.department), col(Tally.counter))
        key = (col(Tally.day), *place, col(Tally.question))
        first = self._span.since - timedelta(days=USUAL_DAYS)
        query = select(*key, func.sum(col(Tally.n))).where(
            col(Tally.survey) == self._survey.id,
            col(Tally.day).between(first, self._span.until - timedelta(days=1)),
            col(Tally.channel).in_(WAYS),
            col(Tally.question).in_(self._survey.measured_ids),
        )
        found: dict[Place, dict[date, int]] = defaultdict(dict)
        rows = self._connection.execute(query.group_by(*key))
        for day, channel, department, counter, _, n in rows:
            own = found[department, counter]
            own[day] = max(own.get(day, 0), int(n) if channel == "qr" else 0)
        return found
