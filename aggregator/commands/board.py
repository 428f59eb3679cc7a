"""The command that makes the figures of the public board."""

import argparse
from datetime import UTC, datetime

from aggregator.commands import settings_of
from aggregator.commands.store import opened
from aggregator.figures.release import release
from aggregator.organisation.current import centre_in_force
from aggregator.wording.messages import MESSAGES
from surveys.definition import load_instruments


def run_publish(options: argparse.Namespace) -> int:
    """Freeze the months that are over, and decide what of them may be published."""
    settings, now = settings_of(options), datetime.now(UTC)
    files = load_instruments(settings.surveys)
    with opened(settings) as store:
        centre = centre_in_force(store.centres, settings.centre, files)
        survey = centre.instruments_with(files)[centre.instruments.rating]
        release(store, survey, centre, now)
        months = store.ledger.months(survey.id)
    until = str(months[-1].until) if months else "–"
    print(MESSAGES.get(options.lang, "cli.published", n=len(months), until=until))
    if not centre.board.enabled:
        print(MESSAGES.get(options.lang, "cli.board_off"))
    return 0
