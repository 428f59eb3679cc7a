"""Comments: what people wrote, an index to find it by, and what was done about it.

The index has a row for each submission with a comment, written in the transaction that stores
the answer. It holds words and facets alike as lexemes, so that every search is one look into it.
Personal numbers are masked before: nobody can guess them by searching.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, Row, bindparam, exists, func, insert, select, text, update
from sqlmodel import col

from aggregator.storage.audit import Entry, record
from aggregator.storage.database import Database, Lock
from aggregator.storage.submissions import STANDING
from aggregator.storage.tables import CaseRow, CommentEventRow, SubmissionRow
from aggregator.wording.screening import screened
from surveys.chain import sealed
from surveys.text import cleaned, composed, without_marks

# Letters and digits with the marks that have no character of their own together with them.
WORD = re.compile(r"(?:[^\W_][\u0300-\u036f]*)+")
LONGEST_WORD = 64  # characters of a lexeme; the rest of a longer word is not looked at
LONGEST_SEARCH = 200  # characters
LONGEST_TAG = 40  # characters
MOST_TAGS = 20  # of a comment
AT_ONCE = 500  # comments indexed by one statement
RECENT = 20_000  # newest comments that are looked through one by one
DAYS_AT_ONCE = 8  # of a period long past; then twice as many, and so on
# The days of a period that have comments, by the number of their newest one.
NEWEST_OF_DAYS = text(
    "SELECT CAST(each AS date) AS day, newest FROM "
    "generate_series(CAST(:since AS date), CAST(:until AS date), INTERVAL '1 day') AS each, "
    "LATERAL (SELECT max(number) AS newest FROM submission "
    "WHERE day = CAST(each AS date) AND comment IS NOT NULL) AS own "
    "WHERE newest IS NOT NULL ORDER BY newest DESC"
)

# An act on a comment, and the one that takes it back.
Act = Literal["tag", "untag", "hide", "show"]
TAKEN_BACK: Mapping[Act, Act] = {"tag": "untag", "untag": "tag", "hide": "show", "show": "hide"}


@dataclass(frozen=True)
class Search:
    """Which comments are wanted; None and what is empty leave a condition out.

    Every word of ``words`` must be in a comment: one with marks exactly, one without them in any
    spelling. Of ``departments`` and ``counters`` it must have one; of ``answers``, pairs of a
    question and a code given in the same visit, all. ``since`` and ``until`` are local days,
    both included.
    """

    words: str = ""
    departments: Collection[str] = ()
    counters: Collection[str] = ()
    answers: Collection[tuple[str, int]] = ()
    since: date | None = None
    until: date | None = None
    channel: str | None = None
    tag: str | None = None
    hidden: bool | None = None

    def groups(self) -> list[list[str]]:
        """The lexemes of the search but its period: of each group a comment has one at least."""
        groups = [[word] for word in _words(cleaned(self.words)[:LONGEST_SEARCH])]
        groups += [[f"department:{one}" for one in self.departments]] if self.departments else []
        groups += [[f"counter:{one}" for one in self.counters]] if self.counters else []
        groups += [[f"answer:{question}:{code}"] for question, code in self.answers]
        groups += [[f"channel:{self.channel}"]] if self.channel else []
        groups += [[_tag_lexeme(self.tag)]] if self.tag else []
        groups += [[f"hidden:{int(self.hidden)}"]] if self.hidden is not None else []
        return groups

    @property
    def period(self) -> tuple[date, date] | None:
        return (self.since, self.until) if self.since and self.until else None


@dataclass(frozen=True)
class Comment:
    """A comment as it was written, with where and when, and what was done about it.

    ``said`` are the answers of its visit until then. ``hidden_by`` and ``hidden_at`` are None
    where it is not hidden from the public.
    """

    number: int
    id: str
    survey: str
    department: str | None
    counter: str | None
    channel: str
    answered_at: datetime
    text: str
    said: Mapping[str, Any]
    tags: Sequence[str] = ()
    hidden_by: str | None = None
    hidden_at: datetime | None = None


@dataclass
class _State:
    """What was done about a comment and not taken back."""

    tags: list[str] = field(default_factory=list)
    hidden_by: str | None = None
    hidden_at: datetime | None = None


class Comments:
    """Finds comments, newest first, and notes what is done about them.

    Of ``department`` alone where it is not None. Every method raises StorageError.
    """

    def __init__(self, database: Database, department: str | None = None) -> None:
        self._database = database
        self._department = department

    def forget(self, before: date) -> int:
        """Delete the texts of comments of the days before one; returns how many.

        Their seals stay, by which all that was computed of them still is what it was. Comments
        whose case is not closed stay, too.
        """
        row = SubmissionRow
        open_ = exists().where(
            col(CaseRow.submission) == col(row.id), col(CaseRow.closed_at).is_(None)
        )
        old = (col(row.comment).is_not(None), col(row.day) < before, ~open_)
        query = select(col(row.number), col(row.comment), col(row.comment_salt)).where(*old)
        change = update(row).where(col(row.number) == bindparam("of"))
        change = change.values(comment=None, comment_salt=None, comment_seal=bindparam("seal"))
        forgotten = 0
        while True:
            with self._database.locked(Lock.WRITER) as connection:
                found = connection.execute(query.limit(AT_ONCE)).all()
                if not found:
                    return forgotten
                told = [
                    {"of": number, "seal": sealed(text or "", salt) if salt else None}
                    for number, text, salt in found
                ]
                connection.execute(change, told)
                remove(connection, [row.number for row in found])
            forgotten += len(found)

    def found(self, search: Search, limit: int, before: int | None = None) -> list[Comment]:
        """At most ``limit`` comments that arrived before the one with the number ``before``."""
        with self._database.begin() as connection:
            numbers = _find(connection, self._groups(search), search.period, limit, before)
            return _comments(connection, numbers)

    def count(self, search: Search, most: int) -> int:
        """How many comments a search finds; counting stops at ``most``."""
        with self._database.begin() as connection:
            groups, period = self._groups(search), search.period
            return len(_find(connection, groups, period, most, None, newest_first=False))

    def comment(self, number: int) -> Comment | None:
        with self._database.begin() as connection:
            return self._one(connection, number)

    def tags(self) -> list[tuple[str, int]]:
        """Every tag in use with the number of comments that have it, the most used first."""
        event = CommentEventRow
        tagging = col(event.kind).in_(["tag", "untag"])
        last = select(func.max(col(event.number))).where(tagging)
        last = last.group_by(col(event.comment), col(event.value))
        n = func.count()
        query = select(col(event.value), n).where(
            col(event.number).in_(last), col(event.kind) == "tag"
        )
        if self._department is not None:
            query = query.join(SubmissionRow, col(SubmissionRow.number) == col(event.comment))
            query = query.where(col(SubmissionRow.department) == self._department)
        query = query.group_by(col(event.value)).order_by(n.desc(), col(event.value))
        with self._database.begin() as connection:
            return [(str(tag), count) for tag, count in connection.execute(query)]

    def act(self, number: int, kind: Act, value: str, new: Entry) -> bool:
        """Note an act with its entry of the audit log; False where it would change nothing.

        ``value`` is the tag, '' for other acts. False also where the comment is not there, or
        has MOST_TAGS already.
        """
        with self._database.locked(Lock.WRITER) as connection:
            comment = self._one(connection, number)
            if comment is None or not _changes(comment, kind, value):
                return False
            event = {"comment": number, "at": new.at, "actor": new.actor}
            connection.execute(insert(CommentEventRow).values(**event, kind=kind, value=value))
            record(connection, new)
            remove(connection, [number])
            index(connection, _rows(connection, col(SubmissionRow.number) == number))
        return True

    def _groups(self, search: Search) -> list[list[str]]:
        own = [] if self._department is None else [[f"department:{self._department}"]]
        return [*own, *search.groups()]

    def _one(self, connection: Connection, number: int) -> Comment | None:
        found = next(iter(_comments(connection, [number])), None)
        if found is None or self._department not in (None, found.department):
            return None
        return found


def tag_of(written: str) -> str:
    """A tag as it is kept: in small letters, with one space between its words."""
    return composed(" ".join(cleaned(written).split()).lower())


def _changes(comment: Comment, kind: Act, value: str) -> bool:
    if kind == "tag":
        return value not in comment.tags and len(comment.tags) < MOST_TAGS
    if kind == "untag":
        return value in comment.tags
    return (comment.hidden_by is None) == (kind == "hide")


# The index

_OF_ROW = [
    col(getattr(SubmissionRow, name))
    for name in (
        *("number", "id", "survey", "department", "counter", "channel", "visit"),
        *("answered_at", "day", "answers", "comment"),
    )
]


def index_new(connection: Connection, ids: Sequence[str]) -> None:
    """Index the comments of submissions that were just stored, by their ids."""
    for start in range(0, len(ids), AT_ONCE):
        among = col(SubmissionRow.id).in_(ids[start : start + AT_ONCE])
        index(connection, _rows(connection, among))


def index_all(connection: Connection, standing: Any = STANDING) -> None:
    """Make the whole index again from the stored submissions and events.

    ``standing`` is the condition on those that count.
    """
    connection.execute(text("DELETE FROM comment_words"))
    last = 0
    commented = col(SubmissionRow.comment).is_not(None) & standing
    while rows := _rows(connection, commented & (col(SubmissionRow.number) > last), AT_ONCE):
        index(connection, rows)
        last = rows[-1].number


def index(connection: Connection, rows: Sequence[Row[Any]]) -> None:
    """Write the lexemes of submissions with a comment; ``rows`` have the columns of _OF_ROW."""
    rows = [row for row in rows if row.comment and row.comment.strip()]
    if not rows:
        return
    said, states = _said(connection, rows), _states(connection, [row.number for row in rows])
    found = [
        (row.number, sorted({*_lexemes(row, said[row.number], states[row.number])})) for row in rows
    ]
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(
            "INSERT INTO comment_words (rowid, words) VALUES (?, ?)",
            [(number, " ".join(lexemes)) for number, lexemes in found],
        )
    else:
        connection.exec_driver_sql(
            "INSERT INTO comment_words (number, lexemes) VALUES (%s, array_to_tsvector(%s))", found
        )


def remove(connection: Connection, numbers: Sequence[int]) -> None:
    """Take comments out of the index, by the numbers of their submissions."""
    key = "rowid" if connection.dialect.name == "sqlite" else "number"
    query = text(f"DELETE FROM comment_words WHERE {key} = :number")  # noqa: S608 - constants
    if numbers:
        connection.execute(query, [{"number": number} for number in numbers])


def _lexemes(row: Row[Any], said: Mapping[str, Any], state: _State) -> Iterator[str]:
    """The words of a comment, and its facets, which have a colon where no word has one."""
    written = screened(row.comment)
    yield from _words(written)
    yield from _words(without_marks(written))
    yield f"channel:{row.channel}"
    if row.department:
        yield f"department:{row.department}"
    if row.counter:
        yield f"counter:{row.counter}"
    yield from _times(row.day)
    for question, value in said.items():
        for code in value if isinstance(value, list) else [value]:
            yield f"answer:{question}:{code}"
    yield from map(_tag_lexeme, state.tags)
    yield f"hidden:{int(state.hidden_by is not None)}"


def _words(written: str) -> list[str]:
    """The words of a text in small letters, whatever Unicode's form they were written in."""
    small = composed(composed(written).casefold())
    return [word[:LONGEST_WORD] for word in WORD.findall(small)]


