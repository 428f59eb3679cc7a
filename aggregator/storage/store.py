"""The store: reading answers and tallies, on SQLite and PostgreSQL alike."""

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from copy import copy
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple, Self
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import Engine, Row, Select, bindparam, delete, select
from sqlmodel import col

from aggregator.storage import blocks
from aggregator.storage.alerts import AlertLog
from aggregator.storage.audit import AuditLog
from aggregator.storage.ballots import Ballots
from aggregator.storage.batches import Batches
from aggregator.storage.blocks import Block, Key, Stack, Totals, merged, stacked
from aggregator.storage.cases import Cases
from aggregator.storage.centres import Centres
from aggregator.storage.chains import Chains
from aggregator.storage.closings import Closings
from aggregator.storage.comments import Comments
from aggregator.storage.contacts import Contacts
from aggregator.storage.credentials import Credentials
from aggregator.storage.database import Database, Lock, StorageError
from aggregator.storage.definitions import Definitions
from aggregator.storage.devices import Devices
from aggregator.storage.flags import Flagging, Share, below_zero, taken_off
from aggregator.storage.handling import Handling
from aggregator.storage.hard_data import read_hard_data
from aggregator.storage.issued import IssuedReports
from aggregator.storage.ledger import Ledger
from aggregator.storage.newest import Mark, Newest, Tail
from aggregator.storage.one_time import OneTimeCodes
from aggregator.storage.operations import Operations
from aggregator.storage.public_answers import PublicAnswers
from aggregator.storage.reasons import Reasons
from aggregator.storage.restores import Restores
from aggregator.storage.rollups import (
    FACTORS,
    POOL,
    TALLIES,
    Frozen,
    Layout,
    Partial,
    RollUps,
    Span,
    Tallies,
    hours_in,
)
from aggregator.storage.roster import Roster
from aggregator.storage.submissions import Filters, read_chunk, read_submissions
from aggregator.storage.tables import (
    FLAGS,
    BlockRow,
    HardData,
    Transactions,
)
from aggregator.storage.writer import Writer
from aggregator.storage.wrong_passwords import WrongPasswords
from surveys.definition import Survey

if TYPE_CHECKING:
    import pandas as pd

Grouping = blocks.Grouping
By = Grouping | tuple[Grouping, ...]
Keep = Callable[[Key], bool]
# By the name of a part of a place, from an id to the one that it counts for.
Following = Mapping[str, Mapping[str, str]]

# Made once: a province asks a hundred stores.
STATE = (
    "SELECT coalesce(newest.number, 0), coalesce(newest.id, ''), "
    "(SELECT coalesce(max(number), 0) FROM journal), "
    "(SELECT coalesce(max(number), 0) FROM centre_version) "
    "FROM (SELECT max(number) AS number FROM submission) AS found "
    "LEFT JOIN submission AS newest ON newest.number = found.number"
)
SETTLED: Select[date, str, int] = select(
    col(Transactions.day), col(Transactions.department), col(Transactions.dossiers)
).where(col(Transactions.day).between(bindparam("since"), bindparam("until")))


class State(NamedTuple):
    """How much has come in; ``version`` is that of the centre's document, 0 where there is none."""

    mark: Mark
    version: int


ROLL_UP_WAIT = 0.25  # seconds that a reader waits for the write lock before it goes without storing


@dataclass(frozen=True)
class Selection:
    """Which answers a figure is made of. ``since`` and ``until`` are local days, both included."""

    survey: str
    questions: tuple[str, ...] | None = None
    since: date | None = None
    until: date | None = None
    channel: str | None = None
    department: str | None = None

    def has_day(self, day: date) -> bool:
        """Whether a day is in its period."""
        return (self.since or day) <= day <= (self.until or day)


