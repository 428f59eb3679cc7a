"""How officials are rated: what citizens said at a counter while an official sat there.

Two things are told of each: the criteria of the survey's factor on officials, and of the ratings
whose reason is the staff how many were favourable. Answers are joined to the roster by counter
and local time, day by day, and kept as blocks like other tallies: nothing is added to what is
stored of an answer.
"""

import hashlib
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import orjson
import pandas as pd
from sqlalchemy import Connection

from aggregator.figures.figure import Figure
from aggregator.figures.flagged import Flagged, flagged_by
from aggregator.figures.rows import (
    Difference,
    FigureRow,
    Measure,
    measure_frame,
    records,
    set_measures,
    set_unflagged,
    tested,
)
from aggregator.figures.standing import RankedShare, ranking
from aggregator.statistics import DaySums, changes, pooled_shares, wilson
from aggregator.statistics.days import allowing_for_alike, others_of_day
from aggregator.storage.blocks import Block
from aggregator.storage.database import StorageError
from aggregator.storage.flags import Flagging
from aggregator.storage.rollups import SUMS, Span, last_of_month
from aggregator.storage.roster import LAYOUT, Seat, Shift, shifts_of
from aggregator.storage.store import Selection, Store
from aggregator.storage.submissions import Filters, read_days
from aggregator.wording.messages import MESSAGES
from aggregator.wording.phrases import decimal, integer, say, verbatim
from surveys.centre import Centre
from surveys.definition import Survey, Text

FACTOR = "officials"  # of the full survey: its third factor
REASON = ("reasons", 3)  # of a rating: the question, and the code of "Công chức phục vụ"
COMPARABLE = 2  # officials with enough answers, of whom one can be held against the others
RATED, REASONED, ASKED = "rated", "reason", "factor"  # the parts of a block's items


@dataclass(frozen=True, eq=False)
class OfShifts:
    """A rollups.Layout of what was said of each official, by the roster and the hour of answers.

    Parts are RATED, the ratings of the shift; REASONED, those whose reason is the staff, by the
    level of the same visit; ASKED, the pooled questions of FACTOR, and each of them by its id.
    """

    survey: Survey
    centre: Centre

    items = ("part", "measure")
    places = ("channel", "department", "counter", "official")
    sums = SUMS

    @cached_property
    def name(self) -> str:
        """A name of its own for this version of the survey."""
        parts = ("criteria", self.survey.fingerprint, self.centre.time_zone)
        return f"{LAYOUT} {hashlib.sha256(orjson.dumps(parts)).hexdigest()[:16]}"

    def block(self, connection: Connection, survey: str, span: Span) -> Block:
        return self.block_among(connection, survey, span, None)

    def block_among(
        self, connection: Connection, survey: str, span: Span, among: Collection[int] | None
    ) -> Block:
        sums: dict[tuple[str, ...], list[int]] = defaultdict(lambda: [0] * len(SUMS))
        seated = _Seated(shifts_of(connection, *span), self.centre)
        if seated:
            rows = [
                (place, row)
                for row in read_days(connection, Filters(*span, survey=survey), among)
                if (place := seated.place(row)) is not None
            ]
            for place, part, answers, favourable_by in self._said(rows):
                m = len(answers)
                for measure, favourable in favourable_by.items():
                    k = sum(code in favourable for code in answers)
                    into = sums[part, measure, *place]
                    for number, value in enumerate((1, k, m, k * k, k * m, m * m)):
                        into[number] += value
        summed = [(*key, *values) for key, values in sums.items()]
        return Block.of_rows(summed, len(self.items), len(self.places), len(SUMS))

    def _said(
        self, rows: Sequence[tuple[tuple[str, ...], Any]]
    ) -> Iterator[tuple[tuple[str, ...], str, Sequence[int], Mapping[str, Any]]]:
        """What counts of some answers: place, part, codes, and the favourable codes by measure."""
        rating = self.survey.rating
        if rating is None:
            asked = dict(self.survey.measured_by_factor).get(FACTOR, ())
            for place, row in rows:
                if codes := [row.answers[name] for name in asked if name in row.answers]:
                    yield place, ASKED, codes, self.survey.pooled_measures
                for name in asked:
                    if name in row.answers:
                        yield place, name, [row.answers[name]], self.survey.pooled_measures
            return
        measures = self.survey.measures_of(self.survey.questions[rating])
        # A reason may come after its rating, as an answer of its own with the same visit.
        level = {row.visit: row.answers[rating] for _, row in rows if rating in row.answers}
        question, code = REASON
        for place, row in rows:
            if rating in row.answers:
                yield place, RATED, [row.answers[rating]], measures
            if code in row.answers.get(question, ()):
                given = row.answers.get(rating, level.get(row.visit) if row.visit else None)
                if given is not None:
                    yield place, REASONED, [given], measures


