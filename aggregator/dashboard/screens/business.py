"""What businesses say, statement by statement beside the province's PCI; never called PCI."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from aggregator.dashboard.context import Context, context_of
from aggregator.dashboard.explanations import Explained
from aggregator.dashboard.pages import render
from aggregator.dashboard.screens.business_explained import explain_business
from aggregator.dashboard.screens.view import View, read_view
from aggregator.dashboard.sign_in import signed_in
from aggregator.figures.figures import figure_rows
from aggregator.figures.rows import FigureRow
from aggregator.indices.discrepancies import Check, check, written
from aggregator.indices.pci import Bounds, business_feedback, feedback_composite
from aggregator.intake.bounds import read_bounds
from aggregator.intake.files import FileError
from aggregator.statistics.shares import SHARE_COLUMNS
from aggregator.wording.charts import Axis
from surveys.definition import Survey
from surveys.messages import Language
from surveys.published import Published
from web import language_of


@signed_in
async def business(request: Request) -> Response:
    """Each statement of a period beside the published figure; scores where bounds are known."""
    context = context_of(request)
    view = read_view(request, survey=context.centre.instruments.businesses, kind="quarter")
    language = language_of(request, negotiate=False)
    figures = await run_in_threadpool(_figures, context, view, language)

    def explain(explained: Explained) -> None:
        explained.rows(view.survey, figures["rows"])
        explained.published(view.survey.all_questions())
        explain_business(explained, figures)

    return render(request, "business", figures, explain=explain)


def _figures(context: Context, view: View, language: Language) -> dict[str, Any]:
    survey, tables = view.survey, context.published
    rows = figure_rows(context.store, survey, context.centre, view.selection(), "question")
    bounds, errors = _bounds(context, survey, language)
    pci = tables.pci if tables else None
    counts = {row.key: row.counts for row in rows}
    factors = business_feedback(survey, _shares(rows), counts, pci, bounds)
    beside = [one for factor in factors for one in factor.statements if one.direction]
    return {
        "view": view,
        "survey": survey,
        "surveys": {survey.id: survey},
        "total": None,
        "comparable": [],
        "rows": rows,
        "most_answers": max((row.n for row in rows), default=0),
        "factors": factors,
        "sides": Counter(one.direction for one in beside),
        "compared": len(beside),
        "few": sum(one.n < context.centre.minimum_ratings for one in beside),
        "axis": Axis(0.0),
        "pci": pci,
        "source": tables.source if tables else None,
        "years": sorted(pci.total.score) if pci else [],
        "composites": _composites(tables) if tables else {},
        "written": written,
        "bounds": bounds,
        "errors": errors,
        "composite": feedback_composite(factors),
        "sources": {q.published.year: q.published.source for q in survey.measured if q.published},
    }


def _shares(rows: Sequence[FigureRow]) -> pd.DataFrame:
    """The one share of each question that has a scale, as business_feedback takes them."""
    found = [
        (row.key, name, m.k, m.n, m.share, m.low, m.high, m.method)
        for row in rows
        for name, m in row.measures.items()
    ]
    return pd.DataFrame(found, columns=list(SHARE_COLUMNS))


def _composites(tables: Published) -> Mapping[str, Check]:
    """PCI by year, as printed and recomputed from its sub-indices."""
    start = "pci_total."
    claims = {
        one.id.removeprefix(start): one for one in tables.claims() if one.id.startswith(start)
    }
    return {year: check(claim) for year, claim in claims.items() if year.isdigit()}


def _bounds(
    context: Context, survey: Survey, language: Language
) -> tuple[Mapping[str, Bounds], list[tuple[int, str]]]:
    """The lowest and highest province by statement from the file that the tables name."""
    name = context.published.pci.bounds if context.published else None
    if name is None:
        return {}, []
    path: Path = context.settings.centre.parent / name
    try:
        return read_bounds(path, survey, language)
    except FileError as error:
        return {}, [(0, str(error))]