def _tag_lexeme(tag: str) -> str:
    return f"tag:{hashlib.sha256(tag.encode()).hexdigest()[:16]}"


def _times(day: date) -> tuple[str, str, str]:
    return f"year:{day:%Y}", f"month:{day:%Y-%m}", f"day:{day.isoformat()}"


def _cover(since: date, until: date) -> Iterator[str]:
    """As few years, months and days as there are in a period, which together are the period."""
    day = since
    while day <= until:
        for lexeme, last in zip(_times(day), _ends(day), strict=True):
            first = day.month == 1 or not lexeme.startswith("year")
            first = first and (day.day == 1 or lexeme.startswith("day"))
            if first and last <= until:
                yield lexeme
                day = last + timedelta(days=1)
                break


def _ends(day: date) -> tuple[date, date, date]:
    """The last days of its year, of its month, and the day itself."""
    following = (day.replace(day=28) + timedelta(days=4)).replace(day=1)
    return day.replace(month=12, day=31), following - timedelta(days=1), day


def _find(
    connection: Connection,
    groups: Sequence[Sequence[str]],
    period: tuple[date, date] | None,
    limit: int,
    before: int | None,
    *,
    newest_first: bool = True,
) -> list[int]:
    """The numbers of the newest comments of a period that have a lexeme of each group.

    Without ``newest_first`` those of any, which may take less time.
    """
    wanted = [*groups, list(_cover(*period))] if period else groups
    sqlite = connection.dialect.name == "sqlite"
    if sqlite or not wanted:
        return _newest(connection, "comment_words", wanted, limit, before)
    # PostgreSQL cannot know how often lexemes come together. So first the newest comments are
    # looked through, among which there are enough of what is frequent; what is not, or lies in
    # a period long past, is then taken from the index: all of it, where it has to be in order.
    among = "" if before is None else "WHERE number < :before "
    recent = f"SELECT * FROM comment_words {among}ORDER BY number DESC LIMIT {RECENT}"  # noqa: S608 - constants
    found = _newest(connection, f"({recent}) AS recent", wanted, limit, before)
    if len(found) == limit:
        return found
    if period:
        return _by_days(connection, groups, period, limit, before, newest_first=newest_first)
    return _matching(connection, wanted, limit, before, newest_first=newest_first)


