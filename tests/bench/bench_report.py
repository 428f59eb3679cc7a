"""A quarterly report from the command line, with two years of a large centre behind it."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from aggregator.wording.periods import period_of
from tests.bench.load import median
from tests.bench.report import Row
from tests.bench.servers import ROOT, environment_of, measured
from tests.bench.years import TODAY, two_years

ROUNDS = 3
GOALS = {"pdf": 5.0}  # seconds


def rows() -> Iterator[Row]:
    large = two_years()
    environment = environment_of(large.var, 0, large.centre)
    quarter = period_of("quarter", TODAY).before
    with tempfile.TemporaryDirectory(dir=ROOT / "var") as folder:
        for form in ("pdf", "docx", "xlsx"):
            file = Path(folder) / f"out.{form}"
            words = ("report", "quarter", str(file), "--date", str(quarter.since))
            runs = [measured(environment, "aggregator", *words) for _ in range(ROUNDS)]
            seconds, size = (median(values) for values in zip(*runs, strict=True))
            yield Row(f"quarterly report as {form.upper()}", seconds, "s", GOALS.get(form), "max")
            yield Row("… at its peak resident", size, "MB")
