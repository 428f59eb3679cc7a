"""The centre's work in a period: visits, dossiers received, settled in time or late, fees.

Figures are those that the centre has entered at the data desk, and those of its published tables;
where a place's settled dossiers are known by day alone, these. Nobody's answers are in them.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from aggregator.figures.figure import Figure
from aggregator.figures.participation import place_name
from aggregator.indices.operations import FIGURES, STANDING, Span, apart, last, within
from aggregator.statistics.participation import CENTRE, Participation
from aggregator.storage.operations import Stated
from aggregator.storage.store import Store
from aggregator.wording.phrases import Words, days, integer, joined, listed, percent, say
from surveys.centre import Centre
from surveys.published import PublishedTables

Source = Literal["entered", "published", "departments", "by_day"]
SPANS_TOLD = 60  # of which the page offers to show one
OF_SETTLED = ("on_time", "overdue")  # shares of the dossiers settled


@dataclass(frozen=True)
class Count:
    """A figure of a place in a period, and the ``spans`` that it was stated for; none by day.

    ``rough``: its source says that it was more than this.
    """

    value: int
    spans: tuple[Span, ...]
    source: Source
    rough: bool = False


@dataclass(frozen=True)
class Operating:
    """Counts by place ('': the whole centre) and figure.

    ``beyond`` are spans with days inside and outside the period, of which nothing is counted;
    ``known`` all spans of which anything is stated, the newest first.
    """

    counts: Mapping[str, Mapping[str, Count]]
    beyond: tuple[Span, ...] = ()
    known: tuple[Span, ...] = ()
    departments: Mapping[str, int] = field(default_factory=dict)  # the departments' sum, by figure

    def of(self, place: str, figure: str) -> Count | None:
        return self.counts.get(place, {}).get(figure)

    def has(self, figure: str) -> bool:
        return any(figure in counts for counts in self.counts.values())

    def share_of(self, place: str, figure: str) -> tuple[int, int] | None:
        """k of n dossiers settled, where both are stated for the same days."""
        found, settled = self.of(place, figure), self.of(place, "settled")
        if found is None or settled is None or found.spans != settled.spans or not found.spans:
            return None
        return (found.value, settled.value) if found.value <= settled.value else None


def operating(
    store: Store,
    published: PublishedTables | None,
    period: Span,
    today: date,
    by_day: Mapping[str, Participation],
) -> Operating:
    """The figures of a period, both ends included.

    ``by_day`` has the dossiers that are known by day; see figures.participation.taking_part.
    Raises StorageError.
    """
    since, until = period
    found: dict[tuple[str, str], dict[Span, Count]] = defaultdict(dict)
    printed = _printed(published, store) if published else []
    for one in printed:
        of, rough = found[one.department, one.figure], one.figure == "visits"
        before = of[one.span].value if one.span in of else 0
        of[one.span] = Count(before + one.value, (one.span,), "published", rough)
    for one in store.operations.touching(since, until):  # goes before what is printed
        found[one.department, one.figure][one.span] = Count(one.value, (one.span,), "entered")
    counts: dict[str, dict[str, Count]] = defaultdict(dict)
    beyond: set[Span] = set()
    for (place, figure), by_span in found.items():
        inside = [span for span in by_span if within(span, since, until)]
        beyond |= {span for span in by_span if span not in inside and _touches(span, period)}
        spans = last(inside) if figure in STANDING else apart(inside)
        if spans:
            counts[place][figure] = _together([by_span[span] for span in spans])
    for place, part in by_day.items():
        counts[place].setdefault("settled", Count(part.dossiers, (), "by_day"))
    sums = _sums(counts)
    if store.department is None:
        for figure, count in sums.items():
            counts[CENTRE].setdefault(figure, count)
    stated = {*store.operations.spans(SPANS_TOLD), *(one.span for one in printed)}
    newest = sorted(stated, key=lambda span: (span[1], span[0]), reverse=True)
    return Operating(
        {place: of for place, of in counts.items() if of},
        tuple(sorted(beyond)),
        tuple(span for span in newest if span[0] <= today),
        {figure: count.value for figure, count in sums.items()},
    )


def _touches(span: Span, period: Span) -> bool:
    return span[0] <= period[1] and span[1] >= period[0]


def _together(counts: list[Count]) -> Count:
    sources = {one.source for one in counts}
    return Count(
        sum(one.value for one in counts),
        tuple(span for one in counts for span in one.spans),
        "published" if sources == {"published"} else "entered",
        any(one.rough for one in counts),
    )


def _sums(counts: Mapping[str, Mapping[str, Count]]) -> dict[str, Count]:
    """The departments' counts added up, where all that have one have it for the same days."""
    sums = {}
    for figure in FIGURES:
        parts = [of[figure] for place, of in counts.items() if place and figure in of]
        if parts and len({one.spans for one in parts}) == 1 and figure not in STANDING:
            value = sum(one.value for one in parts)
            sums[figure] = Count(value, parts[0].spans, "departments")
    return sums


