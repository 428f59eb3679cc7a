"""When people come and how they rate: a survey's total by weekday and hour."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from aggregator.figures.days import answers_by_day
from aggregator.figures.figure import Figure
from aggregator.figures.flagged import flagged_by
from aggregator.figures.respondents import OfHours
from aggregator.figures.rows import NOTHING, FigureRow, Measure, set_measures, set_unflagged
from aggregator.statistics import DaySums, level_counts, pooled_shares, shares
from aggregator.statistics.days import allowing_for_alike, others_of_day
from aggregator.storage.flags import Flagging
from aggregator.storage.rollups import SUMS
from aggregator.storage.store import Selection, Store
from aggregator.wording.messages import MESSAGES
from aggregator.wording.periods import period_of
from aggregator.wording.phrases import say
from surveys.centre import WEEKDAYS, Centre
from surveys.definition import Survey, Text

Slot = tuple[int | None, int | None]  # weekday (0 is Monday) and hour; None: all of them
SHADES = 4  # steps from the highest share of the map down to the lowest
WIDEST = 0.1  # by which the lowest lies below the highest where it has the last step, at least


@dataclass(frozen=True)
class Hour:
    """What was said in a slot: a weekday's hour, a weekday, an hour or the whole map.

    ``shade`` is the step of its share down from the highest, 0 to SHADES; None where few said
    something, and where the slot is no weekday's hour. ``part`` is its n over the largest of the
    map.
    """

    row: FigureRow
    measure: str
    few: bool
    shade: int | None = None
    part: float = 0.0

    @property
    def found(self) -> Measure:
        return self.row.measures[self.measure]

    @property
    def size(self) -> Figure:
        return self.row.size

    @property
    def share(self) -> Figure:
        figure = self.row.share(self.measure)
        return replace(
            figure, facts=(*figure.facts, (say("hours.caution"), say("hours.no_verdict")))
        )


@dataclass(frozen=True)
class HourMap:
    """The map of a measure: the ``weekdays`` and ``hours`` with answers, and every slot."""

    weekdays: Sequence[int]
    hours: Sequence[int]
    slots: Mapping[Slot, Hour]

    @property
    def whole(self) -> Hour:
        return self.slots[None, None]

    @property
    def lowest(self) -> Hour | None:
        """The weekday's hour with the lowest share; None where fewer than two may be compared."""
        known = [one for one in self.slots.values() if one.shade is not None]
        if len({one.found.share for one in known}) < 2:
            return None
        return min(known, key=lambda one: one.found.share or 0.0)


def of_whole_months(selection: Selection) -> Selection:
    """The selection from the first day of its first month to the last day of its last one."""
    since, until = selection.since, selection.until
    return replace(
        selection,
        since=since and period_of("month", since).since,
        until=until and period_of("month", until).until,
    )


def hour_map(
    store: Store, survey: Survey, centre: Centre, selection: Selection, measure: str
) -> HourMap:
    """The map of the whole months of a selection.

    Slots of fewer answers than the centre's minimum (respondents, where questions are pooled)
    are few. It is looked at on any day, and a weekday's hour has thirteen days in a quarter:
    too few to decide anything by bets on days. So there are intervals, and no verdicts. The
    survey has a total. Raises database.StorageError.
    """
    made = _of_forms if survey.rating is None else _of_one_question
    asked = of_whole_months(selection)
    rows = made(store, survey, centre, asked, measure)
    flagged = flagged_by(store, survey, centre, asked, ("centre",)).get(("centre",))
    view = store.unflagged(Flagging(survey, centre))
    set_unflagged(
        [*rows.values()],
        [flagged] * len(rows),
        lambda: [*made(view, survey, centre, asked, measure).values()],
    )
    weekdays, hours = (
        sorted({at for slot in rows if (at := slot[part]) is not None}) for part in (0, 1)
    )
    enough = [
        row.measures[measure].share or 0.0
        for slot, row in rows.items()
        if None not in slot and row.n >= centre.minimum_ratings
    ]
    highest = max(enough, default=0.0)
    span = max(highest - min(enough, default=0.0), WIDEST)
    most = max((row.n for slot, row in rows.items() if None not in slot), default=0)

    def hour(slot: Slot, row: FigureRow) -> Hour:
        few, inside, shade = row.n < centre.minimum_ratings, None not in slot, None
        if inside and not few:
            shade = round(SHADES * (highest - (row.measures[measure].share or 0.0)) / span)
        return Hour(row, measure, few, shade, row.n / most if inside and most else 0.0)

    return HourMap(weekdays, hours, {slot: hour(slot, row) for slot, row in rows.items()})


