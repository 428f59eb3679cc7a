"""The data desk as a command: one table taken as a batch, or a batch withdrawn."""

import argparse
import sys
from dataclasses import replace
from datetime import UTC, datetime

from aggregator.commands import settings_of
from aggregator.commands.store import opened
from aggregator.intake.ddci import load_ddci
from aggregator.intake.desk.kinds import kind_of
from aggregator.intake.desk.reading import Reading
from aggregator.intake.desk.sheets import LARGEST, Sheet, SheetError
from aggregator.intake.desk.taking import Desk, chosen_sheet, name_of, sheet_name, suggested_name
from aggregator.intake.desk.workbooks import read_workbook
from aggregator.intake.files import FileError
from aggregator.intake.ingest import Ingest
from aggregator.organisation.current import centre_in_force
from aggregator.storage.audit import COMMAND_LINE
from aggregator.storage.batches import BatchChangedError, NewBatch
from aggregator.wording.messages import MESSAGES
from surveys.definition import load_instruments
from surveys.messages import Language, MessageError


def run_desk(options: argparse.Namespace) -> int:
    """Take a table, say what of it was not taken, or withdraw a batch; 1 where a cell is wrong."""
    settings, language, now = settings_of(options), options.lang, datetime.now(UTC)
    files = load_instruments(settings.surveys)
    with opened(settings) as store:
        centre = centre_in_force(store.centres, settings.centre, files)
        surveys = centre.instruments_with(files)
        store.definitions.check(surveys)
        desk = Desk(store, Ingest(store, files, centre), centre, language, now)
        if options.withdraw:
            change = desk.withdraw(name_of(options.withdraw), COMMAND_LINE)
            if change is None:
                raise MessageError("desk.none")
            _say(language, "desk.taken", **vars(change))
            store.roll_up(surveys.values())
            return 0
        if options.file is None or options.kind is None:
            raise FileError(MESSAGES.get(language, "help.desk_kind"))
        survey = options.survey or centre.instruments.rating
        if survey not in surveys:
            raise FileError(f"--survey: {survey}: {', '.join(surveys)}")
        ddci = load_ddci(settings.ddci, surveys) if settings.ddci else None
        businesses = surveys.get(centre.instruments.businesses)
        kind = kind_of(options.kind, surveys[survey], businesses, ddci)
        book = read_workbook(_content(options))
        sheet = chosen_sheet(book, kind, options.sheet)
        if options.sheet not in ("", sheet.name):
            names = ", ".join(one.name for one in book.sheets)
            raise SheetError("no_sheet", name=options.sheet, names=names)
        columns = desk.columns(sheet, kind)
        if options.since and options.until:
            columns = replace(columns, span=(options.since, options.until))
        if options.day and "day" not in columns.columns:
            columns = replace(columns, day=options.day)
        taken, reading = desk.read(sheet, kind, columns)
        _tell(sheet, reading, language)
        bad = len(reading.problems) + reading.more_problems
        _say(language, "desk.checked", n=taken.rows, bad=bad)
        if options.check or (options.strict and bad):
            return 1 if bad else 0
        name = name_of(options.batch) or suggested_name(
            options.file.name, sheet_name(book, sheet), store.batches.newest(), kind
        )
        alike = () if options.apart else desk.alike(taken, kind, name)
        if alike:
            raise SheetError("alike", name=alike[0].name)
        of = kind.survey.id if kind.survey else None
        about = (options.file.name[:120], book.hash, taken.rows, now, COMMAND_LINE)
        more = (sheet_name(book, sheet), taken.sketch)
        try:
            change = desk.take(NewBatch(name, kind.name, of, *about, *more), taken)
        except BatchChangedError as error:
            raise SheetError("changed_meanwhile") from error
        store.roll_up(surveys.values())
    key = "desk.taken" if change.added or change.gone else "desk.unchanged"
    _say(language, key, **vars(change))
    return 1 if bad else 0


def _content(options: argparse.Namespace) -> bytes:
    try:
        with options.file.open("rb") as file:
            data: bytes = file.read(LARGEST + 1)
    except OSError as error:
        raise FileError(f"{options.file}: {error.strerror}") from error
    return data


def _tell(sheet: Sheet, reading: Reading, language: Language) -> None:
    """Print notes and problems to standard error."""
    for key, values in sheet.notes:
        print(MESSAGES.get(language, f"desk.note_{key}", **values), file=sys.stderr)
    for problem in reading.problems:
        print(problem.text(MESSAGES, language), file=sys.stderr)
    for key, rows in (("headings", reading.headings), ("left_out", reading.left_out)):
        if rows.n:
            numbers = ", ".join(map(str, rows.first))
            print(
                MESSAGES.get(language, f"desk.note_{key}", n=rows.n, rows=numbers), file=sys.stderr
            )
    if reading.more_problems:
        more = MESSAGES.get(language, "desk.more", n=reading.more_problems)
        print(more, file=sys.stderr)


def _say(language: Language, key: str, **values: object) -> None:
    print(MESSAGES.get(language, key, **values))
