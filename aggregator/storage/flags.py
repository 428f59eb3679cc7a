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
from functools import cached_property
from typing import Any

import numpy as np
import orjson
from sqlalchemy import Connection

from aggregator.storage.blocks import Block, Key, Keys
from aggregator.storage.judging import Judge
from aggregator.storage.rollups import (
    FACTORS,
    HOURS,
    POOL,
    SUMS,
    TALLIES,
    OfAnswers,
    Span,
    Table,
    Tallies,
)
from aggregator.storage.submissions import Filters, read_days
from aggregator.storage.tables import FLAGS, Tally
from aggregator.storage.tallies import Cell, Deltas
from surveys.centre import Centre
from surveys.definition import Survey

# By layout: the first part of the items that hold its share, and which of these are of it.
PARTS: Mapping[str, tuple[str, Callable[[Key], bool]]] = {
    TALLIES.name: ("tally", lambda item: True),
    POOL.name: ("pool", lambda item: item[1] == ""),
    FACTORS.name: ("pool", lambda item: item[1] != ""),
    HOURS.name: ("hour", lambda item: True),
}


@dataclass(frozen=True, eq=False)
class Flagging:
    """A rollups.Layout of what the flagged submissions of a survey add to its tallies.

    Its items have four parts. ``rules``: the names of the rules that gave a flag, with a comma
    between them, by which each rating or form is counted in the first sum. ``tally``: question
    and code, counted there, too. ``pool``: factor and measure, with all sums. ``hour``: code,
    weekday and hour.
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

    @cached_property
    def _judge(self) -> Judge:
        return Judge(self.survey, self.centre)

    def block(self, connection: Connection, survey: str, span: Span) -> Block:
        counted: Counter[Key] = Counter()
        deltas = Deltas({survey: self.survey})
        rules = self._judge.rules(connection, *span)
        for row in read_days(connection, Filters(*span, survey), rules):
            place = (row.channel, row.department or "", row.counter or "")
            if self._judge.is_judged(row):
                counted["rules", ",".join(rules[row.number]), 0, 0, *place] += 1
            hour = row.answered_at.astimezone(self.centre.zone).hour
            deltas.add(survey, Cell(row.day.isoformat(), *place), row.answers, hour)
        sums: dict[Key, np.ndarray] = defaultdict(lambda: np.zeros(len(SUMS), dtype=np.int64))
        for key, numbers in self._parts(counted, *deltas.rows()):
            sums[key][: len(numbers)] += numbers
        found_rows = [(*key, *numbers.tolist()) for key, numbers in sums.items()]
        return Block.of_rows(found_rows, len(self.items), len(self.places), len(self.sums))

    def numbers(self, connection: Connection, survey: str, span: Span) -> frozenset[int]:
        """The numbers of the flagged submissions of a survey."""
        return frozenset(self._judge.rules(connection, *span))

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
