"""The command that writes submissions to a file, with a codebook beside it."""

import argparse
import gc
import sys
from datetime import UTC, datetime
from pathlib import Path

from aggregator.commands import progress, require_current, settings_of, tell
from aggregator.documents.exports.joined import EXPORT_FORMATS, STREAMED, ExportFormat, JoinedTable
from aggregator.documents.exports.writing import write_export
from aggregator.organisation.current import centre_in_force
from aggregator.organisation.seen import following, merged_into
from aggregator.storage.audit import AuditLog, entry
from aggregator.storage.centres import Centres
from aggregator.storage.database import Database
from aggregator.storage.definitions import Definitions
from aggregator.storage.submissions import Filters
from aggregator.wording.channels import CHANNELS
from surveys.centre import Centre
from surveys.definition import Survey, load_instruments
from surveys.messages import MessageError


def run_export(options: argparse.Namespace) -> int:
    settings = settings_of(options)
    files, file_format = load_instruments(settings.surveys), _format(options)
    # Hundreds of thousands of rows are made, none of which refers to another: the garbage
    # collector would search them for cycles again and again, and find none.
    gc.set_threshold(50_000)
    database = Database(settings.database)  # not a Store, which loads NumPy
    try:
        require_current(database.engine)
        centre = centre_in_force(Centres(database), settings.centre, files)
        surveys = centre.instruments_with(files)
        if options.rows == "visit" and file_format in STREAMED:
            raise MessageError("export.no_visits", format=file_format)
        filters = _filters(options, centre, Definitions(database).counted(surveys))
        event = "unmasking.export" if options.raw_comments else "export.file"
        told = {} if options.raw_comments else {"what": "answers"}
        selection = filters.written(options.organisation)
        AuditLog(database).add(
            entry(
                datetime.now(UTC),
                options.actor,
                event,
                format=file_format,
                selection=selection,
                **told,
            )
        )
        table = JoinedTable(
            database,
            centre,
            surveys,
            filters,
            options.raw_comments,
            options.organisation,
            options.rows,
        )
        if str(options.file) == "-":
            return _print(table, file_format)
        with progress() as advance:
            count = write_export(
                options.file,
                file_format,
                table,
                language=options.lang,
                now=datetime.now(UTC),
                advance=advance,
            )
    finally:
        database.engine.dispose()
    tell(options, count)
    return 0


def _print(table: JoinedTable, file_format: ExportFormat) -> int:
    """Write the table to standard output, for other programs: without a byte order mark."""
    if file_format not in ("csv", "json"):
        raise MessageError("export.file_needed", format=file_format)
    sys.stdout.writelines(table.lines(file_format))
    return 0


def _format(options: argparse.Namespace) -> ExportFormat:
    """The format of ``--format``, else that of the file's suffix, else CSV."""
    path: Path = options.file
    wanted = options.format or path.suffix.removeprefix(".").lower()
    return next((file_format for file_format in EXPORT_FORMATS if file_format == wanted), "csv")


def _filters(options: argparse.Namespace, centre: Centre, surveys: dict[str, Survey]) -> Filters:
    """What ``table`` is filtered by. Raises MessageError for unknown or reversed ones."""
    merged = following(centre, options.organisation).get("department", {})
    departments = [id for id in centre.department if id not in merged]
    known = {"survey": surveys, "channel": CHANNELS, "department": departments}
    for name, allowed in known.items():
        value = getattr(options, name)
        if value is not None and value not in allowed:
            raise MessageError("export.unknown", field=f"--{name}", value=value)
    if options.since and options.until and options.since > options.until:
        raise MessageError("export.from_after_to")
    department = options.department
    return Filters(
        options.since,
        options.until,
        options.survey,
        options.channel,
        department,
        merged=merged_into(centre, options.organisation, department),
    )
