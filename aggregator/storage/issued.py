"""What a centre writes into a period's report, and the reports that it has issued.

Both are written and read, never changed. A report is issued with its files, byte for byte, and
its figures; rows are linked by hashes, so that none can be changed, put in or taken out unseen.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any, Literal, get_args

import orjson
from sqlalchemy import Connection, Row, insert, select
from sqlmodel import col

from aggregator.storage.audit import Entry, record
from aggregator.storage.database import Database, Lock
from aggregator.storage.tables import IssuedFileRow, IssuedReportRow, ReportTextRow
from surveys.chain import START

Part = Literal["limits", "causes", "proposals"]
PARTS: tuple[Part, ...] = get_args(Part)  # of the texts, in their order


@dataclass(frozen=True)
class Of:
    """Which report: the survey behind it, its kind of period, and the period's first day."""

    survey: str
    kind: str
    since: date


@dataclass(frozen=True)
class Texts:
    """What was written into a report: what falls short, why, and what is proposed.

    ``number`` is 0 and ``at`` None where nothing was written yet.
    """

    number: int = 0
    at: datetime | None = None
    actor: str = ""
    limits: str = ""
    causes: str = ""
    proposals: str = ""


@dataclass(frozen=True)
class Issued:
    """A report as it was issued: by whom, when, and as which document of the agency.

    ``registered`` is its number in the register of the ``year`` of its ``day``, ``symbol`` how
    that is written. ``replaces`` is the number of an earlier one that it takes the place of,
    ``texts`` that of the texts in it. ``basis`` is a hash of what its figures are made of;
    ``before`` the hash of the row before it. ``files`` are the SHA-256 by format.
    """

    number: int
    at: datetime
    actor: str
    of: Of
    until: date
    organisation: str
    published: bool
    language: str
    registered: int
    symbol: str
    day: date
    replaces: int | None
    texts: int
    basis: str
    before: str = START
    hash: str = ""
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def series(self) -> tuple[Of, bool, str]:
        """What it has in common with those that it may replace."""
        return self.of, self.published, self.language

    def own_hash(self, figures: str) -> str:
        """The hash of this row, from all that it says; ``figures`` are its figures as stored."""
        said = {**asdict(self), "hash": hashlib.sha256(figures.encode()).hexdigest()}
        return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()


class OvertakenError(Exception):
    """Somebody else wrote or issued first; ``texts`` or ``issued`` are the newest."""

    def __init__(self, texts: Texts | None = None, issued: Issued | None = None) -> None:
        super().__init__("the report has changed")
        self.texts, self.issued = texts, issued


class RegisteredError(Exception):
    """A number of the register is taken in its year, by the report ``issued``."""

    def __init__(self, issued: Issued) -> None:
        super().__init__(issued.symbol)
        self.issued = issued


