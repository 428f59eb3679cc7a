"""How the figures of the DDCI page were computed, down to the answers behind a component."""

from collections.abc import Mapping
from typing import Any

from aggregator.dashboard.explanations import Explained, Explanation
from aggregator.indices.ddci import Ranked, Ranking
from aggregator.indices.ddci_definition import Component, Ddci
from aggregator.wording import numbers
from surveys.centre import Centre
from surveys.definition import Survey

Answers = Mapping[tuple[str, str], tuple[int, int]]  # k and n by department and question


def explain_ddci(
    explained: Explained, centre: Centre, survey: Survey, config: Ddci, figures: Mapping[str, Any]
) -> None:
    """``<department>.rank|score|n|<component>``, ``weight.<component>``, ``minimum``."""
    ranking: Ranking = figures["ranking"]
    explained["minimum"] = Explanation(
        explained.say("ddci_page.minimum"),
        ranking.minimum_answers,
        "count",
        explained.say("ddci_page.minimum_how"),
        source=explained.say("ddci_page.file"),
        filtered=False,
    )
    for component in config.components:
        _explain_weight(explained, component, ranking, config)
    for one in ranking.ranked:
        place = centre.department[one.department].name.get(explained.language)
        _explain_ranked(explained, one, ranking, place)
        for component in config.components:
            if component.id in one.components:
                explained[f"{one.department}.{component.id}"] = Explanation(
                    f"{place} · {component.name.get(explained.language)}",
                    one.components[component.id],
                    "score",
                    explained.say("ddci_page.component_how"),
                    methods=(ranking.method,),
                    facts=_parts(explained, survey, component, one.department, figures),
                )
    for left in ranking.unranked:
        if left.reason == "too_few":
            explained[f"{left.department}.n"] = Explanation(
                centre.department[left.department].name.get(explained.language),
                left.n,
                "count",
                explained.say("ddci_page.n_how"),
                facts=(
                    (
                        explained.say("questions.question"),
                        survey.questions[left.at].text.get(explained.language),
                    ),
                ),
            )


def _explain_weight(
    explained: Explained, component: Component, ranking: Ranking, config: Ddci
) -> None:
    language, used = explained.language, ranking.weights.get(component.id)
    facts = [(explained.say("ddci_page.weight_set"), _percent(component.weight, explained))]
    if component.note:
        facts.append((explained.say("how.note"), component.note.get(language)))
    explained[f"weight.{component.id}"] = Explanation(
        component.name.get(language),
        None,
        "score",
        explained.say("ddci_page.weight_how"),
        facts=tuple(facts),
        source=config.source.get(language),
        text=numbers.DASH if used is None else _percent(used, explained),
        filtered=False,
    )


def _explain_ranked(explained: Explained, one: Ranked, ranking: Ranking, place: str) -> None:
    explained[f"{one.department}.rank"] = Explanation(
        f"{place} · {explained.say('ddci.rank')}",
        one.rank,
        "count",
        explained.say("ddci_page.rank_how"),
        methods=(ranking.method,),
        facts=((explained.say("ddci.rank_interval"), f"{one.rank_low} – {one.rank_high}"),),
    )
    explained[f"{one.department}.score"] = Explanation(
        f"{place} · {explained.say('ddci.score')}",
        one.score.value,
        "score",
        explained.say("ddci_page.score_how"),
        low=one.score.low,
        high=one.score.high,
        methods=(ranking.method,),
    )


def _parts(
    explained: Explained,
    survey: Survey,
    component: Component,
    department: str,
    figures: Mapping[str, Any],
) -> tuple[tuple[str, str], ...]:
    """What a component is the mean of: k of n by statement, and the numbers of records."""
    language, found = explained.language, []
    for name in component.statements:
        k, n = figures["answers"].get((department, name), (0, 0))
        counted = f"{numbers.integer(k, language)} / {numbers.integer(n, language)}"
        share = numbers.percent(k / n if n else None, language)
        found.append((survey.questions[name].text.get(language), f"{counted} = {share}"))
    for hard in component.hard:
        value = figures["hard"].get(department, {}).get(hard.column)
        if value is not None:
            found.append((hard.name.get(language), numbers.decimal(value, language, 2)))
    return tuple(found)


def _percent(weight: float, explained: Explained) -> str:
    return numbers.percent(weight / 100, explained.language)
