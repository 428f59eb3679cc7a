"""The data desk as a command: one table taken as a batch, or a batch withdrawn."""

import argparse
import sys
from dataclasses import replace
from datetime import UTC, datetime

from aggregator.commands import settings_of
from aggregator.commands.store import opened
from aggregator.intake.desk.kinds import kind_of
from aggregator.intake.desk.reading import Reading
from aggregator.intake.desk.sheets import LARGEST, Sheet, SheetError, read_sheet
from aggregator.intake.desk.taking import Desk, file_hash, name_of, suggested_name
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
        kind = kind_of(options.kind, surveys[survey])
        data = _content(options)
        sheet = read_sheet(data)
        columns = desk.columns(sheet, kind)
        if options.since and options.until:
            columns = replace(columns, span=(options.since, options.until))
        taken, reading = desk.read(sheet, kind, columns)
        _tell(sheet, reading, language)
        bad = len(reading.problems) + reading.more_problems
        _say(language, "desk.checked", n=taken.rows, bad=bad)
        if options.check or (options.strict and bad):
            return 1 if bad else 0
        name = name_of(options.batch) or suggested_name(
            options.file.name, store.batches.newest(), kind
        )
        of = kind.survey.id if kind.survey else None
        about = (options.file.name[:120], file_hash(data), taken.rows, now, COMMAND_LINE)
        try:
            change = desk.take(NewBatch(name, kind.name, of, *about), taken)
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
    if reading.more_problems:
        more = MESSAGES.get(language, "desk.more", n=reading.more_problems)
        print(more, file=sys.stderr)


def _say(language: Language, key: str, **values: object) -> None:
    print(MESSAGES.get(language, key, **values))
