"""Ratings with a flag: how many there are, by place, level and rule, and shares without them.

No stored answer is changed and nothing is counted differently: flags are computed of the answers
of a day when it is first read, and kept as blocks like other tallies, by the rules that were in
force; other rules make other blocks.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cached_property
from itertools import groupby
from typing import Any

import numpy as np
import orjson
import pandas as pd
from sqlalchemy import Connection, Row, String, cast, select
from sqlmodel import col

from aggregator.statistics import FLAG_RULES, flags
from aggregator.storage.blocks import Block
from aggregator.storage.rollups import Layout, Span, Table
from aggregator.storage.store import FLAGS, Selection, Store
from aggregator.storage.tables import SubmissionRow, Tally, Transactions
from aggregator.storage.together import Together
from aggregator.wording.phrases import Words, integer, joined, percent, say
from surveys.centre import WEEKDAYS, Centre
from surveys.definition import Survey
from surveys.guards import Flags

WAYS = ("kiosk", "qr")  # what was typed in has no times of its own


@dataclass(frozen=True, eq=False)
class OfFlags:
    """A rollups.Layout of the ratings with a flag, by level and by the rules that gave it.

    An item's ``rules`` are their names with a comma between them: so each rating is in it once.
    """

    survey: Survey
    centre: Centre

    items = ("rules", "code")
    places = ("channel", "department", "counter")
    sums = ("n",)
    table: Table = field(default=Tally, init=False)

    @cached_property
    def name(self) -> str:
        """A name of its own for these rules, opening hours and counters."""
        centre = self.centre
        hours = [(*one.days, one.opens, one.closes) for one in centre.opening_hours]
        counters = {one.id: len(one.counters) for one in centre.departments}
        limits = [value for _, value in centre.flags]
        parts = (self.survey.fingerprint, centre.time_zone, hours, centre.closed_days, counters)
        digest = hashlib.sha256(orjson.dumps((parts, limits))).hexdigest()
        return f"{FLAGS} {digest[:16]}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OfFlags) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)

    def block(self, connection: Connection, survey: str, span: Span) -> Block:
        counted: Counter[tuple[Any, ...]] = Counter()
        settled = _settled(connection, span)
        for day, rows in groupby(self._rows(connection, survey, span), lambda row: row.day):
            counted.update(self.of_day([*rows], day, settled))
        found = [(*key, n) for key, n in counted.items()]
        return Block.of_rows(found, len(self.items), len(self.places), len(self.sums))

    def of_day(
        self, rows: Sequence[Any], day: date, settled: Mapping[tuple[date, str], int]
    ) -> Iterator[tuple[Any, ...]]:
        """The item and place of each rating of a day that has a flag.

        ``rows`` have device, channel, department, counter, answered_at, answers and crowded;
        ``settled`` are dossiers by day and department.
        """
        rating, centre = self.survey.rating or "", self.centre
        sources: dict[tuple[Any, ...], int] = {}
        counters: dict[str | None, int] = {
            None: sum(len(one.counters) for one in centre.departments)
        }
        counters |= {one.id: len(one.counters) for one in centre.departments}
        near = _near_hours(centre, day)
        told: list[tuple[Any, ...]] = []
        for row in rows:
            at, touch = row.answered_at.timestamp(), row.channel == "kiosk"
            source = (row.device, row.channel, row.department, row.counter)
            told.append(
                (
                    sources.setdefault(source, len(sources)),
                    int(at),
                    row.answers[rating],
                    touch,
                    touch and not any(since <= at < until for since, until in near),
                    1 if row.counter else max(counters.get(row.department, 1), 1),
                    bool(row.crowded),
                    settled.get((day, row.department or ""), np.nan),
                )
            )
        names = ["source", "at", "code", "touch", "closed", "counters", "crowded", "dossiers"]
        found = flags(pd.DataFrame(told, columns=names), centre.flags)
        given = found.to_numpy()
        for number in np.flatnonzero(given.any(axis=1)).tolist():
            row = rows[number]
            rules = ",".join(
                rule for rule, has in zip(FLAG_RULES, given[number], strict=True) if has
            )
            place = (row.channel, row.department or "", row.counter or "")
            yield (rules, row.answers[rating], *place)

    def _rows(self, connection: Connection, survey: str, span: Span) -> list[Row[Any]]:
        """The ratings of a span, day by day in the order of arrival."""
        of, rating = SubmissionRow, self.survey.rating or ""
        place = (col(of.device), col(of.channel), col(of.department), col(of.counter))
        query = select(
            col(of.day), *place, col(of.answered_at), col(of.answers), col(of.crowded)
        ).where(
            col(of.day).between(*span),
            col(of.survey) == survey,
            col(of.channel).in_(WAYS),
            col(of.device).is_not(None),  # what was imported may have days in place of times
            cast(col(of.answers), String).contains(f'"{rating}"'),
        )
        rows = connection.execute(query.order_by(col(of.day), col(of.number)))
        return [row for row in rows if rating in row.answers]


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


@dataclass(frozen=True)
class Flagged:
    """The ratings of a row that have a flag: by code of the scale, and by rule, any of several."""

    counts: Mapping[int, int]
    rules: Mapping[str, int]
    limits: Flags

    @property
    def n(self) -> int:
        return sum(self.counts.values())

    def without(self, counts: Mapping[int, int], favourable: Sequence[int]) -> tuple[int, int]:
        """k and n of a row's other ratings, of which ``favourable`` levels are the k."""
        left = {code: n - self.counts.get(code, 0) for code, n in counts.items()}
        return sum(left[code] for code in favourable if code in left), sum(left.values())

    def beside(self, share: float | None) -> Words:
        """The share without them, None where nothing is left, as it stands beside that of all."""
        key = "flags.beside" if share is not None else "flags.beside_none"
        return say(key, n=integer(self.n), share=percent(share))

    @property
    def facts(self) -> tuple[tuple[Words, Words], ...]:
        """Each rule that gave flags, with how many and what it says."""
        numbers = {
            name: integer(value) for name, value in self.limits if not isinstance(value, bool)
        }
        return tuple(
            (
                say(f"flags.rule.{rule}"),
                joined(
                    say("flags.ratings", n=integer(n)), say(f"flags.how.{rule}", **numbers), by=" "
                ),
            )
            for rule, n in self.rules.items()
        )


