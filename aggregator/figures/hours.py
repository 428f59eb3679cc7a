"""When people come and how they rate: a survey's only question by weekday and hour."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import pandas as pd

from aggregator.figures.figure import Figure
from aggregator.figures.rows import (
    Difference,
    FigureRow,
    Measure,
    measure_frame,
    records,
    set_measures,
    tested,
)
from aggregator.statistics import changes, level_counts, shares
from aggregator.storage.store import Selection, Store
from aggregator.wording.messages import MESSAGES
from aggregator.wording.periods import period_of
from surveys.centre import WEEKDAYS
from surveys.definition import Survey, Text

Slot = tuple[int | None, int | None]  # weekday (0 is Monday) and hour; None: all of them
SHADES = 4  # steps from the highest share of the map down to the lowest
WIDEST = 0.1  # by which the lowest lies below the highest where it has the last step, at least


@dataclass(frozen=True)
class Hour:
    """The ratings of a slot: a weekday's hour, a weekday, an hour or the whole map.

    ``other`` is the share of all other slots, ``difference`` how far this one lies from it; None
    where the slot is no weekday's hour or has too few ratings. ``shade`` is the step of its
    share down from the highest, 0 to SHADES; None where it has too few ratings. ``part`` is its
    n over the largest of the map.
    """

    row: FigureRow
    measure: str
    few: bool
    other: Measure | None = None
    difference: Difference | None = None
    shade: int | None = None
    part: float = 0.0

    @property
    def verdict(self) -> str:
        return self.difference.verdict if self.difference else ""

    @property
    def size(self) -> Figure:
        return self.row.size

    @property
    def share(self) -> Figure:
        return self.row.share(self.measure)

    @property
    def stands_out(self) -> Figure:
        """By how much the slot lies below or above all others, with the test."""
        other, found = self.other, self.difference
        if other is None or found is None:
            raise ValueError("a slot that is not compared")
        verdict = f"hours.{found.verdict}"
        about = f"measure.{self.measure}"
        return self.row.apart(found, other, "hours", about, verdict, "hours.caution_days")


@dataclass(frozen=True)
class HourMap:
    """The map of a measure: the ``weekdays`` and ``hours`` that have ratings, and every slot."""

    weekdays: Sequence[int]
    hours: Sequence[int]
    slots: Mapping[Slot, Hour]

    @property
    def whole(self) -> Hour:
        return self.slots[None, None]

    @property
    def outstanding(self) -> list[Hour]:
        """The slots that lie below all others, then those above; the farthest first."""
        found = [one for one in self.slots.values() if one.verdict in ("up", "down")]
        return sorted(found, key=lambda one: (one.verdict, -abs(one.stands_out.value or 0)))


def of_whole_months(selection: Selection) -> Selection:
    """The selection from the first day of its first month to the last day of its last one."""
    since, until = selection.since, selection.until
    return replace(
        selection,
        since=since and period_of("month", since).since,
        until=until and period_of("month", until).until,
    )


def hour_map(
    store: Store, survey: Survey, selection: Selection, measure: str, minimum: int
) -> HourMap:
    """The map of the whole months of a selection; slots of fewer than ``minimum`` are few.

    The survey has one measured question. Raises database.StorageError.
    """
    counts = store.hours(of_whole_months(selection), ("weekday", "hour"))
    weekdays, hours = (sorted({int(x) for x in counts[name]}) for name in ("weekday", "hour"))
    question = survey.measured[0]
    scale = survey.scale_of(question)
    codes = scale.codes if scale else ()
    slots: list[Slot] = list(product((*weekdays, None), (*hours, None)))
    levels = level_counts(_summed(counts, slots), [_key(*slot) for slot in slots], codes)
    by_slot = dict(zip(slots, levels.itertuples(index=False, name=None), strict=True))
    rows = {
        slot: FigureRow(
            key=_key(*slot),
            label=_label(*slot),
            survey=survey,
            n=int(sum(found)),
            counts=dict(zip(codes, map(int, found), strict=True)),
            question=question,
        )
        for slot, found in by_slot.items()
    }
    set_measures(rows.values(), shares(levels, survey.measures_of(question)))
    compared = _against_others(rows, measure, minimum)
    enough = [
        row.measures[measure].share or 0.0
        for (weekday, hour), row in rows.items()
        if weekday is not None and hour is not None and row.n >= minimum
    ]
    highest = max(enough, default=0.0)
    span = max(highest - min(enough, default=0.0), WIDEST)
    most = max((row.n for slot, row in rows.items() if None not in slot), default=0)

    def made(slot: Slot, row: FigureRow) -> Hour:
        few, inside = row.n < minimum, None not in slot
        other, difference = compared.get(slot, (None, None))
        shade = None
        if inside and not few:
            shade = round(SHADES * (highest - (row.measures[measure].share or 0.0)) / span)
        part = row.n / most if inside and most else 0.0
        return Hour(row, measure, few, other, difference, shade, part)

    found = {slot: made(slot, row) for slot, row in rows.items()}
    return HourMap(weekdays, hours, found)


def _against_others(
    rows: Mapping[Slot, FigureRow], measure: str, minimum: int
) -> dict[Slot, tuple[Measure, Difference]]:
    """Each weekday's hour that has ``minimum`` ratings against the ratings of all other hours."""
    whole = rows[None, None]
    slots = [slot for slot, row in rows.items() if None not in slot and row.n >= minimum]
    if not slots:
        return {}
    others = pd.DataFrame(
        [
            {code: whole.counts[code] - rows[slot].counts[code] for code in whole.counts}
            for slot in slots
        ],
        index=[rows[slot].key for slot in slots],
    )
    codes = whole.survey.measures_of(whole.survey.measured[0])[measure]
    rest = [
        FigureRow(rows[slot].key, rows[slot].label, whole.survey, whole.n - rows[slot].n, {})
        for slot in slots
    ]
    set_measures(rest, shares(others, {measure: codes}))
    now = measure_frame([rows[slot] for slot in slots], measure, pooled=False)
    before = measure_frame(rest, measure, pooled=False)
    found = records(changes(now, before, minimum))
    return {
        slot: (other.measures[measure], Difference(measure=measure, **tested(record)))
        for slot, other, record in zip(slots, rest, found, strict=True)
    }


