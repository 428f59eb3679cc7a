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
from functools import cached_property
from typing import Any

import orjson
import pandas as pd
from sqlalchemy import Connection

from aggregator.figures.figure import Figure
from aggregator.figures.rows import (
    Difference,
    FigureRow,
    Measure,
    measure_frame,
    records,
    set_measures,
    tested,
)
from aggregator.figures.standing import RankedShare, ranking
from aggregator.statistics import changes, pooled_shares, wilson
from aggregator.storage.blocks import Block
from aggregator.storage.database import StorageError
from aggregator.storage.rollups import SUMS, Span, Table, last_of_month
from aggregator.storage.roster import LAYOUT, Seat, Shift, shifts_of
from aggregator.storage.store import Selection, Store
from aggregator.storage.submissions import Filters, read_days
from aggregator.storage.tables import PooledTally, Tally
from aggregator.wording.messages import MESSAGES
from aggregator.wording.phrases import decimal, integer, say
from surveys.centre import Centre
from surveys.definition import Survey, Text

FACTOR = "officials"  # of the full survey: its third factor
REASON = ("reasons", 3)  # of a rating: the question, and the code of "Công chức phục vụ"
RATED, REASONED, ASKED = "rated", "reason", "factor"  # the parts of a block's items


@dataclass(frozen=True, eq=False)
class OfShifts:
    """A rollups.Layout of what was said of each official, by the roster and the hour of answers.

    Parts are RATED, the ratings of the shift; REASONED, those whose reason is the staff, by the
    level of the same visit; ASKED, the pooled questions of FACTOR.
    """

    survey: Survey
    centre: Centre

    items = ("part", "measure")
    places = ("channel", "department", "counter", "official")
    sums = SUMS

    @cached_property
    def name(self) -> str:
        """A name of its own for this version of the survey."""
        parts = (self.survey.fingerprint, self.centre.time_zone)
        return f"{LAYOUT} {hashlib.sha256(orjson.dumps(parts)).hexdigest()[:16]}"

    @property
    def table(self) -> Table:
        return PooledTally if self.survey.pooled_measures else Tally

    def block(self, connection: Connection, survey: str, span: Span) -> Block:
        sums: dict[tuple[str, ...], list[int]] = defaultdict(lambda: [0] * len(SUMS))
        seated = _Seated(shifts_of(connection, *span), self.centre)
        if seated:
            rows = [
                (place, row)
                for row in read_days(connection, Filters(*span, survey=survey))
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
    """What was said of one official in one part.

    ``ranked`` is the shrunk share, None where fewer than three have enough answers; then
    ``difference`` from all others is, too. Without ``enough`` answers nothing of it is told.
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
        return replace(found, definition=say(f"attitude.n_{self.part}_how"), facts=facts)

    @property
    def share(self) -> Figure:
        found = self.row.share(self.measure)
        words = say(f"attitude.{self.part}_how", measure=say(f"measure.{self.measure}"))
        facts = (*found.facts, (say("hours.caution"), say("attitude.warning")))
        return replace(found, definition=words, facts=facts)

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

    ``parts`` has ASKED and REASONED; one without any answers is not there.
    """

    number: str
    departments: tuple[str, ...]
    counters: tuple[str, ...]
    shifts: int
    minutes: int
    ratings: int
    parts: Mapping[str, Assessed]

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
            store.sums(OfShifts(survey, centre), asked, (), SUMS)


def officials(
    store: Store,
    surveys: Mapping[str, Survey],
    centre: Centre,
    selection: Selection,
    measure: str,
) -> list[Official]:
    """The officials that sat at the centre's counters in a period, in the order of Official.order.

    Of ``selection`` the days and the department count. Raises database.StorageError.
    """
    since, until = selection.since or datetime.min.date(), selection.until or datetime.max.date()
    seats: dict[str, list[Seat]] = defaultdict(list)
    for seat in store.roster.seats(since, until):
        at = centre.department_of.get(seat.counter)
        if at is not None and selection.department in (None, at):
            seats[seat.official].append(seat)
    assessed: dict[str, dict[str, Assessed]] = defaultdict(dict)
    ratings: dict[str, int] = {}
    for part, survey in surveys_of(centre, surveys):
        sums = _sums(store, survey, centre, replace(selection, survey=survey.id), measure)
        sums = sums[sums["key"].isin(list(seats))]
        if part == REASONED:
            rated = sums[sums["part"] == RATED]
            ratings = dict(zip(rated["key"], map(int, rated["respondents"]), strict=True))
        for one in _assessed(part, survey, sums[sums["part"] == part], measure, centre):
            assessed[one.row.key][part] = one
    found = [
        Official(
            number=number,
            departments=tuple(dict.fromkeys(centre.department_of[one.counter] for one in sat)),
            counters=tuple(one.counter for one in sat),
            shifts=sum(one.shifts for one in sat),
            minutes=sum(one.minutes for one in sat),
            ratings=ratings.get(number, 0),
            parts=assessed[number],
        )
        for number, sat in seats.items()
    ]
    return sorted(found, key=lambda one: one.order)


def _sums(
    store: Store, survey: Survey, centre: Centre, selection: Selection, measure: str
) -> pd.DataFrame:
    """Columns key (the official), part, measure, SUMS; of one measure."""
    layout = OfShifts(survey, centre)
    by = ("official", "part", "measure")
    columns = store.sums(layout, selection, by, SUMS, lambda item: item[1] == measure)
    return pd.DataFrame(columns).rename(columns={"official": "key"})


def _assessed(
    part: str, survey: Survey, sums: pd.DataFrame, measure: str, centre: Centre
) -> list[Assessed]:
    """Each official of a table of sums; shares and tests of those with enough answers."""
    if sums.empty:
        return []
    minimum = centre.minimum_ratings
    sums = sums.reset_index(drop=True)
    columns = list(SUMS)
    rest = sums.assign(**{name: sums[name].sum() - sums[name] for name in columns})
    own = _rows_of(part, survey, sums, measure)
    others = _rows_of(part, survey, rest, measure)
    enough = [row for row in own if row.n >= minimum]
    ranked = {one.row.key: one for one in ranking(enough, measure)}
    tests: dict[str, Difference] = {}
    if len(enough) > 1:
        pooled = part == ASKED
        beside = {row.key: row for row in others}
        now = measure_frame(enough, measure, pooled=pooled)
        before = measure_frame([beside[row.key] for row in enough], measure, pooled=pooled)
        for record in records(changes(now, before, minimum)):
            tests[str(record["key"])] = Difference(measure=measure, **tested(record))
    return [
        Assessed(
            part=part,
            row=row,
            measure=measure,
            minimum=minimum,
            ranked=ranked.get(row.key),
            difference=tests.get(row.key),
            others=other.measures.get(measure),
        )
        for row, other in zip(own, others, strict=True)
    ]


def _rows_of(part: str, survey: Survey, sums: pd.DataFrame, measure: str) -> list[FigureRow]:
    """A row of figures for each row of sums, in their order; empty ones have no measure."""
    question = survey.questions[survey.rating] if survey.rating is not None else None
    rows = [
        FigureRow(
            key=str(key),
            label=_called(str(key)),
            survey=survey,
            n=int(n),
            counts={},
            question=question,
            group=f"{part}.",
        )
        for key, n in zip(sums["key"], sums["respondents"], strict=True)
    ]
    there = sums[sums["respondents"] > 0]
    if part == ASKED:
        figures = pooled_shares(there, list(there["key"]))
    else:
        k, n = there["k"].to_numpy(float), there["m"].to_numpy(float)
        low, high = wilson(k, n)
        figures = pd.DataFrame(
            {
                "key": there["key"],
                "measure": measure,
                "k": there["k"],
                "n": there["m"],
                "share": k / n,
                "low": low,
                "high": high,
                "method": "wilson",
            }
        )
    set_measures(rows, figures)
    return rows


def _called(number: str) -> Text:
    vi, en = (MESSAGES.get(one, "attitude.official", number=number) for one in ("vi", "en"))
    return Text(vi=vi, en=en)