def _printed(published: PublishedTables, store: Store) -> list[Stated]:
    """The figures of the published tables, of the places that the store reads."""
    of = published.operation
    span = (of.period_from, of.period_to)
    whole = {
        "visits": of.visits_over,
        "received": of.dossiers_received,
        "settled": of.dossiers_resolved,
        "on_time": of.dossiers_on_time_or_early,
        "overdue": of.dossiers_overdue,
        "cancelled": of.dossiers_cancelled,
        "in_process": of.dossiers_in_process,
        "online_level_3": of.dossiers_online_level_3,
        "online_level_4": of.dossiers_online_level_4,
        "postal": of.postal_service_uses,
        "procedures": of.procedures_offered,
        "on_the_spot": of.procedures_settled_on_the_spot,
        "fees": of.fees_collected_vnd,
    }
    stated = [Stated(CENTRE, name, span, value) for name, value in whole.items()]
    for id, counts in of.departments.items():
        stated += [Stated(id, name, span, value) for name, value in vars(counts).items()]
    return store.operations.readable(stated)


def count_figure(
    centre: Centre, place: str, name: str, found: Operating, source: Words | None
) -> Figure:
    """A count of a place; ``source`` is that of the published tables."""
    count = found.of(place, name)
    whole = found.of(CENTRE, name)
    facts: list[tuple[Words, Words]] = []
    if count and count.spans:
        told = listed(days(*span) for span in count.spans)
        facts.append((say("operations.spans"), told))
    if count and place and whole and whole.spans == count.spans and count.value <= whole.value > 0:
        part = percent(count.value / whole.value)
        said = say(
            "operations.of_centre", k=integer(count.value), n=integer(whole.value), share=part
        )
        facts.append((say("tally.centre"), said))
    parts = found.departments.get(name)
    if count and not place and parts is not None and count.source != "departments":
        facts.append((say("operations.departments_sum"), integer(parts)))
    text: Words | None = None
    if count and name == "fees":
        text = say("operations.dong", n=integer(count.value))
    elif count and count.rough:
        text = say("operations.over", n=integer(count.value))
    return Figure(
        name=f"operations.{name}.{place}",
        title=joined(place_name(centre, place), say(f"operations.{name}")),
        value=count.value if count else None,
        unit="count",
        definition=say(f"operations.{name}_how"),
        facts=((say("how.definition"), say(f"operations.rule_{_rule(name)}")), *facts),
        source=_source(count, source),
        text=text,
        filtered=False,
    )


def share_figure(
    centre: Centre, place: str, name: str, found: Operating, source: Words | None
) -> Figure:
    """The share of a place's settled dossiers that were in time, or overdue."""
    count, share = found.of(place, name), found.share_of(place, name)
    facts: tuple[tuple[Words, Words], ...] = ()
    if count and count.spans:
        facts = ((say("operations.spans"), listed(days(*span) for span in count.spans)),)
    return Figure(
        name=f"operations.{name}_share.{place}",
        title=joined(place_name(centre, place), say(f"operations.{name}_share")),
        value=share[0] / share[1] if share and share[1] else None,
        unit="share",
        definition=say(f"operations.{name}_share_how"),
        k=share[0] if share else None,
        n=share[1] if share else None,
        facts=facts,
        source=_source(count, source),
        text=percent(share[0] / share[1], 2) if share and share[1] else None,
        filtered=False,
    )


def rated_figure(
    centre: Centre, name: Literal["visits", "settled"], count: Count, n: int, source: Words | None
) -> Figure:
    """Ratings for each visit, or each dossier settled, of the whole centre."""
    return Figure(
        name=f"operations.rated_{name}",
        title=joined(centre.name, say(f"operations.rated_{name}")),
        value=n / count.value if count.value else None,
        unit="share",
        definition=say(f"operations.rated_{name}_how"),
        k=n,
        n=count.value,
        facts=((say("operations.spans"), listed(days(*span) for span in count.spans)),),
        source=joined(say("how.own_answers", centre=centre.name), _source(count, source), by="; "),
        text=percent(n / count.value, 0 if count.rough else 1) if count.value else None,
    )


def _rule(name: str) -> str:
    return "last" if name in STANDING else "sum"


def _source(count: Count | None, published: Words | None) -> Words:
    if count is None:
        return say("operations.source_none")
    if count.source == "published" and published is not None:
        return published
    return say(f"operations.source_{count.source}")
