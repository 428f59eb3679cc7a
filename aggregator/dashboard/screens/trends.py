"""A share over time: control chart, and this week, month and quarter against earlier ones."""

from typing import Any

import pandas as pd
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from aggregator.dashboard.context import Context, context_of
from aggregator.dashboard.explanations import Explained, Explanation
from aggregator.dashboard.pages import render
from aggregator.dashboard.screens.view import View, held, read_view
from aggregator.dashboard.sign_in import signed_in
from aggregator.figures.trends import LENGTHS, Change, Grain, buckets, changed, trend
from aggregator.statistics import control_chart
from aggregator.wording import numbers
from aggregator.wording.charts import Axis, Timeline

GRAINS: tuple[Grain, ...] = ("week", "day", "month", "quarter")


@signed_in
async def trends(request: Request) -> Response:
    """The trend of one measure for the centre or one department."""
    context = context_of(request)
    departments = ("", *context.centre.department)
    choices = {"grain": GRAINS, "department": departments}
    view = read_view(request, kind="day", choices=choices)
    figures = await run_in_threadpool(_figures, context, view)

    def explain(explained: Explained) -> None:
        for point in figures["dots"]:
            _explain_point(explained, point, figures)
        for number, change in enumerate(figures["changes"]):
            _explain_change(explained, f"change.{number}", change, figures)

    return render(request, "trends", figures, explain=explain)


def _figures(context: Context, view: View) -> dict[str, Any]:
    survey, centre = view.survey, context.centre
    measure = (chosen := held(view, centre)).measure
    grain: Grain = next(one for one in GRAINS if one == view.choices["grain"])
    until = min(view.period.until, context.today)
    found: dict[str, Any] = {
        "view": view,
        "survey": survey,
        "until": until,
        "measures": chosen.measures,
        "measure": measure,
        "grain": grain,
        "grains": GRAINS,
        "place": centre.department.get(view.choices["department"]),
        "breaks": [one for one in centre.series_breaks if one.survey == survey.id],
        "dots": [],
        "changes": [],
    }
    if measure is None:
        return found
    selection = view.selection(view.choices["department"] or None)
    parts = buckets(grain, until, LENGTHS[grain])
    series = trend(context.store, survey, centre, selection, measure, grain, parts)
    # A centre that is new has no line of empty weeks before its first answer.
    begun = next((place for place, n in enumerate(series["n"]) if n), 0)
    series, parts = series[begun:].reset_index(drop=True), parts[begun:]
    charted = control_chart(series[["key", "k", "n", "break_before"]])
    for name in ("series", "centre", "lower", "upper", "signal"):
        series[name] = charted[name].to_numpy()
    series["part"] = pd.Series(parts, dtype=object)
    points = [{str(name): one[name] for name in one} for one in series.to_dict("records")]
    axis = Axis.around([*series["lower"].dropna(), *series["share"].dropna()])
    return found | {
        "dots": points,
        "answers": int(series["n"].sum()),
        "axis": axis,
        "timeline": Timeline(axis, points),
        "changes": changed(context.store, survey, centre, selection, measure, until),
    }


def _explain_point(explained: Explained, point: dict[str, Any], figures: dict[str, Any]) -> None:
    if not point["n"]:
        return
    survey, language = figures["survey"], explained.language
    limits = " – ".join(numbers.percent(point[name], language) for name in ("lower", "upper"))
    explained[f"point.{point['key']}"] = Explanation(
        explained.period(point["part"]),
        point["share"],
        "share",
        explained.measure(survey, survey.measured[0], figures["measure"]),
        round(point["k"]),
        round(point["n"]),
        point["low"],
        point["high"],
        (point["method"], "p_chart"),
        (
            (explained.say("trends.limits"), limits),
            (explained.say("trends.middle"), numbers.percent(point["centre"], language)),
        ),
    )


def _explain_change(
    explained: Explained, name: str, change: Change, figures: dict[str, Any]
) -> None:
    survey = figures["survey"]
    definition = explained.measure(survey, survey.measured[0], figures["measure"])
    for when, period, figure in (
        ("now", change.now, change.now_figure),
        ("then", change.then, change.then_figure),
    ):
        explained[f"{name}.{when}"] = Explanation(
            explained.period(period),
            figure.share,
            "share",
            definition,
            figure.k,
            figure.n,
            figure.low,
            figure.high,
            (figure.method,),
        )
    facts = (
        ("trends.now", numbers.percent(change.now_figure.share, explained.language)),
        ("trends.then", numbers.percent(change.then_figure.share, explained.language)),
        ("how.p", numbers.p_value(change.p, explained.language)),
        ("how.p_holm", numbers.p_value(change.p_adjusted, explained.language)),
        ("how.p_bh", numbers.p_value(change.p_bh, explained.language)),
    )
    explained[name] = Explanation(
        f"{explained.period(change.now)} / {explained.period(change.then)}",
        change.difference,
        "points",
        explained.say("trends.difference_how"),
        change.now_figure.k,
        change.now_figure.n,
        change.low,
        change.high,
        ("newcombe", change.test, "holm"),
        tuple((explained.say(label), text) for label, text in facts),
    )
