"""The commands of ``python -m aggregator``: one module a subject, imported when called."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Engine

from aggregator.organisation.province import load_province
from aggregator.settings import Settings
from aggregator.storage.database import is_missing
from aggregator.storage.migrations import is_current
from aggregator.storage.submissions import Advance
from aggregator.wording.messages import MESSAGES
from surveys.messages import Language, MessageError


def settings_of(options: argparse.Namespace) -> Settings:
    """The settings of the one centre that a command is for: ``--at ID`` names it in a province.

    Raises pydantic.ValidationError, DefinitionError and MessageError.
    """
    if is_of_province(options):
        raise MessageError("cli.at_needed")
    return own_settings_of(options)


def is_of_province(options: argparse.Namespace) -> bool:
    """Whether there is a province, and no centre of it is named."""
    return options.at is None and Settings.from_env().province is not None


def own_settings_of(options: argparse.Namespace) -> Settings:
    """As settings_of, but those of the province itself where no centre is named."""
    settings = Settings.from_env()
    if settings.province is None:
        if options.at is not None:
            raise MessageError("cli.no_province")
        return settings
    province = load_province(settings)
    if options.at is None:
        return province.settings
    if options.at not in province.centres:
        raise MessageError("cli.unknown_centre", id=options.at, known=", ".join(province.centres))
    return province.centres[options.at]


def require_current(engine: Engine) -> None:
    """Raise MessageError where the database lacks this version's schema.

    A missing SQLite file is not created here: only ``migrate`` creates it.
    """
    if is_missing(engine) or not is_current(engine):
        raise MessageError("cli.not_ready")


@contextmanager
def progress() -> Iterator[Advance]:
    """Show how many submissions are done, where standard error is a terminal.

    Yields a function to call with the number of further ones.
    """
    if not sys.stderr.isatty():
        yield lambda steps: None
        return
    from rich.console import Console  # slow to import, so only where it is used
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as shown:
        task = shown.add_task("", total=None)
        yield lambda steps: shown.advance(task, steps)


def tell(options: argparse.Namespace, n: int) -> None:
    """Print how many it were to standard error: standard output may be the export itself."""
    print(MESSAGES.get(options.lang, "cli.done", n=n), file=sys.stderr)


def tell_problems(problems: Sequence[tuple[int, str]], language: Language) -> None:
    """Print the lines of a file that were refused, by number, each with the reason."""
    for line, reason in problems:
        text = MESSAGES.get(language, "cli.line", line=line, reason=reason)
        print(text, file=sys.stderr)