class _Seated:
    """Finds who sat at the counter of an answer when it was given."""

    def __init__(self, shifts: Sequence[Shift], centre: Centre) -> None:
        self._zone = centre.zone
        self._shifts: dict[tuple[Any, str], list[Shift]] = defaultdict(list)
        for one in shifts:  # in the order of their hours
            self._shifts[one.day, one.counter].append(one)

    def __bool__(self) -> bool:
        return bool(self._shifts)

    def place(self, row: Any) -> tuple[str, ...] | None:
        """Channel, department, counter and official of an answer; None where nobody sat there."""
        found = self._shifts.get((row.day, row.counter))
        if not found:
            return None
        at: datetime = row.answered_at.astimezone(self._zone)
        minute = at.hour * 60 + at.minute
        before = bisect_right(found, minute, key=lambda one: one.begins)
        if not before or minute >= found[before - 1].ends:
            return None
        return row.channel, row.department or "", row.counter, found[before - 1].official


@dataclass(frozen=True)
class Assessed:
    """What was said of one official in one part, or to one criterion of ASKED.

    ``ranked`` is the shrunk share, None where fewer than three have enough answers; then
    ``difference`` from all others is, too, and while the period runs. Without ``enough`` answers
    nothing of it is told.
    """

    part: str
    row: FigureRow
    measure: str
    minimum: int
    ranked: RankedShare | None = None
    difference: Difference | None = None
    others: Measure | None = None

    @property
    def enough(self) -> bool:
        return self.row.n >= self.minimum

    @property
    def verdict(self) -> str:
        return self.difference.verdict if self.difference and self.enough else ""

    @property
    def size(self) -> Figure:
        facts = () if self.enough else ((say("attitude.minimum"), integer(self.minimum)),)
        found = self.row.size
        return replace(found, definition=say(f"attitude.n_{self._kind}_how"), facts=facts)

    @property
    def share(self) -> Figure:
        found = self.row.share(self.measure)
        asked = self.row.question.text if self.row.question else verbatim("")
        measure = say(f"measure.{self.measure}")
        words = say(f"attitude.{self._kind}_how", measure=measure, criterion=asked)
        facts = (*found.facts, (say("hours.caution"), say("attitude.warning")))
        return replace(found, definition=words, facts=facts)

    @property
    def _kind(self) -> str:
        return self.part if self.part in (ASKED, REASONED) else "criterion"

    @property
    def shrunk(self) -> Figure | None:
        """The share drawn towards that of all officials, the more the fewer answers."""
        if self.ranked is None:
            return None
        return replace(
            self.ranked.shrunk_figure,
            name=f"{self.row.group}{self.row.key}.shrunk",
            definition=say("attitude.shrunk_how"),
        )

    @property
    def stands_out(self) -> Figure | None:
        """By how much the official lies below or above all others, with the test."""
        found, others = self.difference, self.others
        if found is None or others is None:
            return None
        verdict = f"attitude.verdict_{found.verdict}"
        about = f"attitude.{self.part}"
        return self.row.apart(found, others, "attitude", about, verdict, "attitude.warning")


@dataclass(frozen=True)
class Official:
    """An official of the roster: where and how long in the period, and what was said.

    ``parts`` has ASKED and REASONED, ``criteria`` each question of ASKED by its id; one without
    any answers is not there. What is concluded is about the parts.
    """

    number: str
    departments: tuple[str, ...]
    counters: tuple[str, ...]
    shifts: int
    minutes: int
    ratings: int
    parts: Mapping[str, Assessed]
    criteria: Mapping[str, Assessed]

    @property
    def below(self) -> bool:
        return any(one.verdict == "down" for one in self.parts.values())

    @property
    def enough(self) -> bool:
        return any(one.enough for one in self.parts.values())

    @property
    def _lowest(self) -> float:
        shares = [
            one.ranked.shrunk if one.ranked else one.row.measures[one.measure].share or 0.0
            for one in self.parts.values()
            if one.enough
        ]
        return min(shares, default=2.0)

    @property
    def order(self) -> tuple[object, ...]:
        """Those that stand out below first, then by their lowest share; without enough last."""
        return not self.below, self._lowest, self.number

    @property
    def seated(self) -> Figure:
        """How often the official sat at a counter, and how long."""
        hours = (say("attitude.hours"), decimal(self.minutes / 60))
        return Figure(
            name=f"seat.{self.number}",
            title=say("attitude.official", number=self.number),
            value=self.shifts,
            unit="count",
            definition=say("attitude.shifts_how"),
            facts=(hours,),
            source=say("attitude.roster"),
        )

    @property
    def rated(self) -> Figure:
        """How many ratings of any kind were given while the official sat there."""
        return Figure(
            name=f"rated.{self.number}",
            title=say("attitude.official", number=self.number),
            value=self.ratings,
            unit="count",
            definition=say("attitude.ratings_how"),
        )