def _by_days(
    connection: Connection,
    groups: Sequence[Sequence[str]],
    period: tuple[date, date],
    limit: int,
    before: int | None,
    *,
    newest_first: bool,
) -> list[int]:
    """As _find, on PostgreSQL: days one after another until they hold enough.

    A comment may come long after its day. So the days are in the order of their newest comments,
    and those are found where no other day has a newer one.
    """
    days = connection.execute(NEWEST_OF_DAYS, dict(zip(("since", "until"), period, strict=True)))
    left, found, several = days.all(), list[int](), DAYS_AT_ONCE
    while left and (len(found) < limit or (newest_first and found[-1] < left[0].newest)):
        some, left = left[:several], left[several:]
        wanted = [*groups, [_times(row.day)[-1] for row in some]]
        more = _matching(connection, wanted, limit, before, newest_first=newest_first)
        found = sorted([*found, *more], reverse=True)[:limit]
        several *= 2
    return found


def _newest(
    connection: Connection,
    source: str,
    groups: Sequence[Sequence[str]],
    limit: int,
    before: int | None,
) -> list[int]:
    """The numbers of the newest of ``source`` that have a lexeme of each group."""
    key = "rowid" if connection.dialect.name == "sqlite" else "number"
    conditions, values = _asked(connection, groups, before)
    query = f"SELECT {key} FROM {source} {conditions}ORDER BY {key} DESC LIMIT :limit"  # noqa: S608 - constants
    return list(connection.execute(text(query), {**values, "limit": limit}).scalars())


