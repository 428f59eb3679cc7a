"""The definitions by which the stored answers were given, and answers that have none.

A definition is stored by the transaction that stores its first answer, and never changes.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from pydantic import ValidationError
from sqlalchemy import Connection, Row, String, bindparam, cast, func, insert, select, update
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import col

from aggregator.storage import journal
from aggregator.storage.database import Database, Lock, schema_of
from aggregator.storage.tables import DefinitionRow, SubmissionRow
from surveys.definition import DefinitionError, Survey, reasons
from surveys.messages import MessageError
from surveys.wire import Refused, check_answers

CHUNK = 1_000  # rows read and changed at once


class Kept(NamedTuple):
    """A definition that has answers, and when the first of them came in."""

    survey: Survey
    since: datetime


class UndefinedAnswersError(MessageError):
    """Stored answers whose definition is not kept: nobody knows what they mean."""

    section = "definition."
    status = 409  # no defect of the program: what is asked for does not go with what is stored

    def __init__(self, answers: Mapping[tuple[str, str | None], int]) -> None:
        which = ", ".join(f"{id} ({given or '—'}): {n}" for (id, given), n in answers.items())
        super().__init__("undefined", n=sum(answers.values()), which=which)


class ChangedDefinitionError(MessageError):
    """An instrument that says something else than when its stored answers were given."""

    section = "definition."


def read_definitions(connection: Connection) -> dict[str, Kept]:
    """Every definition that has answers by its fingerprint, in the order of the first answers.

    Raises DefinitionError for one that this release cannot read.
    """
    table = DefinitionRow.__table__  # type: ignore[attr-defined]
    found = {}
    for row in connection.execute(select(table).order_by(table.c.number)):
        try:
            survey = Survey.model_validate(row.document)
        except ValidationError as error:
            where = f"definition {row.fingerprint} of {row.survey} in the database"
            raise DefinitionError(f"{where}: {reasons(error)}") from error
        found[row.fingerprint] = Kept(survey, row.since)
    return found


def definition_of(connection: Connection, survey: str) -> Survey | None:
    """The newest definition by which a survey has answers; None where it has none.

    All of them are counted alike: they differ in words only (refuse_changed).
    """
    of = col(DefinitionRow.survey) == survey
    newest = select(func.max(col(DefinitionRow.number))).where(of).scalar_subquery()
    query = select(cast(col(DefinitionRow.document), String)).where(
        col(DefinitionRow.number) == newest
    )
    document = connection.execute(query).scalar_one_or_none()
    return None if document is None else _read(document)


@lru_cache(64)  # a block is made in less time than a definition is read
def _read(document: str) -> Survey:
    return Survey.model_validate_json(document)


def keep(
    connection: Connection,
    fingerprints: Iterable[str],
    definition: Callable[[str], Survey],
    at: datetime,
) -> None:
    """Store those definitions that are not stored yet, in the transaction of their answers.

    What was found stored is remembered with the connection, by schema: another database has
    another.
    """
    remembered: dict[str | None, set[str]] = connection.info.setdefault("definitions", {})
    known = remembered.setdefault(schema_of(connection), set())
    missing = [one for one in dict.fromkeys(fingerprints) if one not in known]
    if not missing:
        return
    column = col(DefinitionRow.fingerprint)
    known.update(connection.execute(select(column).where(column.in_(missing))).scalars())
    for fingerprint in missing:
        if fingerprint in known:
            continue
        survey = definition(fingerprint)
        document = survey.model_dump(mode="json")
        row = {"fingerprint": fingerprint, "survey": survey.id, "document": document, "since": at}
        connection.execute(insert(DefinitionRow), row)
        journal.note(connection, "definition", [fingerprint])


def refuse_undefined(connection: Connection, where: Iterable[ColumnElement[bool]] = ()) -> None:
    """Raise UndefinedAnswersError where answers that meet all conditions have no definition."""
    answers = _count(connection, where)
    kept = {
        (row.survey, row.fingerprint)
        for row in connection.execute(
            select(col(DefinitionRow.survey), col(DefinitionRow.fingerprint))
        )
    }
    if undefined := {of: n for of, n in answers.items() if of not in kept}:
        raise UndefinedAnswersError(undefined)


def _count(
    connection: Connection, where: Iterable[ColumnElement[bool]]
) -> dict[tuple[str, str | None], int]:
    """How many answers there are by survey and fingerprint."""
    columns = (col(SubmissionRow.survey), col(SubmissionRow.fingerprint))
    query = select(*columns, func.count()).where(*where).group_by(*columns).order_by(*columns)
    return {(survey, given): n for survey, given, n in connection.execute(query)}


def refuse_changed(kept: Iterable[Survey], surveys: Mapping[str, Survey]) -> None:
    """Raise ChangedDefinitionError where an instrument is not the one that has answers.

    One that names the older fingerprint in ``same_as`` must differ from it in words only.
    """
    for given in kept:
        asked = surveys.get(given.id)
        if asked is None or asked.fingerprint == given.fingerprint:
            continue
        facts = {"survey": given.id, "old": given.fingerprint, "new": asked.fingerprint}
        if given.fingerprint not in asked.same_as:
            raise ChangedDefinitionError("changed", **facts)
        if question := asked.differs_in(given):
            raise ChangedDefinitionError("not_the_same", question=question, **facts)


class Definitions:
    """The definitions of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def kept(self) -> dict[str, Kept]:
        """See read_definitions. Raises StorageError and DefinitionError."""
        with self._database.begin() as connection:
            return read_definitions(connection)

    def answers(self) -> dict[tuple[str, str | None], int]:
        """How many answers there are by survey and fingerprint. Raises StorageError."""
        with self._database.begin() as connection:
            return _count(connection, ())

    def check(self, surveys: Mapping[str, Survey]) -> None:
        """Whether these instruments may be asked on this database, as they are.

        Raises ChangedDefinitionError, UndefinedAnswersError, StorageError and DefinitionError.
        """
        with self._database.begin() as connection:
            refuse_undefined(connection)
            kept = read_definitions(connection)
        refuse_changed((one.survey for one in kept.values()), surveys)

    def refuse_undefined(self) -> None:
        """Raise UndefinedAnswersError where answers have no definition, and StorageError."""
        with self._database.begin() as connection:
            refuse_undefined(connection)

    def counted(self, surveys: Mapping[str, Survey]) -> dict[str, Survey]:
        """By what answers are counted: the instruments, and those that are asked no more."""
        return {one.survey.id: one.survey for one in self.kept().values()} | dict(surveys)

    def adopt(self, surveys: Iterable[Survey]) -> int:
        """Give answers without a definition one of these, where each answer is one of its codes.

        Returns how many answers got one. Raises StorageError and DefinitionError.
        """
        by_id = {survey.id: survey for survey in surveys}
        adopted = 0
        with self._database.locked(Lock.WRITER, patient=True) as connection:
            kept = read_definitions(connection)
            first: dict[str, datetime] = {}
            for rows in _chunks(connection, by_id):
                changes = []
                for row in rows:
                    survey = by_id[row.survey]
                    known = row.fingerprint in kept
                    if known or (row.fingerprint != survey.fingerprint and not _fits(survey, row)):
                        continue
                    first.setdefault(survey.fingerprint, row.received_at)
                    adopted += 1
                    if row.fingerprint != survey.fingerprint:
                        changes.append({"row": row.number, "by": survey.fingerprint})
                if changes:
                    _link(connection, changes)
            by_print = {survey.fingerprint: survey for survey in by_id.values()}
            for fingerprint, at in first.items():
                keep(connection, [fingerprint], by_print.__getitem__, at)
        return adopted

    def adopt_first(self, surveys: Mapping[str, Survey]) -> None:
        """Link the answers of an older release, which kept no definitions, to the present ones.

        Raises UndefinedAnswersError where some answers fit none of them; the others are linked.
        """
        if not self.kept():
            self.adopt(surveys.values())
        self.refuse_undefined()


def _chunks(connection: Connection, surveys: Collection[str]) -> Iterator[Sequence[Any]]:
    """The answers of some surveys in the order of arrival: what adopt needs of them."""
    table = SubmissionRow.__table__  # type: ignore[attr-defined]
    columns = (table.c.number, table.c.survey, table.c.fingerprint, table.c.answers)
    wanted = select(*columns, table.c.received_at).where(table.c.survey.in_(surveys))
    last = 0
    while rows := connection.execute(
        wanted.where(table.c.number > last).order_by(table.c.number).limit(CHUNK)
    ).all():
        yield rows
        last = rows[-1].number


def _link(connection: Connection, changes: Sequence[Mapping[str, object]]) -> None:
    table = SubmissionRow.__table__  # type: ignore[attr-defined]
    change = update(table).where(table.c.number == bindparam("row"))
    connection.execute(change.values(fingerprint=bindparam("by")), changes)


def _fits(survey: Survey, row: Row[Any]) -> bool:
    try:
        check_answers(survey, row.answers)
    except Refused:
        return False
    return True