def surveys_of(centre: Centre, surveys: Mapping[str, Survey]) -> list[tuple[str, Survey]]:
    """The parts with the instruments that they are made of, as the centre asks them now."""
    found = []
    full = surveys[centre.instruments.citizens]
    if full.pooled_measures and dict(full.measured_by_factor).get(FACTOR):
        found.append((ASKED, full))
    rating = surveys[centre.instruments.rating]
    question, code = REASON
    scale = rating.scale_of(rating.questions[question]) if question in rating.questions else None
    if rating.rating is not None and scale is not None and code in scale.codes:
        found.append((REASONED, rating))
    return found


def join(
    store: Store, surveys: Mapping[str, Survey], centre: Centre, days: Collection[date]
) -> None:
    """Join the answers of some days to a roster that has changed, so that no reader waits."""
    since, until = min(days).replace(day=1), last_of_month(max(days))
    with suppress(StorageError):  # whoever reads them joins them, too
        for _, survey in surveys_of(centre, surveys):
            asked = Selection(survey.id, None, since, until)
            store.daily(OfShifts(survey, centre), asked, lambda item: None, lambda at: None)


def officials(
    store: Store,
    surveys: Mapping[str, Survey],
    centre: Centre,
    selection: Selection,
    measure: str,
    *,
    closed: bool,
    most: int | None = None,
) -> list[Official]:
    """The officials that sat at the centre's counters in a period, in the order of Official.order.

    Where they are more than ``most``, their criteria are left out. Of ``selection`` the days and
    the department count. They are tested against each other only
    where the period is over, ``closed``: that test is made for one look, and whom it is about may
    be harmed by a false alarm of any day before. Raises database.StorageError.
    """
    since, until = selection.since or datetime.min.date(), selection.until or datetime.max.date()
    seats: dict[str, list[Seat]] = defaultdict(list)
    for seat in store.roster.seats(since, until):
        at = centre.department_of.get(seat.counter)
        if at is not None and selection.department in (None, at):
            seats[seat.official].append(seat)
    assessed: dict[str, dict[str, Assessed]] = defaultdict(dict)
    criteria: dict[str, dict[str, Assessed]] = defaultdict(dict)
    ratings: dict[str, int] = {}
    for part, survey in surveys_of(centre, surveys):
        asked = replace(selection, survey=survey.id)
        told = (RATED, part) if most is not None and len(seats) > most else None
        said = _said(store, survey, centre, asked, measure, seats, told)
        flagged = flagged_by(store, survey, centre, asked, ("centre",)).get(("centre",))
        without: Mapping[str, _Said] = {}
        if flagged:
            view = store.unflagged(Flagging(survey, centre))
            without = _said(view, survey, centre, asked, measure, seats, told)
        if rated := said.pop(RATED, None):
            ratings = dict(zip(rated.keys, rated.respondents, strict=True))
        for name, one in said.items():
            into = assessed if name == part else criteria
            for found in (
                _assessed(name, survey, one, measure, centre, closed, flagged, without.get(name))
                if name != RATED
                else ()
            ):
                into[found.row.key][name] = found
    sitting = [
        Official(
            number=number,
            departments=tuple(dict.fromkeys(centre.department_of[one.counter] for one in sat)),
            counters=tuple(one.counter for one in sat),
            shifts=sum(one.shifts for one in sat),
            minutes=sum(one.minutes for one in sat),
            ratings=ratings.get(number, 0),
            parts=assessed[number],
            criteria=criteria[number],
        )
        for number, sat in seats.items()
    ]
    return sorted(sitting, key=lambda one: one.order)


