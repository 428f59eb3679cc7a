"""How departments stand when n is small, and the centre's share by the mix of dossiers."""

import pandas as pd

from aggregator.documents.reports.cells import table
from aggregator.documents.reports.material import Material
from aggregator.documents.reports.model import Block, Column, Paragraph, Range, Section, Value
from aggregator.statistics import Standardised, direct_standardised, shrunk_ranking

FEWEST = 3  # departments: two tell nothing of how departments differ


def standing(m: Material) -> Section | None:
    """Shrunk shares with rank intervals; the standardised share. Of published rows only."""
    blocks: list[Block] = []
    if (mixed := standardised(m)) is not None:
        blocks.append(Paragraph(_mixed(m, mixed)))
    rows = [row for row in m.departments if row.n]
    if len(rows) >= FEWEST:
        blocks += [Paragraph(m.on.say("ranking_lead")), _ranking(m)]
    return Section(m.on.say("section_standing"), tuple(blocks)) if blocks else None


def standardised(m: Material) -> Standardised | None:
    """The centre's share, had each department the weight of its dossiers; None without them."""
    if m.whole.withheld:
        return None
    weights = {
        row.key: float(part.dossiers)
        for row in m.departments
        if (part := m.participation.get(row.key)) is not None and part.dossiers
    }
    figures = _figures(m)
    if not set(weights) & set(figures["key"]):
        return None
    return direct_standardised(figures, weights)


def _figures(m: Material) -> pd.DataFrame:
    """k and n by department; of a pooled share those of as many independent answers."""
    found = [(row.key, row.measures[m.measure]) for row in m.departments if row.n]
    rows = [
        (key, (one.share or 0) * one.n_effective, one.n_effective)
        if m.pooled
        else (key, one.k, one.n)
        for key, one in found
    ]
    return pd.DataFrame(rows, columns=["key", "k", "n"])


def _mixed(m: Material, found: Standardised) -> str:
    on, missing = m.on, len(found.missing)
    return on.say(
        "standardised",
        measure=on.say(f"measure.{m.measure}"),
        share=on.percent(found.share),
        interval=on.interval(found.low, found.high),
        raw=on.percent(m.whole.measures[m.measure].share),
        covered=on.percent(found.covered),
        missing=on.say("standardised_missing", n=missing) if missing else "",
    )


def _ranking(m: Material) -> Block:
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
    labels = {row.key: on.label(row.label) for row in m.departments}
    rows: list[tuple[Value, ...]] = [
        (
            int(one["rank"]),
            labels[one["key"]],
            round(one["n"]),
            round(one["k"]),
            float(one["share"]),
            float(one["shrunk"]),
            Range(float(one["low"]), float(one["high"])),
            Range(float(one["rank_low"]), float(one["rank_high"])),
        )
        for one in shrunk_ranking(_figures(m)).to_dict("records")
    ]
    return table(on, "ranking", columns, rows, notes=[on.say("ranking_note")])
