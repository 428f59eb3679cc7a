"""The commands that write a report to a file, issue it, and list those that were issued."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from importlib import import_module
from pathlib import Path

import orjson

import aggregator.lean_pandas  # noqa: F401 - before whatever imports pandas
from aggregator.commands import settings_of
from aggregator.commands.store import opened
from aggregator.documents.reports.issuing import Office
from aggregator.documents.reports.model import REPORT_FORMATS, Report
from aggregator.documents.reports.report import build_report
from aggregator.intake.files import FileError
from aggregator.organisation.current import centre_in_force
from aggregator.settings import Settings
from aggregator.storage.audit import entry
from aggregator.storage.issued import Issued
from aggregator.wording.messages import MESSAGES
from aggregator.wording.periods import EARLIEST, LATEST, Period, PeriodError, PeriodKind, period_of
from surveys.definition import load_instruments
from surveys.messages import MessageError
from surveys.published import load_published

MOST_LISTED = 1_000


def run_report(options: argparse.Namespace) -> int:
    """Write the report of the period that holds the given day, as a whole file or none."""
    file_format = _format(options)
    if options.internal and options.kind != "day":
        raise MessageError("report.internal_day")
    if options.internal and options.publish:
        raise MessageError("report.internal_published")
    if options.issue is not None:
        return _issue(options)
    settings, now = settings_of(options), datetime.now(UTC)
    with _office(settings) as office:
        store, centre = office.store, office.centre
        period = period_asked(options, options.kind, centre.local_day(now))
        days = " – ".join(sorted({period.since.isoformat(), period.until.isoformat()}))
        made = "report.internal" if options.internal else "report.made"
        made = "report.published" if options.publish else made
        store.audit.add(entry(now, options.actor, made, period=days, format=file_format))
        report = build_report(
            store,
            office.surveys,
            centre,
            period,
            options.kind,
            options.lang,
            now,
            published=office.published,
            demo=office.demo,
            organisation=options.organisation,
            internal=options.internal,
            publish_as=f"report:{options.actor}"[:80] if options.publish else None,
            texts=store.issued.texts(office.of(options.kind, period)),
        )
    write_document(options, report)
    return 0


def _issue(options: argparse.Namespace) -> int:
    """Issue the report under its number: keep it in every format, write the one asked for."""
    if options.internal or options.kind == "day":
        raise MessageError("report.issue_day")
    file_format, now = _format(options), datetime.now(UTC)
    with _office(settings_of(options)) as office:
        issued = office.issue(
            options.kind,
            period_asked(options, options.kind, office.centre.local_day(now)),
            options.lang,
            now,
            options.issue,
            options.actor,
            organisation=options.organisation,
            published=options.publish,
            seen=options.after,
            texts_seen=options.texts,
        )
        write_file(options.file, office.store.issued.file(issued.number, file_format) or b"")
    print(MESSAGES.get(options.lang, "report.file_written", file=options.file))
    return 0


def run_issued(options: argparse.Namespace) -> int:
    """List the issued reports; or say what is other in one; or write its file, as it was issued.

    A file whose name ends with ``.json`` gets what is other.
    """
    with _office(settings_of(options)) as office:
        issued = office.store.issued
        if options.number is None:
            for listed in reversed(issued.newest(MOST_LISTED)):
                print(_line(options, office, listed))
            return 0
        one = issued.get(options.number)
        if one is None:
            raise MessageError("report.no_issued", number=options.number)
        if options.file is None or options.file.suffix.lower() == ".json":
            found = office.changes_since(one)
            if options.file is not None:
                write_file(options.file, orjson.dumps(found))
                return 0
            for change in found:
                print(" | ".join(map(str, vars(change).values())))
            print(MESSAGES.get(options.lang, "report.changes", n=len(found)))
            return 1 if found else 0
        file_format = _format(options)
        content = issued.file(one.number, file_format)
        if content is None:
            raise MessageError("report.no_issued", number=options.number)
        now, told = datetime.now(UTC), {"symbol": one.symbol, "format": file_format}
        office.store.audit.add(entry(now, options.actor, "report.fetched", **told))
        write_file(options.file, content)
    print(MESSAGES.get(options.lang, "report.file_written", file=options.file))
    return 0


def _line(options: argparse.Namespace, office: Office, one: Issued) -> str:
    """An issued report in the list: its number, document, period, who, when, its hash."""
    changed = MESSAGES.get(options.lang, "report.basis_changed") if office.has_changed(one) else ""
    by = f"{one.day} {one.actor}".strip()
    span = f"{one.of.since} – {one.until}"
    parts = (str(one.number), one.symbol, one.of.kind, span, by, one.files["pdf"], changed)
    return "  ".join(filter(None, parts))


@contextmanager
def _office(settings: Settings) -> Iterator[Office]:
    """The store of settings, with what reports are made of, closed at the end."""
    files = load_instruments(settings.surveys)
    with opened(settings) as store:
        centre = centre_in_force(store.centres, settings.centre, files)
        published = load_published(settings.centre, centre)
        yield Office(store, centre.instruments_with(files), centre, published, settings.demo)


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