class Store:
    """All reading and writing of one database."""

    def __init__(self, url: str, *, lock_timeout: float = 10.0) -> None:
        """``url`` and ``lock_timeout`` are those of database.Database."""
        self.database = Database(url, lock_timeout)
        self._impatient = Database(url, ROLL_UP_WAIT)
        self._rollups: dict[tuple[Layout, str], RollUps] | None = None
        self._newest = Newest()
        self.department: str | None = None  # the only one that is read, where it is not None
        self.is_frozen = False
        self._following: Following = {}
        self._flagging: Flagging | None = None  # without whose submissions tallies are read
        self.credentials = Credentials(self.database)
        self.devices = Devices(self.database)
        self.chains = Chains(self.database)
        self.closings = Closings(self.database)
        self.restores = Restores(self.database)
        self.definitions = Definitions(self.database)
        self.handling = Handling(self.database)
        self.operations = Operations(self.database)
        self.roster = Roster(self.database)
        self.audit = AuditLog(self.database)
        self.centres = Centres(self.database)
        self.wrong_passwords = WrongPasswords(self.database, Lock.PASSWORDS)
        self.wrong_codes = WrongPasswords(self.database, Lock.CODES)
        self.alerts = AlertLog(self.database)
        self.cases = Cases(self.database)
        self.contacts = Contacts(self.database)
        self.comments = Comments(self.database)
        self.ledger = Ledger(self.database)
        self.public_answers = PublicAnswers(self.database)
        self.batches = Batches(self.database)
        self.ballots = Ballots(self.database)
        self.one_time = OneTimeCodes(self.database)
        self.issued = IssuedReports(self.database)

    @property
    def engine(self) -> Engine:
        return self.database.engine

    def close(self) -> None:
        self.engine.dispose()
        self._impatient.engine.dispose()

    # Submissions and tallies

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """One transaction that holds the write lock from its start to its commit.

        With the lock held, looking an id up and inserting it cannot race with another
        writer; the unique constraint is a second safeguard. Raises StorageError.
        """
        with self.database.locked(Lock.WRITER) as connection:
            yield Writer(connection)

    def stored_ids(self, ids: Collection[str]) -> set[str]:
        """Which of some ids of submissions are stored."""
        with self.database.begin() as connection:
            return set(Writer(connection).stored(ids))

    def submissions(self, since: date | None, until: date | None) -> Iterator[Row[Any]]:
        """Submissions of the days, both ends included, in the order of arrival; read in chunks."""
        return read_submissions(self.database, Filters(since, until, department=self.department))

    def has_submissions(self) -> bool:
        with self.database.begin() as connection:
            return bool(read_chunk(connection, 0, [], limit=1))

    def state(self) -> State:
        """How much has come in, and the newest version of the centre's document.

        While it is the same, so are all tallies and dossiers.
        """
        with self.database.begin() as connection:
            *mark, version = connection.exec_driver_sql(STATE).one()
        return State(Mark(*mark), version)

    def of_day(self, tail: Tail, layout: Layout, survey: str, day: date) -> Block:
        """The block of a day as a transaction sees it, whatever is stored."""
        return RollUps(layout, survey, self._newest).of_day(tail, day)

    def counts(self, selection: Selection, by: By) -> "pd.DataFrame":
        """How often each code was given, by key: columns key, code (int), n (int).

        ``by`` is one grouping, whose values are in the column key, or several, each with a
        column of its own name. Keys are str; those of time are the date on which they begin.
        """
        return self._frame(TALLIES, selection, by, "code", _among(selection.questions))

    def pooled(self, selection: Selection, by: By, factor: str = "") -> "pd.DataFrame":
        """Sums over respondents by key and measure: key columns as in counts, measure, SUMS (int).

        ``factor`` '' pools the whole survey. Where ``by`` has factor, all factors are returned.
        """
        every = "factor" in _several(by)
        layout = FACTORS if every or factor else POOL
        return self._frame(layout, selection, by, "measure", lambda at: every or at[0] == factor)

    def hours(self, selection: Selection, by: By, zone: ZoneInfo) -> "pd.DataFrame":
        """How often each code was given to a survey's only question, as counts has it.

        Among the groupings are weekday (0 is Monday) and hour (int, of the clock of ``zone``).
        """
        return self._frame(hours_in(zone), selection, by, "code", _among(None))

    def _frame(
        self, layout: Tallies, selection: Selection, by: By, second: Grouping, keep: Keep
    ) -> "pd.DataFrame":
        columns = self.sums(layout, selection, (*_several(by), second), layout.sums, keep)
        if isinstance(by, str):
            columns = {"key" if name == by else name: column for name, column in columns.items()}
        return _table(columns)

    def sums(
        self,
        layout: Layout,
        selection: Selection,
        by: Sequence[str],
        sums: Sequence[str],
        keep: Keep = lambda item: True,
    ) -> dict[str, Any]:
        """The sums of a selection as columns of a table, of items for which ``keep`` is true.

        ``by`` and ``sums`` are those of blocks.grouped, which makes the columns.
        """
        if blocks.TIMES.keys().isdisjoint(by):
            days = [(date.min, self._whole(layout, selection))]
        else:
            days = self._blocks(layout, selection, daily=not {"day", "week"}.isdisjoint(by))
        return blocks.grouped(
            days,
            layout.items,
            layout.places,
            by,
            sums,
            keep_item=keep,
            keep_place=self._in_selection(selection),
            follow=_follower(layout.places, self._following),
        )

    def daily(
        self,
        layout: Layout,
        selection: Selection,
        item: Callable[[Key], Hashable | None],
        place: Callable[[Key], Hashable | None],
    ) -> Totals:
        """The sums of a selection by day, with the labels that ``item`` and ``place`` return.

        What has the label None is left out, and so are days on which nobody answered the survey.
        """
        follow, kept = _follower(layout.places, self._following), self._in_selection(selection)
        return blocks.by_day(
            self._stacks(layout, selection),
            len(layout.sums),
            item,
            lambda key: place(at) if kept(at := follow(key)) else None,
        )

    def _stacks(self, layout: Layout, selection: Selection) -> list[Stack]:
        """The days of a selection."""
        return stacked(self._blocks(layout, selection, daily=True))

    def _in_selection(self, selection: Selection) -> Keep:
        """Whether a place is of the selection, and of the department that is read."""
        channel, departments = selection.channel, {self.department, selection.department} - {None}
        return lambda at: channel in (None, at[0]) and departments <= {at[1]}

    def _blocks(
        self, layout: Layout, selection: Selection, *, daily: bool
    ) -> list[tuple[date, Block]]:
        """The blocks of a selection, each with its first day, in order; makes missing ones."""
        spans = self._spans(layout, selection, daily=daily)
        found = [(span.since, block) for span, block in spans]
        return [*found, *self._taken_off(layout, selection, daily=daily)]

    def _taken_off(
        self, layout: Layout, selection: Selection, *, daily: bool
    ) -> list[tuple[date, Block]]:
        """What flagged submissions added to the tallies of a selection, below 0."""
        flagging = self._flagging
        if flagging is None or flagging.survey.id != selection.survey:
            return []
        if isinstance(layout, Tallies):
            found = self._spans(flagging, selection, daily=daily)
            less = [(span.since, taken_off(block, layout)) for span, block in found]
            return [one for one in less if one[1].items]
        if not isinstance(layout, Partial):
            return []
        found = self._spans(Share(layout, flagging), selection, daily=daily)
        return [(span.since, below_zero(block)) for span, block in found]

    def _spans(
        self, layout: Layout, selection: Selection, *, daily: bool
    ) -> list[tuple[Span, Block]]:
        """As _blocks, with all of their days."""
        rollups = self._rollups_of(layout, selection)
        since, until = selection.since, selection.until
        found = rollups.at_hand(since, until, daily=daily)
        if found is None:
            with self.database.begin() as connection:
                found = rollups.read(connection, since, until, daily=daily)
        missing = [span for span, block in found if block is None]
        if missing:
            # Stored blocks only save time: without the lock they are computed for this reader.
            with suppress(StorageError):
                self._roll_up(rollups, missing)
            with self.database.begin() as connection:
                found = rollups.read(connection, since, until, daily=daily)
                rollups.fill(connection, [span for span, block in found if block is None])
                found = rollups.read(connection, since, until, daily=daily)
        return [(span, block) for span, block in found if block is not None and block.items]

    def _whole(self, layout: Layout, selection: Selection) -> Block:
        """One block with the sums of all days of a selection."""
        whole, days = self._rollups_of(layout, selection).whole, (selection.since, selection.until)
        if days not in whole:
            found = self._spans(layout, selection, daily=False)
            whole[days] = merged([block for _, block in found], len(layout.sums))
        less = [block for _, block in self._taken_off(layout, selection, daily=False)]
        return merged([whole[days], *less], len(layout.sums)) if less else whole[days]

    def _rollups_of(self, layout: Layout, selection: Selection) -> RollUps:
        """The roll-ups of a layout and a survey: the snapshot's own, or new ones."""
        kind = Frozen if self.is_frozen else RollUps
        rollups = kind(layout, selection.survey, self._newest)
        if self._rollups is None:
            return rollups
        return self._rollups.setdefault((layout, selection.survey), rollups)

    def _roll_up(self, rollups: RollUps, spans: Sequence[Span]) -> None:
        """Store blocks, a month in a transaction, so that nobody waits long for the write lock."""
        for _, month in groupby(spans, lambda span: span.since.replace(day=1)):
            with self._impatient.locked(Lock.WRITER) as connection:
                for span in month:
                    rollups.make(connection, span)

    def snapshot(self) -> Self:
        """A copy of this store that remembers the tallies that it has read.

        So figures of one page agree while answers come in, and nothing is read twice.
        """
        if self._rollups is not None:
            return self
        view = copy(self)
        view._rollups = {}
        return view

    def frozen(self) -> "Store":
        """A snapshot that reads only answers frozen for publication, as they were then."""
        view = copy(self)
        view.is_frozen, view._rollups = True, {}
        return view

    def unflagged(self, flagging: Flagging) -> Self:
        """A copy of this store that reads tallies of a survey without flagged submissions.

        Everything that is made of tallies can be made twice, and both with what is flagged are
        the whole.
        """
        view = copy(self)
        view._flagging = flagging
        return view

    @property
    def is_unflagged(self) -> bool:
        return self._flagging is not None

    def of_department(self, department: str) -> "Store":
        """A copy of this store that reads what is of one department alone."""
        view = copy(self)
        view.department = department
        view.handling = Handling(self.database, department)
        view.operations = Operations(self.database, department)
        view.cases = Cases(self.database, department)
        view.comments = Comments(self.database, department)
        view._rollups = None
        return view

    def following(self, units: Following) -> "Store":
        """A copy of this store in which departments and counters count for those of ``units``.

        Everything that is read by place follows; nothing that is read as a whole changes. A
        store of one department alone has nothing to follow.
        """
        if self.department is not None:
            return self
        view = copy(self)
        view._following = units
        heirs = units.get("department", {})
        view.handling = Handling(self.database, heirs=heirs)
        view.operations = Operations(self.database, heirs=heirs)
        view.cases = Cases(self.database, heirs=heirs)
        return view

    def roll_up(
        self, surveys: Iterable[Survey], more: Callable[[Survey], Sequence[Layout]] = lambda _: ()
    ) -> None:
        """Store all missing blocks of surveys, so that readers of long periods do not wait.

        ``more`` gives layouts of a survey besides those of its tallies.
        """
        for survey in surveys:
            layouts: list[Layout] = [TALLIES, POOL, FACTORS, *more(survey)]
            layouts += [Reasons.of(survey)] if Reasons.are_asked(survey) else []
            for layout in layouts:
                self._blocks(layout, Selection(survey.id), daily=False)

    def drop_unread(self, read: Mapping[str, Collection[str]]) -> int:
        """Delete the kept blocks of layouts by which nothing is read; returns of how many.

        ``read`` are the names of those that are, by survey. What settings of before have left
        would be read again, whatever had become of it, when these come back.
        """
        kind = col(BlockRow.survey), col(BlockRow.tallied)
        with self.database.begin() as connection:
            there = connection.execute(select(*kind).distinct()).all()
        gone = [(of, name) for of, name in there if name not in read.get(of, ())]
        for survey, name in gone:
            with self.database.locked(Lock.WRITER) as connection:
                connection.execute(delete(BlockRow).where(kind[0] == survey, kind[1] == name))
        return len(gone)

    # Dossiers settled, the denominator of participation

    def put_transactions(self, rows: Iterable[Mapping[str, object]]) -> None:
        """Set the dossiers of days and departments: keys day, department ('': all), dossiers."""
        settled = list(rows)
        with self.writing() as writer:
            writer.set_transactions(settled)
            writer.drop_blocks(FLAGS, {row["day"] for row in settled})

    def transactions(self, since: date, until: date) -> "pd.DataFrame":
        """Dossiers settled within the days: columns day, department ('': all), dossiers."""
        rows = self._settled(since, until)
        days, departments = [row[0] for row in rows], [row[1] for row in rows]
        counted = np.array([row[2] for row in rows], dtype=np.int64)
        heirs = self._following.get("department", {})
        followed = [heirs.get(one, one) for one in departments]
        found = _table({"day": days, "department": followed, "dossiers": counted})
        if followed == departments:
            return found
        return found.groupby(["day", "department"], as_index=False)[["dossiers"]].sum()

    def hard_data(self, until: int) -> list[HardData]:
        """Numbers from records of years up to ``until``; of one department where it is read."""
        return read_hard_data(self.database, until, self.department)

    def _settled(self, since: date, until: date) -> Sequence[tuple[date, str, int]]:
        """The rows of the table of dossiers, of days, of the department that is read if of one."""
        query = SETTLED
        if self.department is not None:
            query = query.where(col(Transactions.department) == self.department)
        days = {"since": since, "until": until}
        with self.database.begin() as connection:
            return connection.execute(query, days).all()

    def respondents(
        self, selection: Selection, by: tuple[Grouping, ...] = ("day", "department")
    ) -> "pd.DataFrame":
        """How many answered the selection's question, or the pool: a column a grouping, and n."""
        if selection.questions is not None:
            return _table(self.sums(TALLIES, selection, by, ["n"], _among(selection.questions)))
        # Every measure of the pool has the same respondents: any one of them will do.
        view = self.snapshot()
        measures = sorted(view._whole(POOL, selection).items)
        sums = view.sums(POOL, selection, by, ["respondents"], lambda item: [item] == measures[:1])
        return _table({"n" if name == "respondents" else name: sums[name] for name in sums})


def _follower(places: Sequence[str], following: Following) -> Callable[[Key], Key]:
    """From a place as it is stored to the one that it counts for."""
    heirs = [following.get(name, {}) for name in places]
    if not any(heirs):
        return lambda place: place
    return lambda place: tuple(to.get(part, part) for to, part in zip(heirs, place, strict=True))


def _several(by: By) -> tuple[Grouping, ...]:
    return (by,) if isinstance(by, str) else by


def _among(questions: Sequence[str] | None) -> Keep:
    return lambda item: questions is None or item[0] in questions


def _table(columns: Mapping[str, Any]) -> "pd.DataFrame":
    import pandas as pd  # here, since it takes 0.5 s and 40 MB, which exports need not spend

    return pd.DataFrame(columns)