def _matching(
    connection: Connection,
    groups: Sequence[Sequence[str]],
    limit: int,
    before: int | None,
    *,
    newest_first: bool,
) -> list[int]:
    """As _newest, on PostgreSQL, of all comments, by the index of their lexemes."""
    conditions, values = _asked(connection, groups, before)
    order = "ORDER BY number DESC " if newest_first else ""
    every_one = f"SELECT number FROM comment_words {conditions}"  # noqa: S608 - constants
    query = f"WITH matching AS MATERIALIZED ({every_one}) SELECT number FROM matching {order}"  # noqa: S608 - constants
    query += "LIMIT :limit"
    return list(connection.execute(text(query), {**values, "limit": limit}).scalars())


def _asked(
    connection: Connection, groups: Sequence[Sequence[str]], before: int | None
) -> tuple[str, dict[str, object]]:
    """The condition of having a lexeme of each group and a number below ``before``."""
    key, matches, quote, either, both = (
        ("rowid", "comment_words MATCH :query", '"', " OR ", " AND ")
        if connection.dialect.name == "sqlite"
        else ("number", "lexemes @@ CAST(:query AS tsquery)", "'", " | ", " & ")
    )
    conditions, values = [], dict[str, object]()
    if groups:
        conditions.append(matches)
        values["query"] = both.join(
            f"({either.join(f'{quote}{lexeme}{quote}' for lexeme in group)})" for group in groups
        )
    if before is not None:
        conditions.append(f"{key} < :before")
        values["before"] = before
    return (f"WHERE {' AND '.join(conditions)} " if conditions else ""), values


