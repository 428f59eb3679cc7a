"""The command that prints ballots, and makes their batch where there is none of its name."""

import argparse
from datetime import UTC, datetime

from aggregator.commands import settings_of
from aggregator.commands.report import write_file
from aggregator.commands.store import opened
from aggregator.documents.ballots import Sheets, render
from aggregator.intake.ballots.entering import BallotDesk
from aggregator.intake.ballots.serials import BallotError
from aggregator.intake.desk.taking import name_of
from aggregator.intake.files import FileError
from aggregator.intake.ingest import Ingest
from aggregator.organisation.current import centre_in_force
from aggregator.storage.audit import entry
from aggregator.storage.ballots import Held
from aggregator.wording.messages import MESSAGES
from surveys.definition import Survey, load_instruments


def run_ballots(options: argparse.Namespace) -> int:
    """Write ballots of a batch as PDF, as a whole file or none."""
    settings, language, now = settings_of(options), options.lang, datetime.now(UTC)
    files = load_instruments(settings.surveys)
    with opened(settings) as store:
        centre = centre_in_force(store.centres, settings.centre, files)
        surveys = centre.instruments_with(files)
        store.definitions.check(surveys)
        desk = BallotDesk(store, Ingest(store, files, centre), centre, language, now)
        held = store.ballots.named(name_of(options.batch))
        if held is None:
            survey = surveys.get(options.survey or centre.instruments.rating)
            if survey is None:
                raise FileError(f"--survey: {options.survey}: {', '.join(surveys)}")
            held = _made(desk, options, survey)
        elif options.count is not None:
            raise BallotError("same_name", name=held.batch.name)
        batch = held.batch
        first, last = options.first or 1, options.last or batch.printed
        if not 1 <= first <= last <= batch.printed:
            raise BallotError("serial_beyond", printed=batch.printed)
        if held.withdrawn:
            raise BallotError("withdrawn")
        sheets = Sheets(options.paper, options.bilingual, options.faces)
        serials = range(first, last + 1)
        content = render(
            batch,
            desk.definition(batch),
            desk.fields(batch),
            centre,
            serials,
            sheets,
            demo=settings.demo,
        )
        about = {"name": batch.name, "first": first, "last": last}
        store.audit.add(entry(now, options.actor, "batch.ballots_printed", **about))
    write_file(options.file, content)
    print(MESSAGES.get(language, "report.file_written", file=options.file))
    return 0


def _made(desk: BallotDesk, options: argparse.Namespace, survey: Survey) -> Held:
    day = options.day or desk.centre.local_day(desk.now)
    where = (options.place, day, options.count or 0)
    number = desk.make(options.batch, survey, *where, options.actor)
    held = desk.store.ballots.numbered(number)
    assert held is not None  # noqa: S101 - just made
    return held
