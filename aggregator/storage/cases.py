"""Cases: what became of a comment or a complaint, from its receipt to its closing.

Each act is one transaction: an event that is never changed, the case as it stands after it, and an
entry of the audit log. Whoever acts says which event was the last one that he has seen.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from sqlalchemy import Connection, Select, case, func, insert, or_, select, update
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import col

from aggregator.storage import journal
from aggregator.storage.audit import Entry, record
from aggregator.storage.database import TakenError
from aggregator.storage.readable import OfDepartments
from aggregator.storage.tables import CaseEventRow, CaseRow, ReceiptRow, SubmissionRow

State = Literal["received", "assigned", "answered", "closed"]
STATES: tuple[State, ...] = get_args(State)
AWAITING: tuple[State, ...] = ("received", "assigned")  # an answer is due
Kind = Literal["received", "assigned", "answered", "closed", "reopened"]
# How a case came: from a comment, or entered by hand after a letter, a call or a visit.
Way = Literal["comment", "letter", "phone", "desk"]
BY_HAND: tuple[Way, ...] = ("letter", "phone", "desk")

OWN = col(CaseRow.department)

# The states in which an act may be done.
FROM: Mapping[Kind, tuple[State, ...]] = {
    "assigned": ("received", "assigned", "answered"),
    "answered": ("received", "assigned"),
    "closed": ("answered",),
    "reopened": ("answered", "closed"),
}


@dataclass(frozen=True)
class Case:
    """A case as it stands. ``department`` is None until it is assigned; see tables.CaseRow."""

    number: int
    submission: str | None
    way: Way
    department: str | None
    state: State
    opened_at: datetime
    due_at: datetime
    answered_at: datetime | None
    closed_at: datetime | None
    missed: bool
    reopened: bool
    last: int

    def is_overdue(self, now: datetime) -> bool:
        """Whether an answer is due and its deadline has passed."""
        return self.state in AWAITING and self.due_at < now

    def may(self, act: Kind) -> bool:
        """Whether an act fits the state; a case is reopened once."""
        return self.state in FROM[act] and not (act == "reopened" and self.reopened)


@dataclass(frozen=True)
class Event:
    """What happened: ``actor`` did it, None: the citizen. ``text`` is what was written."""

    number: int
    at: datetime
    kind: Kind
    actor: str | None
    department: str | None
    text: str | None


@dataclass(frozen=True)
class Comment:
    """What a submission says of where it was given, and its comment."""

    department: str | None
    counter: str | None
    answered_at: datetime
    text: str | None


@dataclass(frozen=True)
class Filters:
    """Which cases; None is any. ``overdue``: only those whose deadline has passed."""

    state: State | None = None
    department: str | None = None
    overdue: bool = False


class OvertakenError(Exception):
    """Somebody else acted first; ``events`` are those since the last one that was seen."""

    def __init__(self, events: Sequence[Event]) -> None:
        super().__init__("the case has changed")
        self.events = events


class Cases(OfDepartments):
    """Reads and writes tables.CaseRow, CaseEventRow and ReceiptRow; raises StorageError."""

    # Reading

    def get(self, number: int) -> Case | None:
        """A case by its number; None where there is none."""
        with self._database.begin() as connection:
            return self._one(connection, col(CaseRow.number) == number)

    def of_receipt(self, receipt: str) -> tuple[ReceiptRow | None, Case | None]:
        """What a receipt's hash stands for: its row and its case; None for what there is not."""
        query = select(ReceiptRow.__table__).where(col(ReceiptRow.hash) == receipt)  # type: ignore[attr-defined]
        with self._database.begin() as connection:
            found = connection.execute(query).one_or_none()
            if found is None:
                return None, None
            of = col(CaseRow.number) == found.case_number
            if found.submission is not None:
                of = or_(of, col(CaseRow.submission) == found.submission)
            return ReceiptRow(**found._mapping), self._one(connection, of)

    def receipt_of(self, one: Case) -> str | None:
        """The hash of a case's receipt code, None where it has none."""
        of = col(ReceiptRow.case_number) == one.number
        if one.submission is not None:
            of = or_(of, col(ReceiptRow.submission) == one.submission)
        with self._database.begin() as connection:
            found: str | None = connection.execute(
                select(col(ReceiptRow.hash)).where(of)
            ).scalar_one_or_none()
        return found

    def events(self, number: int, after: int = 0) -> list[Event]:
        """The events of a case in their order, those with numbers above ``after``."""
        with self._database.begin() as connection:
            return _events(connection, number, after)

    def comments(self, submissions: Collection[str]) -> dict[str, Comment]:
        """The comments of some submissions, by id; of any department: ask for what may be read."""
        names = ("id", "department", "counter", "answered_at", "comment")
        query = select(*(col(getattr(SubmissionRow, name)) for name in names))
        query = query.where(col(SubmissionRow.id).in_(submissions))
        with self._database.begin() as connection:
            # The text may have been deleted since; see Comments.forget.
            return {
                row.id: Comment(row.department, row.counter, row.answered_at, row.comment or "")
                for row in connection.execute(query)
            }

    def texts(self, cases: Collection[Case]) -> dict[int, str]:
        """What the citizens wrote, or somebody wrote down for them, by the case's number."""
        numbers = {one.submission: one.number for one in cases if one.submission}
        comments = self.comments(numbers).items()
        found = {numbers[submission]: comment.text for submission, comment in comments}
        query = select(col(CaseEventRow.case_number), col(CaseEventRow.text)).where(
            col(CaseEventRow.case_number).in_([one.number for one in cases if not one.submission]),
            col(CaseEventRow.kind) == "received",
        )
        with self._database.begin() as connection:
            found |= {row.case_number: row.text for row in connection.execute(query)}
        return {number: text or "" for number, text in found.items()}

    def of_submissions(self, submissions: Collection[str]) -> dict[str, int]:
        """The numbers of the cases that there are of some submissions, by the submission's id."""
        query = select(col(CaseRow.submission), col(CaseRow.number)).where(
            col(CaseRow.submission).in_(submissions), *self._readable(OWN)
        )
        with self._database.begin() as connection:
            return {row.submission: row.number for row in connection.execute(query)}

    def page(self, filters: Filters, now: datetime, limit: int, offset: int = 0) -> list[Case]:
        """Cases: first those whose answer is due, the earliest deadline first; then the newest."""
        awaiting = col(CaseRow.state).in_(AWAITING)
        order = (
            case((awaiting, 0), else_=1),
            case((awaiting, col(CaseRow.due_at)), else_=None),
            col(CaseRow.opened_at).desc(),
            col(CaseRow.number).desc(),
        )
        query = self._all(filters, now).order_by(*order).limit(limit).offset(offset)
        with self._database.begin() as connection:
            return [_case(row) for row in connection.execute(query)]

    def counts(self, now: datetime) -> dict[str, int]:
        """How many cases there are in each state, and ``overdue``."""
        state = col(CaseRow.state)
        query = select(state, func.count()).where(*self._readable(OWN)).group_by(state)
        late = select(func.count()).where(
            *self._readable(OWN), *_conditions(Filters(overdue=True), now)
        )
        with self._database.begin() as connection:
            states: dict[str, int] = {row[0]: row[1] for row in connection.execute(query)}
            found = dict.fromkeys(STATES, 0) | states
            return {**found, "overdue": connection.execute(late).scalar_one()}

    def overdue(self, now: datetime) -> list[Case]:
        """The cases whose answer is due and whose deadline has passed, the longest first."""
        query = self._all(Filters(overdue=True), now).order_by(col(CaseRow.due_at))
        with self._database.begin() as connection:
            return [_case(row) for row in connection.execute(query)]

    def heir(self, department: str) -> str:
        """The department that one counts for: itself, or what it was merged into."""
        return self._heirs.get(department, department)

    def histories(self, since: datetime, until: datetime) -> list[tuple[Case, list[Event]]]:
        """The cases opened from ``since`` to ``until``, not included, each with its events.

        Without what was written with them.
        """
        names = ("number", "at", "kind", "actor", "department")
        of = (col(CaseRow.opened_at) >= since, col(CaseRow.opened_at) < until, *self._readable(OWN))
        query = select(CaseRow.__table__).where(*of).order_by(col(CaseRow.number))  # type: ignore[attr-defined]
        told = select(
            col(CaseEventRow.case_number), *(col(getattr(CaseEventRow, n)) for n in names)
        )
        told = told.join(CaseRow, col(CaseRow.number) == col(CaseEventRow.case_number)).where(*of)
        events: dict[int, list[Event]] = defaultdict(list)
        with self._database.begin() as connection:
            cases = [_case(row) for row in connection.execute(query)]
            for case_number, *event in connection.execute(told.order_by(col(CaseEventRow.number))):
                events[case_number].append(Event(*event, None))  # type: ignore[call-arg]
        return [(one, events[one.number]) for one in cases]

    # Acting

    def open(
        self,
        at: datetime,
        due_at: datetime,
        actor: str,
        way: Way,
        *,
        submission: str | None = None,
        text: str | None = None,
        receipt: str | None = None,
    ) -> int:
        """Make a case of a submission, or of the text of what was entered by hand; its number.

        ``receipt`` is the hash of a new receipt code, for one entered by hand. A submission has
        one case: where it has one already, that one's number, and nothing is changed.
        """
        row: dict[str, Any] = {"submission": submission, "way": way, "state": "received"}
        row |= {"opened_at": at, "due_at": due_at, "missed": False, "reopened": False, "last": 0}
        try:
            with self._database.begin(write=True) as connection:
                new = insert(CaseRow).values(**row).returning(col(CaseRow.number))
                number = int(connection.execute(new).scalar_one() or 0)
                last = _add(connection, number, at, "received", actor, None, text)
                of = col(CaseRow.number) == number
                connection.execute(update(CaseRow).where(of).values(last=last))
                journal.note(connection, "citizen_case", [number])
                if receipt is not None:
                    given = {"hash": receipt, "case_number": number, "given_at": at}
                    connection.execute(insert(ReceiptRow).values(**given))
                record(connection, Entry(at, actor, "case.received", {"number": number}))
        except TakenError:
            if submission is None or not (found := self.of_submissions([submission])):
                raise
            return found[submission]
        return number

    def act(
        self,
        one: Case,
        kind: Kind,
        at: datetime,
        actor: str | None,
        *,
        department: str | None = None,
        text: str | None = None,
        due_at: datetime | None = None,
    ) -> None:
        """Do something to a case as it was seen, ``actor`` None: the citizen.

        ``due_at`` is the new deadline of one that is reopened. Raises OvertakenError where
        something has happened to it since; then nothing is changed.
        """
        values = _after(one, kind, at, department, due_at)
        with self._database.begin(write=True) as connection:
            # Another process that acts on the same case waits here; then its event is the last.
            mine = (col(CaseRow.number) == one.number, col(CaseRow.last) == one.last)
            if not connection.execute(update(CaseRow).where(*mine).values(**values)).rowcount:
                raise OvertakenError(_events(connection, one.number, one.last))
            last = _add(connection, one.number, at, kind, actor, department, text)
            of = col(CaseRow.number) == one.number
            connection.execute(update(CaseRow).where(of).values(last=last))
            journal.note(connection, "citizen_case", [one.number])
            if actor is not None:
                told: dict[str, str | int] = {"number": one.number}
                if kind == "assigned":
                    told["department"] = department or ""
                record(connection, Entry(at, actor, f"case.{kind}", told))

    def _all(self, filters: Filters, now: datetime) -> Select[Any]:
        query: Select[Any] = select(CaseRow.__table__)  # type: ignore[attr-defined]
        return query.where(*self._readable(OWN), *_conditions(filters, now))

    def _one(self, connection: Connection, which: ColumnElement[bool]) -> Case | None:
        query = select(CaseRow.__table__).where(which, *self._readable(OWN))  # type: ignore[attr-defined]
        row = connection.execute(query).one_or_none()
        return None if row is None else _case(row)


