"""How departments stand when n is small, and the centre's share by the mix of dossiers."""

from collections.abc import Sequence

from aggregator.documents.reports.cells import table, without_flagged
from aggregator.documents.reports.material import Material
from aggregator.documents.reports.model import Block, CellValue, Column, Paragraph, Range, Section
from aggregator.figures.standing import RankedShare, ranking, standardised
from aggregator.statistics import Standardised


def standing(m: Material) -> Section | None:
    """Shrunk shares with rank intervals; the standardised share. Of published rows only."""
    blocks: list[Block] = []
    if (mixed := standardised_share(m)) is not None:
        blocks.append(Paragraph(_mixed(m, mixed)))
    if ranked := ranking(m.departments, m.measure):
        blocks += [Paragraph(m.on.say("ranking_lead")), _ranking(m, ranked)]
    return Section(m.on.say("section_standing"), tuple(blocks)) if blocks else None


def standardised_share(m: Material) -> Standardised | None:
    """The centre's share, had each department the weight of its dossiers; None without them."""
    if m.whole.withheld:
        return None
    weights = {
        row.key: float(part.dossiers)
        for row in m.departments
        if (part := m.participation.get(row.key)) is not None and part.dossiers
    }
    return standardised(m.departments, m.measure, weights)


def _mixed(m: Material, mixed: Standardised) -> str:
    on, missing = m.on, len(mixed.missing)
    return on.say(
        "standardised",
        measure=on.say(f"measure.{m.measure}"),
        share=on.percent(mixed.share),
        interval=on.interval(mixed.low, mixed.high),
        raw=on.percent(m.whole.measures[m.measure].share),
        covered=on.percent(mixed.covered),
        missing=on.say("standardised_missing", n=missing) if missing else "",
    )


def _ranking(m: Material, ranked: Sequence[RankedShare]) -> Block:
    on = m.on
    columns = (
        Column("rank", on.say("rank"), "integer", 0.7),
        Column("department", on.say("department"), "text", 3.0),
        Column("n", on.say("n_effective" if m.pooled else "ratings"), "integer", 0.8),
        Column("k", on.say("k_of", measure=on.say(f"measure.{m.measure}")), "integer", sheet=True),
        Column("share", on.say("raw_share"), "share", 1.0, ("k", "n")),
        Column("shrunk", on.say("shrunk"), "share", 1.1),
        Column("interval", on.say("interval"), "interval", 1.6),
        Column("ranks", on.say("ranks"), "ranks", 0.9),
    )
    rows: list[tuple[CellValue, ...]] = [
        (
            place.rank,
            on.label(place.row.label),
            round(place.n),
            round(place.k),
            place.k / place.n,
            place.shrunk,
            Range(place.low, place.high),
            Range(place.rank_low, place.rank_high),
        )
        for place in ranked
    ]
    shown = [(on.label(place.row.label), place.shrunk_figure) for place in ranked]
    notes = [on.say("ranking_note"), *without_flagged(on, shown)]
    return table(on, "ranking", columns, rows, notes=notes)