@dataclass(frozen=True)
class _Said:
    """What was said in one part: sums of shape (SUMS, officials, days)."""

    keys: Sequence[str]
    values: np.ndarray

    @property
    def respondents(self) -> list[int]:
        found: list[int] = self.values[0].sum(axis=1).tolist()
        return found

    @property
    def days(self) -> DaySums:
        sums = dict(zip(SUMS, self.values, strict=True))
        return DaySums(**{name: sums[name] for name in SUMS if name != "respondents"})

    @property
    def others(self) -> "_Said":
        """What was said of all others than each."""
        return replace(self, values=self.values.sum(axis=1, keepdims=True) - self.values)

    def among(self, at: np.ndarray) -> "_Said":
        return _Said([self.keys[number] for number in at], self.values[:, at])


def _said(
    store: Store,
    survey: Survey,
    centre: Centre,
    selection: Selection,
    measure: str,
    among: Collection[str],
    told: Collection[str] | None,
) -> dict[str, _Said]:
    """By part what was said of some officials, each of whom something was said of.

    Only of the parts that are ``told``; None: of all.
    """
    totals = store.daily(
        OfShifts(survey, centre),
        selection,
        lambda item: item[0] if item[1] == measure and (told is None or item[0] in told) else None,
        lambda at: at[3] if at[3] in among else None,
    )
    parts = {}
    for number, part in enumerate(totals.items):
        one = _Said(totals.places, totals.values[:, :, number].transpose(1, 2, 0))
        parts[str(part)] = one.among(np.flatnonzero(one.respondents))
    return parts


def _assessed(
    part: str,
    survey: Survey,
    said: _Said,
    measure: str,
    centre: Centre,
    closed: bool,
    flagged: Flagged | None,
    without: _Said | None,
) -> list[Assessed]:
    """Each official; shares, and where the period is over tests, of those with enough answers.

    ``without`` is what was said without flagged submissions, where there are any.
    """
    minimum = centre.minimum_ratings
    own = _rows_of(part, survey, said, measure, said.days)
    set_unflagged(
        own,
        [flagged] * len(own),
        lambda: _rows_of(part, survey, without, measure, without.days) if without else (),
    )
    enough = [row for row in own if row.n >= minimum]
    ranked = {one.row.key: one for one in ranking(enough, measure)}
    tests: dict[str, Difference] = {}
    beside: dict[str, Measure] = {}
    if closed and len(enough) >= COMPARABLE and part in (ASKED, REASONED):
        pooled = part == ASKED
        others = {row.key: row for row in _rows_of(part, survey, said.others, measure, said.days)}
        now = measure_frame(enough, measure, pooled=pooled)
        before = measure_frame([others[row.key] for row in enough], measure, pooled=pooled)
        for record in records(changes(now, before, minimum)):
            tests[str(record["key"])] = Difference(measure=measure, **tested(record))
        beside = {key: others[key].measures[measure] for key in tests}
    return [
        Assessed(
            part=part,
            row=row,
            measure=measure,
            minimum=minimum,
            ranked=ranked.get(row.key),
            difference=tests.get(row.key),
            others=beside.get(row.key),
        )
        for row in own
    ]


def _rows_of(
    part: str, survey: Survey, said: _Said, measure: str, alike: DaySums
) -> list[FigureRow]:
    """A row of figures for each official, in their order; empty ones have no measure.

    How alike the answers of a day are is learned from ``alike``.
    """
    asked = survey.rating if part == REASONED else None if part == ASKED else part
    rows = [
        FigureRow(
            key=key,
            label=_called(key),
            survey=survey,
            n=n,
            counts={},
            question=None if asked is None else survey.questions[asked],
            group=f"{part}.",
        )
        for key, n in zip(said.keys, said.respondents, strict=True)
    ]
    there = said.among(np.flatnonzero(said.respondents))
    sums = dict(zip(SUMS, there.values.sum(axis=2), strict=True))
    frame = pd.DataFrame({"key": there.keys, "measure": measure, **sums})
    if part == ASKED:
        figures = (
            pooled_shares(frame, there.keys).set_index("key").loc[list(there.keys)].reset_index()
        )
    else:
        low, high = wilson(sums["k"].astype(float), sums["m"].astype(float))
        frame = frame[["key", "measure", "k"]].assign(n=sums["m"], share=sums["k"] / sums["m"])
        figures = frame.assign(low=low, high=high, method="wilson")
    set_measures(rows, allowing_for_alike(figures, others_of_day(there.days), alike, "wilson"))
    return rows


@lru_cache(1_024)  # a page names an official in each part, with and without flagged answers
def _called(number: str) -> Text:
    vi, en = (MESSAGES.get(one, "attitude.official", number=number) for one in ("vi", "en"))
    return Text(vi=vi, en=en)