def _after(
    one: Case, kind: Kind, at: datetime, department: str | None, due_at: datetime | None
) -> dict[str, Any]:
    """The columns that an act changes."""
    match kind:
        case "assigned":
            return {"state": "assigned", "department": department, "answered_at": None}
        case "answered":
            return {"state": "answered", "answered_at": at, "missed": one.missed or at > one.due_at}
        case "closed":
            return {"state": "closed", "closed_at": at}
        case "reopened":
            again = {"answered_at": None, "closed_at": None, "reopened": True, "due_at": due_at}
            return {"state": "assigned" if one.department else "received", **again}
        case _:
            raise ValueError(kind)


def _conditions(filters: Filters, now: datetime) -> list[ColumnElement[bool]]:
    conditions = []
    if filters.state is not None:
        conditions.append(col(CaseRow.state) == filters.state)
    if filters.department is not None:
        conditions.append(col(CaseRow.department) == filters.department)
    if filters.overdue:
        conditions += [col(CaseRow.state).in_(AWAITING), col(CaseRow.due_at) < now]
    return conditions


def _add(
    connection: Connection,
    number: int,
    at: datetime,
    kind: Kind,
    actor: str | None,
    department: str | None,
    text: str | None,
) -> int:
    """Write an event; returns its number."""
    row = {"case_number": number, "at": at, "kind": kind, "actor": actor}
    new = insert(CaseEventRow).values(**row, department=department, text=text)
    return int(connection.execute(new.returning(col(CaseEventRow.number))).scalar_one() or 0)


def _events(connection: Connection, number: int, after: int) -> list[Event]:
    names = Event.__dataclass_fields__
    query = select(*(col(getattr(CaseEventRow, name)) for name in names)).where(
        col(CaseEventRow.case_number) == number, col(CaseEventRow.number) > after
    )
    rows = connection.execute(query.order_by(col(CaseEventRow.number)))
    return [Event(**row._mapping) for row in rows]


def _case(row: Any) -> Case:
    return Case(**row._mapping)
