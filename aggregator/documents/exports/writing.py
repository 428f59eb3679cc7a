"""Writes an export and its codebook as files, whole or not at all."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from aggregator.documents.exports.codebook import codebook, facts
from aggregator.documents.exports.columns import ExportColumn
from aggregator.documents.exports.joined import BOM, ExportFormat, JoinedTable, documents
from aggregator.documents.exports.office import csv_for_excel, headings, in_words
from aggregator.documents.exports.sav import write_sav
from aggregator.documents.exports.sav_variables import Measure, Type, Variable
from aggregator.intake.files import FileError
from aggregator.intake.submission_files import DEFINITIONS
from aggregator.storage.submissions import Advance, bounded
from aggregator.wording.messages import MESSAGES
from surveys.messages import LANGUAGES, Language


def write_export(
    path: Path,
    file_format: ExportFormat,
    table: JoinedTable,
    *,
    language: Language,
    now: datetime,
    advance: Advance,
) -> int:
    """Write the table to a file, its codebook and definitions beside it; returns the rows written.

    They are ``NAME.codebook.csv``, and ``NAME.definitions.json``, which an import reads.

    Memory does not grow with the rows. Submissions that arrive meanwhile are left out. Raises
    FileError, UndefinedAnswersError and StorageError; then no file has been created or changed.
    """
    filters, count = bounded(table.database, table.filters)
    table = replace(table, filters=filters)
    with (
        _whole(path) as part,
        _whole(path.with_suffix(".codebook.csv")) as book,
        _whole(path.with_suffix(DEFINITIONS)) as defined,
    ):
        text = codebook(table, file_format, count, now, language)
        if file_format == "parquet":
            _parquet(part, table, count, now, advance)
        elif file_format == "sav":
            _sav(part, table, now, language, advance)
        elif file_format in ("xlsx", "csv_excel"):
            columns = table.columns(file_format)
            rows = in_words(table.typed_rows(advance), columns, language)
            if file_format == "xlsx":
                _xlsx(part, rows, columns, text, language)
            else:
                _text(part, BOM, csv_for_excel(rows, headings(columns, language)))
        else:
            start = BOM if file_format == "csv" else ""
            _text(part, start, table.lines(file_format, advance))
        book.write_text(BOM + text, "utf-8", newline="")
        defined.write_bytes(documents(table.definitions))
    return count


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """A temporary file, renamed to ``path`` at the end: an unfinished export is never seen.

    Raises FileError.
    """
    part = path.with_name(path.name + ".part")
    try:
        yield part
        part.replace(path)
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)


def _text(path: Path, start: str, pieces: Iterable[str]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(start)
        file.writelines(pieces)


def _xlsx(
    path: Path,
    rows: Iterable[Sequence[Any]],
    columns: Sequence[ExportColumn],
    book: str,
    language: Language,
) -> None:
    # Its library is loaded for no other format.
    from aggregator.documents.exports.xlsx import write_xlsx

    titles = (MESSAGES.get(language, "export.sheet"), MESSAGES.get(language, "documents.codebook"))
    write_xlsx(path, rows, columns, language, titles, csv.reader(io.StringIO(book)))


def _parquet(path: Path, table: JoinedTable, count: int, now: datetime, advance: Advance) -> None:
    # Its library takes 40 MB, which the other formats need not hold.
    from aggregator.documents.exports.parquet import write_parquet

    columns = table.columns("parquet")
    about = facts(table, "parquet", count, now).items()
    metadata = {f"{name}_{lang}": text.get(lang) for name, text in about for lang in LANGUAGES}
    write_parquet(path, table.typed_rows(advance), columns, table.centre.time_zone, metadata)


def _sav(
    path: Path, table: JoinedTable, now: datetime, language: Language, advance: Advance
) -> None:
    """Read twice: the number of rows and the widths of texts stand at the head of the file."""
    columns = table.columns("sav")
    count, widths = _measured(table, columns)
    variables = [_variable(column, widths.get(column.name, 0), language) for column in columns]
    local = now.astimezone(table.centre.zone)
    with path.open("wb") as file:
        rows = table.typed_rows(advance)
        write_sav(file, variables, count, rows, title=f"{table.centre.id} {local:%F}", now=local)


def _measured(table: JoinedTable, columns: Sequence[ExportColumn]) -> tuple[int, Mapping[str, int]]:
    """How many rows there are, and the most bytes that a text of each column takes.

    Values with a meaning are included, whether they occur or not.
    """
    texts = [(n, column) for n, column in enumerate(columns) if column.kind in ("text", "many")]
    widths = {column.name: _widest(column) for _, column in texts}
    count = 0
    for count, row in enumerate(table.typed_rows(), 1):  # noqa: B007 - is the number of rows
        for place, column in texts:
            if isinstance(value := row[place], str):
                widths[column.name] = max(widths[column.name], len(value.encode()))
    return count, widths


def _widest(column: ExportColumn) -> int:
    """The most bytes that values with a meaning take: of several, all of them together."""
    sizes = [len(str(value)) for value, _ in column.values]
    if column.kind == "many":
        return sum(sizes) + len(sizes) - 1
    return max(sizes, default=1)


def _variable(column: ExportColumn, width: int, language: Language) -> Variable:
    types: Mapping[str, Type] = {"text": "text", "many": "text", "moment": "moment", "day": "day"}
    return Variable(
        column.name,
        types.get(column.kind, "number"),
        column.label.get(language),
        {value: text.get(language) for value, text in column.values},
        _measure(column),
        width,
    )


def _measure(column: ExportColumn) -> Measure:
    """The measurement level: ordinal where levels are more or less favourable, else nominal."""
    if column.name == "device":  # a number that counts nothing
        return "nominal"
    if column.kind in ("moment", "day", "number"):
        return "scale"
    if column.survey is not None and column.question is not None and len(column.values) > 2:
        return "ordinal" if column.survey.measures_of(column.question) else "nominal"
    return "nominal"
