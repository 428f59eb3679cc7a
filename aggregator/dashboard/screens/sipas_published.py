"""What is published of SIPAS: points of PAR INDEX, the target, and the country's series."""

from aggregator.dashboard.explanations import Explained, Explanation
from aggregator.figures.rows import Measure
from aggregator.indices.par_index import Projection, SipasPublished, SipasResult
from aggregator.wording import numbers
from aggregator.wording.charts import Axis, Timeline
from surveys.definition import Text


def series(published: SipasPublished) -> Timeline:
    """The country's index year by year; years of two methods are two series, never one line."""
    known = {
        year: {"year": year, "share": share, "series": number, "n": 1}
        for number, line in enumerate(published.national)
        for year, share in line.shares.items()
    }
    silent = {"share": None, "series": None, "n": 0}
    years = range(min(known), max(known) + 1)
    points = [known.get(year, {"year": year, **silent}) for year in years]
    return Timeline(Axis.around(point["share"] for point in points), points, height=190.0)


def explain_projection(explained: Explained, projected: Projection, found: Measure) -> None:
    """The centre's share as points of PAR INDEX: ``projection``."""
    explained["projection"] = Explanation(
        explained.say("sipas.projection"),
        projected.points,
        "score",
        explained.say("sipas.projection_how", maximum=f"{projected.maximum:g}"),
        found.k,
        found.n,
        projected.low,
        projected.high,
        (projected.method, found.method),
    )


def explain_published(explained: Explained, published: SipasPublished, source: Text) -> None:
    """``result.…`` and ``target.…`` (share, points, rank); ``series.<year>``; ``provinces``."""
    language = explained.language
    _explain_result(explained, "result", published.result, source)
    _explain_result(explained, "target", published.target, source)
    for line in published.national:
        for year, share in line.shares.items():
            explained[f"series.{year}"] = Explanation(
                explained.say("sipas.series_year", year=year),
                share,
                "share",
                explained.say("sipas.series_how"),
                facts=((explained.say("how.population"), line.population.get(language)),),
                source=line.source.get(language),
                text=numbers.percent(share, language, 2),
                filtered=False,
            )
    for year, ends in published.provinces.items():
        [source_of_year] = [line.source for line in published.national if year in line.shares]
        explained[f"provinces.{year}"] = Explanation(
            explained.say("sipas.provinces_title", year=year),
            None,
            "share",
            explained.say("sipas.provinces_how"),
            source=source_of_year.get(language),
            text=" – ".join(numbers.percent(end, language, 2) for end in ends),
            filtered=False,
        )


def _explain_result(explained: Explained, name: str, result: SipasResult, source: Text) -> None:
    language, rank = explained.language, result.rank
    ranks = sorted({rank.best, rank.worst})
    written = {
        "share": numbers.percent(result.share, language, 2),
        "points": numbers.decimal(result.points, language, 2),
        "rank": "–".join(numbers.integer(one, language) for one in ranks),
    }
    for part, text in written.items():
        explained[f"{name}.{part}"] = Explanation(
            f"{explained.say(f'sipas.{name}', year=result.year)} · "
            f"{explained.say(f'sipas.{part}')}",
            None,
            "count",
            explained.say(f"sipas.{name}_{part}_how"),
            source=source.get(language),
            text=text,
            filtered=False,
        )
