"""The command that writes a report to a file."""

import argparse
from datetime import UTC, date, datetime
from importlib import import_module
from pathlib import Path

import aggregator.lean_pandas  # noqa: F401 - before whatever imports pandas
from aggregator.commands import settings_of
from aggregator.commands.store import opened
from aggregator.documents.reports.model import REPORT_FORMATS, Report
from aggregator.documents.reports.report import build_report
from aggregator.intake.files import FileError
from aggregator.organisation.current import centre_in_force
from aggregator.storage.audit import entry
from aggregator.wording.messages import MESSAGES
from aggregator.wording.periods import EARLIEST, LATEST, Period, PeriodError, PeriodKind, period_of
from surveys.definition import load_instruments
from surveys.messages import MessageError
from surveys.published import load_published


def run_report(options: argparse.Namespace) -> int:
    """Write the report of the period that holds the given day, as a whole file or none."""
    file_format = _format(options)
    if options.internal and options.kind != "day":
        raise MessageError("report.internal_day")
    if options.internal and options.publish:
        raise MessageError("report.internal_published")
    settings = settings_of(options)
    files, now = load_instruments(settings.surveys), datetime.now(UTC)
    with opened(settings) as store:
        centre = centre_in_force(store.centres, settings.centre, files)
        published = load_published(settings.centre, centre)
        period = period_asked(options, options.kind, centre.local_day(now))
        days = " – ".join(sorted({period.since.isoformat(), period.until.isoformat()}))
        made = "report.internal" if options.internal else "report.made"
        made = "report.published" if options.publish else made
        store.audit.add(entry(now, options.actor, made, period=days, format=file_format))
        report = build_report(
            store,
            centre.instruments_with(files),
            centre,
            period,
            options.kind,
            options.lang,
            now,
            published=published,
            demo=settings.demo,
            organisation=options.organisation,
            internal=options.internal,
            publish_as=f"report:{options.actor}"[:80] if options.publish else None,
        )
    write_document(options, report)
    return 0


def write_document(options: argparse.Namespace, report: Report) -> None:
    """Write a report to the file of the options, in their format, and say so."""
    # Each format has a library of its own, and only one of them is wanted.
    renderer = import_module(f"aggregator.documents.reports.{_format(options)}")
    write_file(options.file, renderer.render(report))
    print(MESSAGES.get(options.lang, "report.file_written", file=options.file))


def period_asked(options: argparse.Namespace, kind: PeriodKind, today: date) -> Period:
    """The period of a kind that holds the day asked for, else today. Raises PeriodError."""
    day: date = options.date or today
    if not EARLIEST <= day <= LATEST:
        raise PeriodError("date", "far_day")
    return period_of(kind, day)


def _format(options: argparse.Namespace) -> str:
    """The format of ``--format``, else that of the file's suffix. Raises MessageError."""
    file_format: str = options.format or options.file.suffix.removeprefix(".").lower()
    if file_format not in REPORT_FORMATS:
        raise MessageError("report.no_format", file=options.file)
    return file_format


def write_file(file: Path, content: bytes) -> None:
    """Write a temporary file and rename it, so that an unfinished one is never seen.

    Raises FileError.
    """
    part = file.with_name(file.name + ".part")
    try:
        part.write_bytes(content)
        part.replace(file)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise FileError(f"{file}: {error.strerror}") from error
