"""Departments ranked by the firms that they serve, where a province has said by what (DDCI)."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from aggregator.dashboard.context import Context, context_of
from aggregator.dashboard.explanations import Explained
from aggregator.dashboard.pages import render
from aggregator.dashboard.screens.ddci_explained import Answers, explain_ddci
from aggregator.dashboard.screens.view import View, read_view
from aggregator.dashboard.sign_in import signed_in
from aggregator.indices.ddci import rank_departments, statement_counts
from aggregator.indices.ddci_definition import Ddci
from aggregator.intake.ddci import read_hard_data
from aggregator.intake.files import FileError
from aggregator.storage.store import Store
from aggregator.wording.charts import Axis
from surveys.definition import Survey
from surveys.messages import Language
from web import language_of

Hard = Mapping[str, Mapping[str, float]]


@signed_in
async def ddci(request: Request) -> Response:
    """Ranks with their intervals, what they are made of, and who has no rank yet."""
    context = context_of(request)
    config = context.ddci
    survey = config.survey if config else context.centre.instruments.businesses
    view = read_view(request, survey=survey, kind="year")
    language = language_of(request, negotiate=False)
    figures = await run_in_threadpool(_figures, context, view, language)

    def explain(explained: Explained) -> None:
        if config is not None:
            explain_ddci(explained, context.centre, view.survey, config, figures)

    return render(request, "ddci", figures, explain=explain)


def _figures(context: Context, view: View, language: Language) -> dict[str, Any]:
    survey, config = view.survey, context.ddci
    found: dict[str, Any] = {
        "view": view,
        "survey": survey,
        "surveys": {survey.id: survey},
        "total": None,
        "comparable": [],
        "config": config,
        "ranking": None,
        "errors": [],
    }
    if config is None:
        return found
    hard, errors = _hard_data(context, config, language)
    counts = _counts(context.store, survey, config, view)
    departments = list(context.centre.department)
    ranking = rank_departments(config, survey, counts, hard, departments)
    return found | {
        "ranking": ranking,
        "answers": _answers(counts),
        "hard": hard,
        "errors": errors,
        "axis": Axis(0.0),
        "component": {one.id: one for one in config.components},
        "column": {one.column: one for one in config.hard},
    }


def _counts(store: Store, survey: Survey, config: Ddci, view: View) -> pd.DataFrame:
    """Favourable and valid answers by department and statement, as rank_departments takes them."""
    parts = [
        statement_counts(
            survey, name, store.counts(replace(view.selection(), questions=(name,)), "department")
        )
        for component in config.components
        for name in component.statements
    ]
    columns = ["department", "question", "k", "n"]
    return pd.concat(parts)[columns] if parts else pd.DataFrame(columns=columns)


def _answers(counts: pd.DataFrame) -> Answers:
    columns = (counts[name].tolist() for name in ("department", "question", "k", "n"))
    return {(place, question): (k, n) for place, question, k, n in zip(*columns, strict=True)}


def _hard_data(
    context: Context, config: Ddci, language: Language
) -> tuple[Hard, list[tuple[int, str]]]:
    """The records' numbers from the file that the configuration names, read anew each time."""
    if config.hard_data is None or context.settings.ddci is None:
        return {}, []
    path: Path = context.settings.ddci.parent / config.hard_data
    try:
        return read_hard_data(path, config, list(context.centre.department), language)
    except FileError as error:
        return {}, [(0, str(error))]