def _summed(counts: pd.DataFrame, slots: Sequence[Slot]) -> pd.DataFrame:
    """Counts by the keys of slots, those of all weekdays or all hours among them."""
    parts = [
        counts.assign(key=[_key(*slot) for slot in _folded(counts, by_weekday, by_hour)])
        for by_weekday, by_hour in product((True, False), repeat=2)
    ]
    whole = pd.concat(parts)
    return whole.groupby(["key", "code"], as_index=False)[["n"]].sum()


def _folded(counts: pd.DataFrame, by_weekday: bool, by_hour: bool) -> Iterator[Slot]:
    for weekday, hour in zip(counts["weekday"], counts["hour"], strict=True):
        yield (int(weekday) if by_weekday else None, int(hour) if by_hour else None)


def _key(weekday: int | None, hour: int | None) -> str:
    return f"{'all' if weekday is None else WEEKDAYS[weekday]}.{'all' if hour is None else hour}"


def _label(weekday: int | None, hour: int | None) -> Text:
    def words(language: str) -> str:
        parts = []
        if weekday is not None:
            parts.append(MESSAGES.get(language, f"setting.{WEEKDAYS[weekday]}"))
        if hour is not None:
            parts.append(MESSAGES.get(language, "hours.slot", hour=hour, next=hour + 1))
        return ", ".join(parts) or MESSAGES.get(language, "hours.whole")

    return Text(vi=words("vi"), en=words("en"))
