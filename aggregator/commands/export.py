"""The command that writes submissions to a file."""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Row

from aggregator.commands import Advance, progress, tell
from aggregator.commands.store import opened
from aggregator.files import FileError, csv_lines
from aggregator.settings import Settings
from surveys.centre import load_definitions


def run_export(options: argparse.Namespace) -> int:
    settings = Settings.from_env()
    centre, surveys = load_definitions(settings.centre)
    with opened(settings) as store, progress() as advance:
        counter = Counter[str]()
        rows = _counted(store.submissions(None, None), counter, advance)
        lines = csv_lines(rows, surveys, centre)
        if str(options.file) == "-":
            sys.stdout.writelines(lines)
            return 0
        # Written beside and moved, so that a broken export never looks like a whole one.
        part = options.file.with_name(options.file.name + ".part")
        try:
            with part.open("w", encoding="utf-8", newline="") as file:
                file.writelines(lines)
            part.replace(options.file)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise FileError(f"{options.file}: {error.strerror}") from error
    tell(options, counter["rows"])
    return 0


def _counted(
    rows: Iterator[Row[Any]], counter: Counter[str], advance: Advance
) -> Iterator[Row[Any]]:
    for row in rows:
        counter["rows"] += 1
        advance(1)
        yield row
