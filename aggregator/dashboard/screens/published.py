"""The figures published elsewhere: where they disagree, and how each is defined."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from aggregator.dashboard.context import context_of
from aggregator.dashboard.pages import render
from aggregator.dashboard.permissions import needs
from aggregator.figures.discrepancies import check_figure, verdict_figure
from aggregator.figures.figure import Figure
from aggregator.indices.discrepancies import Check, Verdict, discrepancies, exact_text, formula
from surveys.definition import Text

VERDICTS: tuple[Verdict, ...] = ("exact", "rounding", "truncated", "contradiction")


@dataclass(frozen=True, kw_only=True)
class PublishedPage:
    """Printed statements recomputed from the printed parts; ``source`` is None without any."""

    source: Text | None
    checks: Sequence[Check]

    written = staticmethod(exact_text)
    formula = staticmethod(formula)

    @property
    def disagreeing(self) -> Sequence[Check]:
        return [check for check in self.checks if not check.agrees]

    @property
    def agreeing(self) -> Sequence[Check]:
        return [check for check in self.checks if check.agrees]

    @property
    def verdicts(self) -> Mapping[Verdict, Figure]:
        """How many statements have each verdict."""
        counts = Counter(check.verdict for check in self.checks)
        return {name: verdict_figure(name, counts) for name in VERDICTS}

    def figure(self, check: Check) -> Figure:
        return check_figure(check, self.source)


@needs("figures")
async def published(request: Request) -> Response:
    """Printed statements recomputed from the printed parts, and the references in full."""
    tables = context_of(request).published
    page = PublishedPage(
        source=tables.source if tables else None,
        checks=discrepancies(tables) if tables else [],
    )
    return render(request, "published", page)
