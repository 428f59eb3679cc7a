"""How the figures of the business page were computed."""

from collections.abc import Mapping
from typing import Any

from aggregator.dashboard.explanations import Explained, Explanation
from aggregator.indices.discrepancies import Check, formula, written
from aggregator.indices.pci import FactorFeedback, StatementFeedback
from aggregator.indices.scores import Interval
from aggregator.wording import numbers
from surveys.definition import Text


def explain_business(explained: Explained, figures: Mapping[str, Any]) -> None:
    """``<question>.median|difference|score``, ``<factor>.score|weight|<year>``, ``pci.<year>.…``.

    Shares and published figures of the statements are those of every page.
    """
    for name in ("better", "worse", "equal"):
        explained[f"side.{name}"] = Explanation(
            explained.say(f"business_page.{name}"),
            figures["sides"][name],
            "count",
            explained.say("business_page.sides_how"),
        )
    if figures["most_answers"]:
        explained["most"] = Explanation(
            explained.say("card.least"),
            figures["most_answers"],
            "count",
            explained.say("card.least_how"),
        )
    for factor in figures["factors"]:
        for one in factor.statements:
            _explain_statement(explained, one)
        _explain_factor(explained, factor, figures["source"])
    if figures["composite"]:
        title = explained.say("business_page.composite")
        explained["composite"] = _scored(
            explained, title, figures["composite"], "pci_composite", "min_max"
        )
    if figures["pci"]:
        for year, check in figures["composites"].items():
            _explain_composite(explained, year, check, figures["source"])
        for year, rank in figures["pci"].total.rank.items():
            explained[f"pci.{year}.rank"] = Explanation(
                f"PCI {year} · {explained.say('comparison.rank')}",
                rank,
                "count",
                explained.say("business_page.rank_how"),
                source=figures["source"].get(explained.language),
                filtered=False,
            )


def _explain_statement(explained: Explained, one: StatementFeedback) -> None:
    question, language = one.question, explained.language
    text = question.text.get(language)
    if question.kind == "number" and one.figure:
        explained[f"{question.id}.median"] = Explanation(
            text,
            one.figure.value,
            "score",
            explained.say("business_page.median_how"),
            n=one.n,
            low=one.figure.low,
            high=one.figure.high,
            methods=(one.method,),
            text=f"{numbers.decimal(one.figure.value, language, 1)} "
            f"{question.unit.get(language) if question.unit else ''}",
        )
    if one.difference and question.published:
        direction = explained.say(f"business_page.direction_{question.direction}")
        explained[f"{question.id}.difference"] = Explanation(
            text,
            one.difference.value,
            "score" if question.kind == "number" else "points",
            explained.say("business_page.difference_how", year=question.published.year),
            one.k,
            one.n,
            one.difference.low,
            one.difference.high,
            (one.method,),
            (
                (explained.say("business_page.direction"), direction),
                (
                    explained.say("how.verdict"),
                    explained.say(f"business_page.{one.direction}"),
                ),
            ),
            question.published.source,
        )
    if one.score:
        explained[f"{question.id}.score"] = _scored(explained, text, one.score, "min_max")


def _explain_factor(explained: Explained, factor: FactorFeedback, source: Text) -> None:
    name = factor.factor.name.get(explained.language)
    if factor.score:
        explained[f"{factor.factor.id}.score"] = _scored(explained, name, factor.score, "min_max")
    if factor.published is None:
        return
    for year, score in factor.published.score.items():
        explained[f"{factor.factor.id}.{year}"] = Explanation(
            f"PCI {year} · {name}",
            None,
            "score",
            explained.say("business_page.published_score_how"),
            facts=(
                (
                    explained.say("comparison.rank"),
                    numbers.integer(factor.published.rank[year], explained.language),
                ),
            ),
            source=source.get(explained.language),
            text=written(score, explained.language),
            filtered=False,
        )
    explained[f"{factor.factor.id}.weight"] = Explanation(
        name,
        None,
        "count",
        explained.say("business_page.weight_how"),
        source=explained.say("business_page.weight_source"),
        text=numbers.percent(factor.published.weight / 100, explained.language, 0),
        filtered=False,
    )


def _explain_composite(explained: Explained, year: str, check: Check, source: Text) -> None:
    language = explained.language
    facts = (
        (explained.say("published_page.printed"), written(check.printed, language)),
        (explained.say("published_page.parts"), formula(check, language)),
        (explained.say("how.verdict"), explained.say(f"discrepancy.{check.verdict}_long")),
    )
    for name, value in (("printed", check.printed), ("recomputed", check.recomputed)):
        explained[f"pci.{year}.{name}"] = Explanation(
            f"PCI {year} · {explained.say(f'published_page.{name}')}",
            None,
            "score",
            explained.say(f"business_page.{name}_how"),
            methods=("pci_composite",),
            facts=facts,
            source=source.get(explained.language),
            text=written(value, language),
            filtered=False,
        )


def _scored(explained: Explained, title: str, score: Interval, *methods: str) -> Explanation:
    return Explanation(
        title,
        score.value,
        "score",
        explained.say("business_page.score_how"),
        low=score.low,
        high=score.high,
        methods=methods,
    )