def _of_one_question(
    store: Store, survey: Survey, centre: Centre, selection: Selection, measure: str
) -> dict[Slot, FigureRow]:
    """From the tally by hour; how alike days are is told by that by day."""
    counts = store.hours(selection, ("weekday", "hour"), centre.zone)
    question = survey.measured[0]
    scale = survey.scale_of(question)
    slots = _slots(zip(counts["weekday"], counts["hour"], strict=True))
    keys = [_key(*slot) for slot in slots]
    levels = level_counts(_summed(counts), keys, scale.codes if scale else ())
    figures = shares(levels, {measure: survey.measures_of(question)[measure]})
    days = answers_by_day(store, selection, [question.id])
    of_codes = days.values[:, 0].sum(axis=2)  # of shape (days, codes)
    k, n = (
        of_codes[:, [code in among for _, code in days.items]].sum(axis=1, keepdims=True)
        for among in (survey.measures_of(question)[measure], scale.codes if scale else ())
    )
    # Weekdays that differ are no likeness of days.
    weekdays = [day.weekday() for day in days.times]
    times = Counter(weekdays)
    on = [len(weekdays) if weekday is None else times[weekday] for weekday, _ in slots]
    others = figures["n"].to_numpy(float) / np.maximum(on, 1) - 1
    figures = allowing_for_alike(figures, others, DaySums.single(k, n).grouped(weekdays), "wilson")
    rows = {
        slot: FigureRow(key, _label(*slot), survey, int(n), {}, question=question)
        for slot, key, n in zip(slots, keys, figures["n"], strict=True)
    }
    set_measures(rows.values(), figures)
    return rows


def _of_forms(
    store: Store, survey: Survey, centre: Centre, selection: Selection, measure: str
) -> dict[Slot, FigureRow]:
    """Of all questions pooled, by respondent and by day."""
    layout = OfHours(survey, centre)
    totals = store.daily(
        layout,
        selection,
        lambda item: measure if item[1] == measure else None,
        lambda at: (int(at[2]), int(at[3])),
    )
    slots = _slots(totals.places)
    within = np.array(
        [[_holds(slot, place) for place in totals.places] for slot in slots], dtype=np.int64
    ).reshape(len(slots), len(totals.places))
    # Of shape (sums, slots, days); an item there is only with answers.
    by_day = np.einsum("tsip,rp->srt", totals.values, within)
    keys = [_key(*slot) for slot in slots]
    sums = dict(zip(SUMS, by_day, strict=True))
    whole = {name: one.sum(axis=1) for name, one in sums.items()}
    answered = np.flatnonzero(whole["m"])
    days = DaySums(**{name: sums[name][answered] for name in SUMS if name != "respondents"})
    frame = pd.DataFrame({"key": keys, "measure": measure, **whole}).iloc[answered]
    figures = pooled_shares(frame, keys).set_index("key").loc[frame["key"]].reset_index()
    inside = [number for number, at in enumerate(answered) if None not in slots[at]]
    figures = allowing_for_alike(figures, others_of_day(days), days.rows(inside), "wilson")
    rows = {
        slot: FigureRow(key, _label(*slot), survey, int(n), {}, {measure: NOTHING})
        for slot, key, n in zip(slots, keys, whole["respondents"], strict=True)
    }
    set_measures(rows.values(), figures)
    return rows


def _slots(places: Iterable[tuple[Any, Any]]) -> list[Slot]:
    """Every weekday and every hour of some places, in pairs and alone, and the whole."""
    pairs = list(places)
    weekdays, hours = (sorted({int(place[part]) for place in pairs}) for part in (0, 1))
    return list(product((*weekdays, None), (*hours, None)))


def _holds(slot: Slot, place: tuple[int, int]) -> bool:
    return all(part in (None, at) for part, at in zip(slot, place, strict=True))


def _summed(counts: pd.DataFrame) -> pd.DataFrame:
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
