"""The annex: definitions, methods with their sources, sources of figures, the software."""

import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

from aggregator.documents.reports.cells import table
from aggregator.documents.reports.model import CellValue, Column, Points, Section, Table
from aggregator.documents.reports.occasion import Occasion
from aggregator.wording import numbers
from surveys.centre import Reference
from surveys.definition import Survey

ROOT = Path(__file__).parents[4]


def annex(
    on: Occasion, surveys: Sequence[Survey], methods: Sequence[str], references: Sequence[Reference]
) -> tuple[Section, ...]:
    """``surveys`` and ``references`` are those shown; ``methods`` are keys of how_method."""
    return (
        Section(on.say("section_definitions"), (_definitions(on, surveys, methods),)),
        Section(on.say("section_sources"), (Points(tuple(_sources(on, surveys, references))),)),
        Section(on.say("section_software"), (Points((_software(on),)),)),
    )


def _definitions(on: Occasion, surveys: Sequence[Survey], methods: Sequence[str]) -> Table:
    columns = (
        Column("figure", on.say("figure"), "text", 1.2),
        Column("definition", on.say("definition"), "text", 4.0),
    )
    rows: list[tuple[CellValue, ...]] = [*dict.fromkeys(_measures(on, surveys))]
    rows += [(on.say(f"method_{name}"), on.say(f"how_method.{name}")) for name in methods]
    return table(on, "definitions", columns, rows)


def _measures(on: Occasion, surveys: Sequence[Survey]) -> Iterator[tuple[str, str]]:
    """What counts as favourable, by scale; the same scale of two surveys stands once."""
    for survey in surveys:
        for scale in survey.scales.values():
            for name, codes in scale.measures.items():
                levels = [on.label(level) for level in scale.levels if level.code in codes]
                title = on.say(f"measure.{name}")
                favourable = on.say("how.share", measure=title, levels=", ".join(levels))
                yield title, favourable


def _sources(
    on: Occasion, surveys: Sequence[Survey], references: Sequence[Reference]
) -> Iterator[str]:
    for survey in surveys:
        yield on.say("survey_source", title=on.label(survey.title), source=survey.source)
    for reference in references:
        k, n = reference.k, reference.n
        counts = ""
        if k is not None and n is not None:
            counts = on.say("how.counts", k=on.integer(k), n=on.integer(n))
        yield on.say(
            "how.reference",
            label=on.label(reference.label),
            share=on.quoted(reference),
            counts=counts,
            mode=on.label(reference.mode),
            population=on.label(reference.population),
            scale=on.label(reference.scale),
            since=on.day(reference.period_from),
            until=on.day(reference.period_to),
            source=reference.source,
        )


def _software(on: Occasion) -> str:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    now = on.now.astimezone(on.centre.zone)
    return on.say(
        "software",
        name=on.say("app.name"),
        version=project["version"],
        clock=numbers.clock(now),
        day=on.day(now.date()),
    )
