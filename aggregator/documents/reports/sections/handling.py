"""Departments by the nine indicators of Circular 01/2018, where anything of them is known."""

from aggregator.documents.reports.cells import table
from aggregator.documents.reports.model import WITHHELD, CellValue, Column, Paragraph, Section
from aggregator.documents.reports.occasion import Occasion
from aggregator.figures.handling import SUBJECTS, SURVEY, department_scores
from aggregator.indices.circular_01_2018 import INDICATORS, DepartmentScore, IndicatorScore
from aggregator.organisation.laws import cited, notices


def handling(on: Occasion) -> Section | None:
    """A table of the departments; None where nothing is known of any."""
    scores = department_scores(on.store, on.centre, on.period.since, on.period.until, on.now)
    known = {key: score for key, score in scores.items() if score.band is not None}
    if not known:
        return None
    columns = [
        Column("department", on.say("department"), "text", 3.4),
        *(Column(f"i{number}", str(number), "score", 0.62) for number in INDICATORS),
        Column("total", on.say("handling.total"), "score", 0.8),
        Column("band", on.say("handling.band"), "text", 1.1),
    ]
    rows = [
        (on.label(on.centre.department[key].name), *_cells(on, score))
        for key, score in known.items()
    ]
    names = "; ".join(f"{number}. {on.say(f'circular.name_{number}')}" for number in INDICATORS)
    notes = [on.say("indicator_names", names=names), on.say("indicator_note")]
    span = (on.period.since, on.period.until)
    named = {subject: cited(on.centre, subject, *span).get(on.language) for subject in SUBJECTS}
    told = [one.get(on.language) for one in notices(on.centre, SURVEY, SUBJECTS, *span)]
    lead = [on.say("handling_lead"), on.say("law.basis", **named), *told]
    return Section(
        on.say("section_handling"),
        (*map(Paragraph, lead), table(on, "handling", columns, rows, notes=notes)),
    )


def _cells(on: Occasion, score: DepartmentScore) -> tuple[CellValue, ...]:
    """Points, total and band; one of few answers or cases is withheld, and then the total too."""
    small = [_small(on, indicator) for indicator in score.indicators]
    points: list[CellValue] = [
        WITHHELD if hidden else None if indicator.points is None else float(indicator.points)
        for indicator, hidden in zip(score.indicators, small, strict=True)
    ]
    if any(small) or score.band is None:
        return (*points, WITHHELD, WITHHELD)
    return (*points, float(score.total), on.say(f"handling.{score.band}"))


def _small(on: Occasion, indicator: IndicatorScore) -> bool:
    """Whether it comes from too few answers or cases; in a report for publication, from any: the
    ledger knows of no indicators.
    """
    answered = indicator.counts.answered if indicator.source == "answers" else 0
    if indicator.source == "cases" and indicator.cases is not None:
        answered = indicator.cases[0]
    return answered > 0 and (on.publisher is not None or answered < on.centre.minimum_cell)
