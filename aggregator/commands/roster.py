"""Commands on the roster, and the list of officials that is made of it."""

import argparse
from datetime import UTC, datetime

from aggregator.commands import settings_of, tell_problems
from aggregator.commands.report import period_asked, write_document
from aggregator.commands.store import opened
from aggregator.intake.files import FileError
from aggregator.intake.roster import RosterError, read_roster, told
from aggregator.organisation.current import centre_in_force
from aggregator.storage.audit import COMMAND_LINE, entry
from aggregator.storage.roster import Overlap
from aggregator.wording.messages import MESSAGES
from surveys.definition import load_instruments


def run_roster(options: argparse.Namespace) -> int:
    """Take a file of shifts as a whole, or print its lines at fault and take nothing."""
    from aggregator.figures.attitude import join

    settings, now, file = settings_of(options), datetime.now(UTC), options.file
    try:
        data = file.read_bytes()
    except OSError as error:
        raise FileError(f"{file}: {error.strerror}") from error
    files = load_instruments(settings.surveys)
    with opened(settings) as store:
        centre = centre_in_force(store.centres, settings.centre, files)
        try:
            today = centre.local_day(now)
            lines = read_roster(data, str(file), centre, today, options.lang)
            event = "roster.imported"
            added, removed = store.roster.put(
                lines,
                lambda added, removed: entry(
                    now, COMMAND_LINE, event, file=file.name, added=added, removed=removed
                ),
            )
        except RosterError as error:
            tell_problems(error.problems, options.lang)
            return 1
        except Overlap as error:
            tell_problems([told(error, lines, options.lang)], options.lang)
            return 1
        if lines:
            days = {one.day for one in lines}
            join(store, centre.instruments_with(files), centre, days)
    taken = {"n": len(lines), "added": added, "removed": removed}
    print(MESSAGES.get(options.lang, "roster.taken", **taken))
    return 0


def run_attitude(options: argparse.Namespace) -> int:
    """Write the list of a quarter to a file, as a whole file or none."""
    from aggregator.documents.reports.attitude import build_attitude

    settings = settings_of(options)
    files, now = load_instruments(settings.surveys), datetime.now(UTC)
    with opened(settings) as store:
        centre = centre_in_force(store.centres, settings.centre, files)
        period = period_asked(options, "quarter", centre.local_day(now))
        told_of = {"period": period.code, "format": options.format or options.file.suffix[1:]}
        store.audit.add(entry(now, options.actor, "attitude.exported", **told_of))
        surveys = centre.instruments_with(files)
        made = build_attitude(store, surveys, centre, period, options.lang, now, demo=settings.demo)
    write_document(options, made)
    return 0
