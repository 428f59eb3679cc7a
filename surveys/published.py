"""Published tables, PAR INDEX, PCI, SIPAS and the centre's own, as their source prints them.

In the TOML file a string is a figure as printed, rounded to its last digit: "7.00". A number is
exact: a count, a rank, a weight, a maximum.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from surveys.centre import Centre
from surveys.definition import DefinitionError, Identifier, Model, Text, load_toml
from surveys.statements import NUMBER, Claim, PublishedStatement, claims


def _as_printed(value: object) -> object:
    if isinstance(value, Decimal) or (isinstance(value, str) and NUMBER.fullmatch(value)):
        return Decimal(value)
    raise ValueError('a printed figure is written as text with its digits, such as "7.00"')


Printed = Annotated[Decimal, BeforeValidator(_as_printed)]
Rank = Annotated[int, Field(ge=1)]


class Ranks(Model):
    """The best and the worst rank of a target such as 45-50."""

    best: Rank
    worst: Rank


class Goal(Model):
    """One line of the table of targets, with the result before it.

    ``gains`` are the points, whole criteria or half ones, that its footnote means to regain.
    """

    percent: Printed
    rank: Rank
    target: Printed
    target_rank: Ranks
    rise: int
    gains: tuple[float, ...] = ()
    at_least: bool = False


class ParYear(Model):
    """PAR INDEX of one year: points appraised, points by survey, their printed total, ranks."""

    appraised: Printed
    survey: Printed
    total: Printed
    rank: Rank
    rank_north_west: Rank


class Domain(Model):
    """One of the eight domains. ``lost`` are the lost points that its paragraph lists."""

    name: Text
    lead: Text
    section: str
    criteria: int
    sub_criteria: int
    maximum: float
    points: Mapping[int, Printed]
    rank: Mapping[int, Rank]
    rank_change: int
    survey_maximum: float | None = None
    survey_points: Printed | None = None
    survey_lost: Printed | None = None
    lost: tuple[Printed, ...] | None = None
    goal: Goal | None = None


class Part(Model):
    """A part of domain 8 that has a line of its own in the table of targets."""

    name: Text
    lead: Text
    goal: Goal


class SurveyPart(Part):
    """The part that SIPAS gives: points of a maximum."""

    maximum: float
    points: Printed


class ParTotal(Model):
    """PAR INDEX as a whole: points and rank by year, and its line of the targets."""

    points: Mapping[int, Printed]
    rank: Mapping[int, Rank]
    rank_change: int
    goal: Goal


class ParIndex(Model):
    """``year`` is that of the results, ``target_year`` that of the targets set after them."""

    year: int
    target_year: int
    survey_maximum: Printed
    appraised_maximum: Printed
    ministry_maximum: Printed
    years: Mapping[int, ParYear]
    domains: Mapping[int, Domain]
    impact: Part
    sipas: SurveyPart
    total: ParTotal


class SubIndex(Model):
    """A PCI sub-index, 1 to 10; its id is that of the factor of the business survey.

    ``change`` from 2018 to 2019 as its own paragraph prints it, ``change_summary`` as the
    paragraph before the table does.
    """

    name: Text
    lead: Text
    section: str
    weight: int
    score: Mapping[int, Printed]
    rank: Mapping[int, Rank]
    change: Printed
    rank_change: int
    change_summary: Printed | None = None


class PciTotal(Model):
    """PCI as a whole: score and rank by year."""

    score: Mapping[int, Printed]
    rank: Mapping[int, Rank]


class Pci(Model):
    """``bounds``: a CSV file beside this one, see aggregator.indices.pci.read_bounds."""

    sub_indices: Mapping[Identifier, SubIndex]
    total: PciTotal
    bounds: str | None = None


class Series(Model):
    """Values of years that may be joined by a line; another population is another series."""

    population: Text
    source: Text
    percent: Mapping[int, Printed]


class SipasTable(Model):
    """The SIPAS index of the country, and the lowest and highest province of some years."""

    national: tuple[Series, ...]
    lowest: Mapping[int, Printed] = {}
    highest: Mapping[int, Printed] = {}


class DepartmentCounts(Model):
    """What one department did in the period, in dossiers."""

    overdue: int
    cancelled: int
    online_level_3: int
    online_level_4: int
    postal: int


class Operation(Model):
    """What the centre did in the period, in counts."""

    period_from: date
    period_to: date
    procedures_offered: int
    procedures_settled_on_the_spot: int
    visits_over: int
    dossiers_received: int
    dossiers_online: int
    dossiers_online_level_3: int
    dossiers_online_level_4: int
    dossiers_resolved: int
    dossiers_on_time_or_early: int
    dossiers_overdue: int
    dossiers_cancelled: int
    dossiers_in_process: int
    ratings: int
    ratings_very_satisfied: int
    ratings_satisfied: int
    ratings_below_satisfied: int
    paper_ballots: int
    paper_ballots_favourable: int
    postal_service_uses: int
    fees_collected_vnd: int
    departments: Mapping[Identifier, DepartmentCounts]


class PublishedTables(Model):
    """The tables of one source."""

    source: Text
    par_index: ParIndex
    pci: Pci
    sipas: SipasTable
    operation: Operation
    statements: tuple[PublishedStatement, ...] = ()

    @model_validator(mode="after")
    def _statements_resolve(self) -> Self:
        ids = [(claim.id, claim.section) for claim in self.claims()]
        if doubled := {id for id, section in ids if ids.count((id, section)) > 1}:
            raise ValueError(f"statement defined twice: {', '.join(sorted(doubled))}")
        return self

    def claims(self) -> Iterator[Claim]:
        """Every statement, row by row and section by section, with its figures."""
        for statement in self.statements:
            yield from claims(statement, self)


def load_published(centre_file: Path, centre: Centre) -> PublishedTables | None:
    """The published tables named in a centre file; None where it names none.

    Raises DefinitionError, which names file, key and reason.
    """
    if centre.published is None:
        return None
    published = load_toml(centre_file.parent / centre.published, PublishedTables)
    for department in published.operation.departments:
        if department not in centre.department:
            raise DefinitionError(
                f"{centre.published}: operation.departments: the centre has no {department!r}"
            )
    return published