def flag_layouts(centre: Centre) -> Callable[[Survey], Sequence[Layout]]:
    """The layouts of flags of a survey, for Store.roll_up."""
    return lambda survey: () if survey.rating is None else (OfFlags(survey, centre),)


def flagged_by(
    store: Store, survey: Survey, centre: Centre, selection: Selection, by: Sequence[str]
) -> dict[tuple[Any, ...], Flagged]:
    """The flagged ratings of a selection by the values of ``by``; only where there are any.

    Of the survey behind the faces alone: other instruments are filled in at leisure. A province's
    figures have none, since each centre's rules are its own. Raises database.StorageError.
    """
    if survey.rating is None or isinstance(store, Together):
        return {}
    columns = store.sums(OfFlags(survey, centre), selection, (*by, "rules", "code"), ("n",))
    counts: dict[tuple[Any, ...], Counter[int]] = {}
    rules: dict[tuple[Any, ...], Counter[str]] = {}
    for *key, given, code, n in zip(*columns.values(), strict=True):
        counts.setdefault(tuple(key), Counter())[int(code)] += int(n)
        found = rules.setdefault(tuple(key), Counter())
        for rule in given.split(","):
            found[rule] += int(n)
    return {
        key: Flagged(
            dict(own),
            {rule: rules[key][rule] for rule in FLAG_RULES if rules[key][rule]},
            centre.flags,
        )
        for key, own in counts.items()
    }
