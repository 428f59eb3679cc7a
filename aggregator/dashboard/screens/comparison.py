"""All departments against a chosen published figure, and what stands when n is small."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from aggregator.dashboard.context import Context, context_of
from aggregator.dashboard.explanations import Explained, Explanation
from aggregator.dashboard.pages import render
from aggregator.dashboard.screens.view import View, held, modes_taken, read_view
from aggregator.dashboard.sign_in import signed_in
from aggregator.figures.figures import figure_rows
from aggregator.figures.rows import FigureRow
from aggregator.statistics import Standardised, direct_standardised, shrunk_ranking
from aggregator.wording import numbers
from aggregator.wording.charts import Axis


@signed_in
async def comparison(request: Request) -> Response:
    """Departments by their distance from a reference, their ranking, the standardised figure."""
    context, view = context_of(request), read_view(request, kind="month")
    figures = await run_in_threadpool(_figures, context, view)

    def explain(explained: Explained) -> None:
        rows: Sequence[FigureRow] = figures["rows"]
        explained.rows(view.survey, rows)
        explained.references(context.centre.references)
        _explain_ranking(explained, figures)
        _explain_standardised(explained, figures)

    return render(request, "comparison", figures, explain=explain)


def _figures(context: Context, view: View) -> dict[str, Any]:
    survey, centre, store = view.survey, context.centre, context.store
    measure, reference = (chosen := held(view, centre)).measure, chosen.reference
    found: dict[str, Any] = {
        "view": view,
        "own_modes": modes_taken(store, view),
        "survey": survey,
        "measures": chosen.measures,
        "measure": measure,
        "comparable": chosen.comparable,
        "reference": reference,
        "refused": chosen.refused,
        "total": None,
        "rows": [],
        "ranking": [],
        "standardised": None,
    }
    if measure is None:
        return found
    [total] = figure_rows(store, survey, centre, view.selection(), "centre")
    parts = figure_rows(store, survey, centre, view.selection(), "department")
    rated = sorted((row for row in parts if row.n), key=lambda row: _share(row, measure))
    rows = [total, *rated]
    differences = [
        bound
        for row in rows
        for one in row.comparisons
        if one.reference is reference
        for bound in (one.low, one.high)
        if bound is not None
    ]
    return found | {
        "total": total,
        "parts": rated,
        "silent": [row for row in parts if not row.n],
        "rows": rows,
        "differences": Differences.around(differences),
        "axis": Axis.around([row.measures[measure].low for row in rows]),
        "ranking": _ranking(rated, measure),
        "standardised": _standardised(context, view, parts, measure),
    }


class Differences:
    """The axis of a chart of differences, zero in the middle. Positions are % of the width."""

    def __init__(self, reach: float) -> None:
        self.reach = reach

    @classmethod
    def around(cls, values: Sequence[float]) -> "Differences":
        """As far as the values reach, at least five points, in steps of five."""
        furthest = max((abs(value) for value in values), default=0.0)
        return cls(max(1, -int(-furthest // 0.05)) * 0.05)

    def x(self, value: float) -> str:
        return f"{50 + 48 * min(1.0, max(-1.0, value / self.reach)):.2f}%"

    @property
    def ticks(self) -> tuple[float, ...]:
        return (-self.reach, 0.0, self.reach)


def _share(row: FigureRow, measure: str) -> float:
    return row.measures[measure].share or 0.0


def _effective(rows: Sequence[FigureRow], measure: str) -> pd.DataFrame:
    """k and n by department; of a pooled share those of as many independent answers."""
    found = [row.measures[measure] for row in rows]
    n = [one.n_effective for one in found]
    k = [(one.share or 0) * size for one, size in zip(found, n, strict=True)]
    return pd.DataFrame({"key": [row.key for row in rows], "k": k, "n": n})


def _ranking(rows: Sequence[FigureRow], measure: str) -> list[dict[str, Any]]:
    if len(rows) < 3:  # two departments tell nothing of how departments differ
        return []
    labels = {row.key: row for row in rows}
    ranked = shrunk_ranking(_effective(rows, measure))
    ranked["row"] = ranked["key"].map(labels)
    return [{str(name): value for name, value in one.items()} for one in ranked.to_dict("records")]


def _standardised(
    context: Context, view: View, parts: Sequence[FigureRow], measure: str
) -> Standardised | None:
    """The centre's share, had each department the weight of its dossiers; None without them."""
    dossiers = context.store.transactions(view.period.since, view.period.until)
    dossiers = dossiers[dossiers["department"].isin([row.key for row in parts])]
    sums = dossiers.groupby("department")["dossiers"].sum()
    weights = {str(department): float(n) for department, n in sums.items()}
    if not any(weights.get(row.key) for row in parts if row.n):
        return None
    return direct_standardised(_effective(parts, measure), weights)


def _explain_ranking(explained: Explained, figures: Mapping[str, Any]) -> None:
    for one in figures["ranking"]:
        row: FigureRow = one["row"]
        place = row.label.get(explained.language)
        raw = row.measures[figures["measure"]]
        ranks = f"{one['rank_low']} – {one['rank_high']}"
        explained[f"{row.key}.shrunk"] = Explanation(
            f"{place} · {explained.say('comparison.shrunk')}",
            one["shrunk"],
            "share",
            explained.say("comparison.shrunk_how"),
            raw.k,
            raw.n,
            one["low"],
            one["high"],
            ("shrunk",),
            ((explained.say("comparison.raw"), numbers.percent(raw.share, explained.language)),),
        )
        explained[f"{row.key}.rank"] = Explanation(
            f"{place} · {explained.say('comparison.rank')}",
            one["rank"],
            "count",
            explained.say("comparison.rank_how"),
            raw.k,
            raw.n,
            methods=("shrunk",),
            facts=((explained.say("comparison.rank_interval"), ranks),),
        )


def _explain_standardised(explained: Explained, figures: Mapping[str, Any]) -> None:
    found: Standardised | None = figures["standardised"]
    if found is None:
        return
    covered = numbers.percent(found.covered, explained.language)
    explained["standardised"] = Explanation(
        explained.say("comparison.standardised"),
        found.share,
        "share",
        explained.say("comparison.standardised_how"),
        figures["total"].measures[figures["measure"]].k,
        figures["total"].measures[figures["measure"]].n,
        found.low,
        found.high,
        (found.method,),
        ((explained.say("comparison.covered"), covered),),
    )
