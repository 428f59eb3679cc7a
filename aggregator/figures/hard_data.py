"""Numbers from records beside what businesses say, each with the year and source it came from."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

from aggregator.figures.figure import Figure
from aggregator.indices.ddci_definition import Ddci
from aggregator.storage.tables import HardData
from aggregator.wording.phrases import Words, decimal, joined, say, verbatim
from surveys.centre import Centre
from surveys.definition import Survey

SHOWN_YEARS = 4  # the last ones that have any


@dataclass(frozen=True)
class HardRow:
    """An indicator of a place, a department or the whole province, by year."""

    indicator: Words
    place: Words
    figures: Mapping[int, Figure]
    sources: Sequence[str]


@dataclass(frozen=True)
class HardGroup:
    """The indicators of a sub-index, or of a component of the DDCI."""

    title: Words
    rows: Sequence[HardRow]


@dataclass(frozen=True)
class HardTable:
    """Groups that have numbers, and the years that they are of."""

    groups: Sequence[HardGroup] = ()

    @property
    def years(self) -> Sequence[int]:
        every = {year for group in self.groups for row in group.rows for year in row.figures}
        return sorted(every)[-SHOWN_YEARS:]


def sub_index_data(stored: Sequence[HardData], survey: Survey, centre: Centre) -> HardTable:
    """The numbers by the factors of the survey of businesses."""
    groups = []
    for factor in survey.factors:
        found = [one for one in stored if one.sub_index == factor.id]
        rows = list(_rows(found, factor.name, centre, {}))
        groups.append(HardGroup(factor.name, rows))
    return HardTable([group for group in groups if group.rows])


def component_data(stored: Sequence[HardData], ddci: Ddci, centre: Centre) -> HardTable:
    """The numbers of departments by the components of the DDCI."""
    groups = []
    for component in ddci.components:
        names: dict[str, Words] = {hard.column: hard.name for hard in component.hard}
        found = [one for one in stored if one.department and one.indicator in names]
        groups.append(HardGroup(component.name, list(_rows(found, component.name, centre, names))))
    return HardTable([group for group in groups if group.rows])


def latest(
    stored: Sequence[HardData], ddci: Ddci
) -> tuple[dict[str, dict[str, float]], dict[str, int]]:
    """By department and column the numbers of each column's last year, and these years.

    All departments are held against one another by the numbers of one year.
    """
    columns = {hard.column for hard in ddci.hard}
    own = [one for one in stored if one.department and one.indicator in columns]
    years: dict[str, int] = {}
    for one in own:
        years[one.indicator] = max(one.year, years.get(one.indicator, 0))
    values: dict[str, dict[str, float]] = defaultdict(dict)
    for one in own:
        if one.year == years[one.indicator]:
            values[one.department][one.indicator] = one.value
    return values, years


def _rows(
    found: Sequence[HardData], group: Words, centre: Centre, names: Mapping[str, Words]
) -> Iterator[HardRow]:
    by_row: dict[tuple[str, str], list[HardData]] = defaultdict(list)
    for one in found:
        by_row[one.indicator, one.department].append(one)
    for (indicator, department), numbers in sorted(by_row.items()):
        called = names.get(indicator) or verbatim(indicator)
        place = _place(department, centre)
        figures = {one.year: _figure(one, called, place, group) for one in numbers}
        units = sorted({one.unit for one in numbers if one.unit})
        title = joined(called, verbatim(f"({', '.join(units)})"), by=" ") if units else called
        yield HardRow(title, place, figures, sorted({one.source for one in numbers if one.source}))


def _figure(one: HardData, called: Words, place: Words, group: Words) -> Figure:
    number = decimal(one.value, 0 if one.value == int(one.value) else 2)
    return Figure(
        name=f"hard.{one.year}.{one.department or 'province'}.{crc32(one.indicator.encode()):08x}",
        title=joined(called, place),
        value=one.value,
        unit="score",
        definition=say("hard_data.how"),
        facts=(
            (say("hard_data.year"), verbatim(str(one.year))),
            (say("hard_data.group"), group),
        ),
        source=verbatim(one.source) if one.source else say("hard_data.no_source"),
        text=joined(number, verbatim(one.unit), by=" " if one.unit != "%" else "")
        if one.unit
        else number,
        filtered=False,
    )


def _place(department: str, centre: Centre) -> Words:
    if not department:
        return say("hard_data.province")
    unit = centre.department.get(department)
    return unit.name if unit else verbatim(department)