# Comments as they are shown


def _rows(connection: Connection, where: Any, limit: int | None = None) -> Sequence[Row[Any]]:
    query = select(*_OF_ROW).where(where).order_by(col(SubmissionRow.number))
    return connection.execute(query.limit(limit)).all()


def _comments(connection: Connection, numbers: Sequence[int]) -> list[Comment]:
    """The comments with these numbers, the newest first; those that are none are left out."""
    rows = _rows(connection, col(SubmissionRow.number).in_(numbers) & STANDING)
    rows = [row for row in reversed(rows) if row.comment and row.comment.strip()]
    said, states = _said(connection, rows), _states(connection, [row.number for row in rows])
    return [
        Comment(
            row.number,
            row.id,
            row.survey,
            row.department,
            row.counter,
            row.channel,
            row.answered_at,
            row.comment,
            said[row.number],
            sorted(states[row.number].tags),
            states[row.number].hidden_by,
            states[row.number].hidden_at,
        )
        for row in rows
    ]


def _said(connection: Connection, rows: Sequence[Row[Any]]) -> dict[int, dict[str, Any]]:
    """By number the answers of the visit of each row: of its day, and not arrived after it."""
    asked: dict[date, set[str]] = defaultdict(set)
    for row in rows:
        if row.visit is not None:
            asked[row.day].add(row.visit)
    visits: dict[tuple[date, str], list[Row[Any]]] = defaultdict(list)
    of = SubmissionRow
    parts = select(col(of.number), col(of.visit), col(of.answers)).order_by(col(of.number))
    for day, among in asked.items():  # SQLite looks pairs up in no index
        for part in connection.execute(parts.where(col(of.day) == day, col(of.visit).in_(among))):
            visits[day, part.visit].append(part)
    said: dict[int, dict[str, Any]] = {}
    for row in rows:
        said[row.number] = {}
        for part in (*visits.get((row.day, row.visit), ()), row):
            if part.number <= row.number:
                said[row.number] |= part.answers
    return said


def _states(connection: Connection, numbers: Sequence[int]) -> dict[int, _State]:
    """By number what was done about each comment and not taken back, read from the events."""
    states = {number: _State() for number in numbers}
    event = CommentEventRow
    query = select(event.__table__).where(col(event.comment).in_(numbers))  # type: ignore[attr-defined]
    for row in connection.execute(query.order_by(col(event.number))):
        state = states[row.comment]
        if row.kind == "tag":
            state.tags.append(row.value)
        elif row.kind == "untag":
            state.tags.remove(row.value)
        else:
            hidden = row.kind == "hide"
            state.hidden_by = row.actor if hidden else None
            state.hidden_at = row.at if hidden else None
    return states
