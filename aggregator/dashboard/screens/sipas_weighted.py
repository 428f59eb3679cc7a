"""SIPAS weighted so that channels or profiles have the mix that the centre file gives."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from aggregator.dashboard.context import Context, context_of
from aggregator.dashboard.explanations import Explained, Explanation
from aggregator.dashboard.pages import render
from aggregator.dashboard.screens.view import View, read_view
from aggregator.dashboard.sign_in import signed_in
from aggregator.figures.figures import figure_rows
from aggregator.figures.respondents import UNTOLD, respondent_cells
from aggregator.statistics import Raked, Unweightable, rake
from aggregator.wording import numbers
from aggregator.wording.channels import CHANNELS
from surveys.centre import Margin
from surveys.definition import Survey, Text


@dataclass(frozen=True)
class Mixed:
    """One level of a margin: its share of the population and of the respondents."""

    name: str
    label: Text
    population: float
    respondents: int
    share: float
    weight: float | None


@signed_in
async def sipas_weighted(request: Request) -> Response:
    """The index before and after weighting, and how far the mix of respondents was off."""
    context = context_of(request)
    view = read_view(request, survey=context.centre.instruments.citizens, kind="quarter")
    figures = await run_in_threadpool(_figures, context, view)

    def explain(explained: Explained) -> None:
        if figures["whole"] is not None:
            explained.rows(view.survey, [figures["whole"]])
            _explain(explained, figures)

    return render(request, "sipas_weighted", figures, explain=explain)


def _figures(context: Context, view: View) -> dict[str, Any]:
    survey, centre, store = view.survey, context.centre, context.store
    margins = [margin for margin in centre.margins if margin.survey == survey.id]
    found: dict[str, Any] = {
        "view": view,
        "survey": survey,
        "surveys": {survey.id: survey},
        "total": None,
        "comparable": [],
        "margins": margins if survey.pooled_measures else [],
        "measures": list(survey.pooled_measures),
        "whole": None,
        "raked": {},
        "mixes": [],
        "told": 0,
        "refused": None,
    }
    if not found["margins"]:
        return found
    [whole] = figure_rows(store, survey, centre, view.selection(), "centre")
    found["whole"] = whole
    if not whole.n:
        return found
    names = [margin.variable for margin in margins]
    cells = respondent_cells(store, survey, view.selection(), names)
    # Who did not say where they belong can't be weighted.
    cells = cells[(cells[names] != UNTOLD).all(axis=1)]
    targets = {margin.variable: margin.shares for margin in margins}
    try:
        raked = {name: rake(part, targets) for name, part in _by_measure(cells, survey)}
    except Unweightable as error:
        return found | {"refused": (error.key, _place(survey, error.variable, error.level))}
    first = next(iter(raked.values()))
    return found | {
        "raked": raked,
        "told": int(first.weights["respondents"].sum()),
        "mixes": [(margin, _mixed(survey, margin, first)) for margin in margins],
    }


def _by_measure(cells: pd.DataFrame, survey: Survey) -> list[tuple[str, pd.DataFrame]]:
    return [(name, cells[cells["measure"] == name]) for name in survey.pooled_measures]


def _mixed(survey: Survey, margin: Margin, raked: Raked) -> list[Mixed]:
    """The levels of a margin; whoever answers how often, each respondent weighs once."""
    people = raked.weights["respondents"]
    total = sum(margin.shares.values())
    rows = []
    for level, share in margin.shares.items():
        here = raked.weights[margin.variable] == level
        number = int(people[here].sum())
        mean = (people * raked.weights["weight"])[here].sum() / number if number else None
        label = _label(survey, margin.variable, level)
        name = f"{margin.variable}.{level}"
        rows.append(Mixed(name, label, share / total, number, number / people.sum(), mean))
    return rows


def _label(survey: Survey, variable: str, level: str) -> Text:
    if variable == "channel":
        return CHANNELS[level]
    scale = survey.scale_of(survey.questions[variable])
    levels = {str(one.code): one for one in scale.levels} if scale else {}
    return levels[level] if level in levels else Text(vi=level, en=level)


def _place(survey: Survey, variable: str, level: str) -> Text | None:
    """Where weighting failed, as a reader knows it."""
    return _label(survey, variable, level) if variable and level else None


def _explain(explained: Explained, figures: Mapping[str, Any]) -> None:
    """``weighted.<measure>[.n|.design_effect]``, ``told``, ``<variable>.<level>.<what>``."""
    for name, found in figures["raked"].items():
        _explain_raked(explained, name, found)
    explained["told"] = Explanation(
        explained.say("sipas_weighted.told"),
        figures["told"],
        "count",
        explained.say("sipas_weighted.told_how"),
    )
    for margin, rows in figures["mixes"]:
        for one in rows:
            _explain_mixed(explained, margin, one, figures["told"])


def _explain_raked(explained: Explained, measure: str, found: Raked) -> None:
    language = explained.language
    effective = numbers.decimal(found.n_effective, language)
    explained[f"weighted.{measure}"] = Explanation(
        f"{explained.say('sipas_weighted.weighted')} · {explained.say(f'measure.{measure}')}",
        found.share,
        "share",
        explained.say("sipas_weighted.weighted_how"),
        n=found.n,
        low=found.low,
        high=found.high,
        methods=(found.method,),
        facts=(
            (explained.say("sipas_weighted.n_effective"), effective),
            (explained.say("how.design_effect"), numbers.decimal(found.design_effect, language, 2)),
            (explained.say("sipas_weighted.rounds"), numbers.integer(found.iterations, language)),
        ),
    )
    for part, value in (("n_effective", found.n_effective), ("design_effect", found.design_effect)):
        explained[f"weighted.{measure}.{part}"] = Explanation(
            explained.say(f"sipas_weighted.{part}"),
            value,
            "score",
            explained.say(f"sipas_weighted.{part}_how"),
            n=found.n,
            methods=(found.method,),
        )


def _explain_mixed(explained: Explained, margin: Margin, one: Mixed, told: int) -> None:
    language = explained.language
    title = one.label.get(language)
    explained[f"{one.name}.population"] = Explanation(
        title,
        one.population,
        "share",
        explained.say("sipas_weighted.population_how"),
        facts=((explained.say("how.population"), margin.population.get(language)),),
        source=margin.source,
        filtered=False,
    )
    explained[f"{one.name}.share"] = Explanation(
        title,
        one.share,
        "share",
        explained.say("sipas_weighted.share_how"),
        one.respondents,
        told,
    )
    if one.weight is not None:
        explained[f"{one.name}.weight"] = Explanation(
            title,
            one.weight,
            "score",
            explained.say("sipas_weighted.weight_how"),
            n=one.respondents,
            methods=("raked",),
        )
