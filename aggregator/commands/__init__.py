"""What ``python -m aggregator`` can do, a module a subject, each imported when it is asked for."""

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
    """Raises MessageError where the database lacks this version's schema.

    A SQLite file that is not there is not made: that is for ``migrate`` alone.
    """
    if is_missing(engine) or not is_current(engine):
        raise MessageError("cli.not_ready")


@contextmanager
def progress() -> Iterator[Advance]:
    """Submissions done, on standard error when it is a terminal; yields what counts them."""
    if not sys.stderr.isatty():
        yield lambda steps: None
        return
    from rich.console import Console  # not needed where nobody looks
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as shown:
        task = shown.add_task("", total=None)
        yield lambda steps: shown.advance(task, steps)


def tell(options: argparse.Namespace, n: int) -> None:
    """How many it were, on standard error: standard output may be the export itself."""
    print(MESSAGES.get(options.lang, "cli.done", n=n), file=sys.stderr)


def report(problems: Sequence[tuple[int, str]], language: Language) -> None:
    for line, reason in problems:
        text = MESSAGES.get(language, "cli.line", line=line, reason=reason)
        print(text, file=sys.stderr)
