"""The commands of ``python -m aggregator``: one module a subject, imported when called."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Engine

from aggregator.storage.database import is_missing
from aggregator.storage.migrations import is_current
from aggregator.storage.submissions import Advance
from aggregator.wording.messages import MESSAGES
from surveys.messages import Language, MessageError


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


def report(problems: Sequence[tuple[int, str]], language: Language) -> None:
    """Print the lines of a file that were refused, by number, each with the reason."""
    for line, reason in problems:
        text = MESSAGES.get(language, "cli.line", line=line, reason=reason)
        print(text, file=sys.stderr)