class IssuedReports:
    """Reads and writes the tables of issued reports and their texts; raises StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # Texts

    def texts(self, of: Of) -> Texts:
        """The newest texts of a report."""
        with self._database.begin() as connection:
            return _texts(connection, of)

    def earlier(self, number: int) -> Texts:
        """The texts with a number, whatever report they are of; empty ones where there are none."""
        names = Texts.__dataclass_fields__
        query = select(*(col(getattr(ReportTextRow, name)) for name in names))
        with self._database.begin() as connection:
            row = connection.execute(query.where(col(ReportTextRow.number) == number)).one_or_none()
        return Texts() if row is None else Texts(**row._mapping)

    def write(self, of: Of, written: Mapping[Part, str], seen: int, new: Entry) -> None:
        """Write texts in place of those with the number ``seen``; ``new`` says who, and when.

        Raises OvertakenError where somebody else has written since; then nothing is changed.
        """
        with self._database.locked(Lock.LEDGER) as connection:
            newest = _texts(connection, of)
            if newest.number != seen:
                raise OvertakenError(texts=newest)
            row: dict[str, Any] = {**vars(of), "at": new.at, "actor": new.actor}
            row |= {part: written.get(part, "") for part in PARTS}
            connection.execute(insert(ReportTextRow).values(**row))
            record(connection, new)

    # Issued reports

    def newest(self, limit: int, of: Of | None = None) -> list[Issued]:
        """Issued reports, or those of one period, the newest first."""
        with self._database.begin() as connection:
            return _issued(connection, limit, *([] if of is None else _of(IssuedReportRow, of)))

    def get(self, number: int) -> Issued | None:
        with self._database.begin() as connection:
            return next(iter(_issued(connection, 1, col(IssuedReportRow.number) == number)), None)

    def registered(self, year: int, number: int) -> Issued | None:
        """The report that has a number of a year's register."""
        with self._database.begin() as connection:
            return _registered(connection, year, number)

    def figures(self, number: int) -> Any:
        """The figures of a report as they were given to ``issue``; None where there is none."""
        row = IssuedReportRow
        query = select(col(row.figures)).where(col(row.number) == number)
        with self._database.begin() as connection:
            found = connection.execute(query).scalar_one_or_none()
        return None if found is None else orjson.loads(found)

    def file(self, number: int, file_format: str) -> bytes | None:
        """A file of a report, the very same bytes; None where there is none."""
        row = IssuedFileRow
        query = select(col(row.content)).where(
            col(row.report) == number, col(row.format) == file_format
        )
        with self._database.begin() as connection:
            return connection.execute(query).scalar_one_or_none()

    def issue(
        self, new: Issued, figures: Any, files: Mapping[str, bytes], entry: Entry, seen: int
    ) -> Issued:
        """Store a report that is issued; its number, hashes and link are made here.

        ``seen`` is the number of the newest one of its period that whoever issues it has seen, 0
        none. Raises OvertakenError where there is a newer one, or newer texts than those in it,
        and RegisteredError; then nothing is stored.
        """
        with self._database.locked(Lock.LEDGER) as connection:
            newest = next(iter(_issued(connection, 1, *_of(IssuedReportRow, new.of))), None)
            if (newest.number if newest else 0) != seen:
                raise OvertakenError(issued=newest)
            if (texts := _texts(connection, new.of)).number != new.texts:
                raise OvertakenError(texts=texts)
            if taken := _registered(connection, new.day.year, new.registered):
                raise RegisteredError(taken)
            last = next(iter(_issued(connection, 1)), None)
            written = orjson.dumps(figures).decode()
            hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
            linked = {"number": last.number + 1 if last else 1, "files": hashes, "hash": ""}
            linked["before"] = last.hash if last else START
            made = Issued(**{**vars(new), **linked})
            made = Issued(**{**vars(made), "hash": made.own_hash(written)})
            row = {name: value for name, value in vars(made).items() if name not in ("of", "files")}
            row |= {**vars(made.of), "year": made.day.year, "figures": written}
            connection.execute(insert(IssuedReportRow).values(**row))
            for name, content in files.items():
                file = {"report": made.number, "format": name, "sha256": hashes[name]}
                one = insert(IssuedFileRow).values(**file, size=len(content), content=content)
                connection.execute(one)
            record(connection, entry)
        return made

    def broken(self) -> Iterator[int]:
        """The numbers of reports that are not what was issued, or do not follow the one before."""
        row, file = IssuedReportRow, IssuedFileRow
        with self._database.begin() as connection:
            numbers = connection.execute(select(col(row.number)).order_by(col(row.number)))
            before, expected = START, 1
            for number in numbers.scalars().all():
                [one] = _issued(connection, 1, col(row.number) == number)
                figures = select(col(row.figures)).where(col(row.number) == number)
                told = connection.execute(figures).scalar_one()
                names = (col(file.format), col(file.content))
                files = select(*names).where(col(file.report) == number)
                kept = {
                    name: hashlib.sha256(content).hexdigest()
                    for name, content in connection.execute(files)
                }
                blank = Issued(**{**vars(one), "hash": ""})
                linked = (number, one.before) == (expected, before)
                if not linked or kept != one.files or blank.own_hash(told) != one.hash:
                    yield number
                before, expected = one.hash, number + 1


def _of(row: type[ReportTextRow | IssuedReportRow], of: Of) -> list[Any]:
    return [getattr(row, name) == value for name, value in vars(of).items()]


def _texts(connection: Connection, of: Of) -> Texts:
    names = Texts.__dataclass_fields__
    query = select(*(col(getattr(ReportTextRow, name)) for name in names))
    newest = query.where(*_of(ReportTextRow, of)).order_by(col(ReportTextRow.number).desc())
    row = connection.execute(newest.limit(1)).one_or_none()
    return Texts() if row is None else Texts(**row._mapping)


def _registered(connection: Connection, year: int, number: int) -> Issued | None:
    row = IssuedReportRow
    of = (col(row.year) == year, col(row.registered) == number)
    return next(iter(_issued(connection, 1, *of)), None)


def _issued(connection: Connection, limit: int, *where: Any) -> list[Issued]:
    """Issued reports with the hashes of their files, the newest first."""
    row, file = IssuedReportRow, IssuedFileRow
    own = [name for name in Issued.__dataclass_fields__ if name not in ("of", "files")]
    names = [*own, *Of.__dataclass_fields__]
    query = select(*(col(getattr(row, name)) for name in names)).where(*where)
    rows = connection.execute(query.order_by(col(row.number).desc()).limit(limit)).all()
    files: dict[int, dict[str, str]] = {}
    hashes = select(col(file.report), col(file.format), col(file.sha256)).where(
        col(file.report).in_([one.number for one in rows])
    )
    for report, name, sha256 in connection.execute(hashes):
        files.setdefault(report, {})[name] = sha256
    return [_made(one, files.get(one.number, {})) for one in rows]


def _made(row: Row[Any], files: Mapping[str, str]) -> Issued:
    told = dict(row._mapping)
    of = Of(*(told.pop(name) for name in Of.__dataclass_fields__))
    return Issued(of=of, files=files, **told)
