"""Submissions with a flag: which they are, by which rules, and their share of every tally.

No stored answer is changed and nothing is counted differently: flags are computed of the answers
of a day when it is first read, and kept as blocks like other tallies, by the rules that were in
force; other rules make other blocks. What a tally has without them is the tally less these blocks,
so that both together are the whole, to the last integer.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import orjson
from sqlalchemy import Connection

from aggregator.storage.blocks import Block, Key, Keys, Stack
from aggregator.storage.flag_rules import Rules
from aggregator.storage.judging import Judge, JudgedDay
from aggregator.storage.newest import Growing
from aggregator.storage.rollups import SUMS, Partial, Span, Tallies
from aggregator.storage.submissions import Filters, read_days
from aggregator.storage.tables import FLAGS
from aggregator.storage.tallies import Answered, by_code, by_hour, pooled
from surveys.centre import Centre
from surveys.definition import Survey

T = TypeVar("T", Block, Stack)
MOST_JUDGED = 20_000  # submissions of a day that are kept to judge others by, half a KB each


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
        return self._of_flagged(connection, span, self._judge.rules(connection, *span))

    def growing(self, connection: Connection, survey: str, day: date, numbers: range) -> Growing:
        judged = self._judge.newest(connection, day, numbers)
        rules = judged.rules()
        block = self._of_flagged(connection, Span(day, day), rules)
        kept = judged if len(judged) <= MOST_JUDGED else None
        return _Judged(self, day, kept, rules, block)

    def _of_flagged(self, connection: Connection, span: Span, rules: Mapping[int, Rules]) -> Block:
        """The block of the flagged submissions of some days, with the rules that gave the flags."""
        none = [0] * (len(SUMS) - 1)  # the other sums of what is counted
        counted: Counter[Key] = Counter()
        answered: list[Answered] = []
        for row in read_days(connection, Filters(*span, self.survey.id), rules):
            place = (row.channel, row.department or "", row.counter or "")
            if self._judge.is_judged(row):
                counted["rules", ",".join(rules[row.number]), 0, 0, *place] += 1
            answered.append(Answered(*place, row.answers, self.centre.local(row.answered_at)))
        rows: list[tuple[Any, ...]] = [(*key, n, *none) for key, n in counted.items()]
        for question, code, *more in by_code(self.survey, answered):
            rows.append(("tally", question, code, 0, *more, *none))
        for factor, measure, *more in pooled(self.survey, answered):
            rows.append(("pool", factor, measure, 0, *more))
        rows += [("hour", *row, *none) for row in by_hour(self.survey, answered)]
        return Block.of_rows(rows, len(self.items), len(self.places), len(self.sums))

    def numbers(self, connection: Connection, survey: str, span: Span) -> frozenset[int]:
        """The numbers of the flagged submissions of a survey."""
        return frozenset(self._judge.rules(connection, *span))


@dataclass
class _Judged:
    """The block of a day's flagged submissions, to which answers are added.

    ``judged`` is None where the day had too many to be kept.
    """

    flagging: Flagging
    day: date
    judged: JudgedDay | None
    rules: Mapping[int, Rules]
    block: Block

    def add(self, connection: Connection, rows: Sequence[Any]) -> bool:
        judge = self.flagging._judge
        late = any(row.day != self.day and row.survey == self.flagging.survey.id for row in rows)
        if late or self.judged is None:  # after a late one a usual day may be another
            return False
        own = [row for row in rows if row.day == self.day and judge.can_judge(row)]
        self.judged.add(own, judge.usual(connection, self.day))
        if (rules := self.judged.rules()) != self.rules:
            span = Span(self.day, self.day)
            self.rules, self.block = rules, self.flagging._of_flagged(connection, span, rules)
        self.judged = self.judged if len(self.judged) <= MOST_JUDGED else None
        return True


@dataclass(frozen=True, eq=False)
class Share:
    """A rollups.Layout of what the flagged submissions of a survey add to a layout of answers."""

    of: Partial
    flagging: Flagging

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


def taken_off(tallies: T, layout: Tallies) -> T:
    """What a block or a stack of Flagging takes off one of ``layout``: the same items, below 0."""
    width = 1 + len(layout.items)
    at = [
        n
        for n, item in enumerate(tallies.items)
        if item[0] == layout.part and layout.has(item[1:width])
    ]
    items = Keys(tallies.items[n][1:width] for n in at)
    values = tallies.values[..., : len(layout.sums), :, :].take(at, axis=-2)
    return tallies._replace(items=items, values=-values.astype(np.int64))
