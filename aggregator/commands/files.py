"""Commands that read files into the database, and ``rebuild``, which makes all tallies anew."""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from aggregator.commands import progress, settings_of, tell, tell_problems
from aggregator.commands.store import opened
from aggregator.figures.layouts import layouts_ahead
from aggregator.intake.handling import read_dossiers, read_facts
from aggregator.intake.importing import import_file
from aggregator.intake.ingest import Ingest, rebuild
from aggregator.intake.transactions import read_transactions
from aggregator.organisation.current import centre_in_force
from aggregator.storage.audit import COMMAND_LINE, entry
from aggregator.wording.messages import MESSAGES
from surveys.definition import load_instruments, load_survey
from surveys.messages import Language


def run_import(options: argparse.Namespace) -> int:
    settings, language = settings_of(options), options.lang
    files = load_instruments(settings.surveys)
    with opened(settings) as store, progress() as advance:
        centre = centre_in_force(store.centres, settings.centre, files)
        surveys = centre.instruments_with(files)
        store.definitions.check(surveys)
        ingest = Ingest(store, files, centre)
        outcome = import_file(options.file, ingest, language, advance)
        store.roll_up(surveys.values(), layouts_ahead(centre))
    tell_problems(outcome.problems, language)
    print(outcome.summary())
    return 1 if outcome.problems else 0


def run_rebuild(options: argparse.Namespace) -> int:
    settings = settings_of(options)
    files = load_instruments(settings.surveys)
    with opened(settings) as store, progress() as advance:
        centre = centre_in_force(store.centres, settings.centre, files)
        surveys = centre.instruments_with(files)
        store.definitions.check(surveys)
        counted, altered = rebuild(store, advance)
        store.roll_up(surveys.values(), layouts_ahead(centre))
    tell(options, counted)
    if altered:
        print(MESSAGES.get(options.lang, "verify.altered", n=altered), file=sys.stderr)
    return 1 if altered else 0


def run_define(options: argparse.Namespace) -> int:
    survey = load_survey(options.file)
    with opened(settings_of(options)) as store:
        n, fingerprint = store.definitions.adopt([survey]), survey.fingerprint
        if n:
            about = {"survey": survey.id, "fingerprint": fingerprint}
            store.audit.add(entry(datetime.now(UTC), COMMAND_LINE, "survey.defined", n=n, **about))
        print(MESSAGES.get(options.lang, "definition.defined", n=n, fingerprint=fingerprint))
        store.definitions.refuse_undefined()
    return 0


def run_transactions(options: argparse.Namespace) -> int:
    settings, language = settings_of(options), options.lang
    with opened(settings) as store:
        centre = centre_in_force(store.centres, settings.centre, load_instruments(settings.surveys))
        rows, problems = read_transactions(options.file, centre, language)
        store.put_transactions(rows)
    return _settled(len(rows), problems, language)


def run_dossiers(options: argparse.Namespace) -> int:
    settings = settings_of(options)
    with opened(settings) as store:
        centre = centre_in_force(store.centres, settings.centre, load_instruments(settings.surveys))
        today = centre.local_day(datetime.now(UTC))
        cells, taken, problems = read_dossiers(options.file, centre, today, options.lang)
        store.handling.set_dossiers(cells)
    return _settled(taken, problems, options.lang)


def run_facts(options: argparse.Namespace) -> int:
    settings = settings_of(options)
    with opened(settings) as store:
        centre = centre_in_force(store.centres, settings.centre, load_instruments(settings.surveys))
        today = centre.local_day(datetime.now(UTC))
        cells, problems = read_facts(options.file, centre, today, options.lang)
        store.handling.set_facts(cells)
    return _settled(len(cells), problems, options.lang)


def _settled(taken: int, problems: Sequence[tuple[int, str]], language: Language) -> int:
    tell_problems(problems, language)
    print(f"accepted {taken}, refused {len(problems)}")
    return 1 if problems else 0
