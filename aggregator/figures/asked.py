"""Figures that somebody passes on, under the ledger: of frozen days, and what may be published."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import cache
from typing import get_args

from aggregator.figures.figures import Unanswerable, figure_rows
from aggregator.figures.ledger import Cells, judged, read_cells, settled
from aggregator.figures.publishing import compared_alone, published_parts
from aggregator.figures.release import release
from aggregator.figures.rows import FigureRow, PartOfTime, RowKey
from aggregator.organisation.seen import Seen, Stand, following, seen
from aggregator.statistics import Method
from aggregator.storage.ledger import FORM, Decision, Group
from aggregator.storage.store import Selection, Store
from aggregator.wording.periods import period_of
from surveys.centre import Centre
from surveys.definition import Survey


def frozen_selection(
    store: Store, survey: Survey, centre: Centre, selection: Selection, now: datetime
) -> Selection:
    """The days of a selection that are frozen, once the months that are over have been.

    So the board's months are decided before anything that somebody asks for. Raises Unanswerable
    where some of the days asked for are not frozen, and database.StorageError.
    """
    release(store, survey, centre, now)
    months = store.ledger.months(survey.id)
    first, last = (months[0].since, months[-1].until) if months else (date.max, date.min)
    if selection.since is not None and selection.since > last:
        raise Unanswerable("from", "not_over")
    if not months or (selection.until is not None and not first <= selection.until <= last):
        raise Unanswerable("to", "not_over")
    since = max(selection.since or first, first)
    return replace(selection, since=since, until=selection.until or last)


def rows_under_ledger(
    store: Store,
    survey: Survey,
    whole: Centre,
    selection: Selection,
    by: RowKey,
    method: Method,
    organisation: Seen,
    now: datetime,
    actor: str,
) -> list[FigureRow]:
    """The rows of figure_rows, of answers as frozen, without those that may not be published.

    ``selection`` is one of frozen_selection, ``whole`` the centre's document, ``actor`` who asks.
    What is shown is written into the ledger, and asking again gives the same. Empty rows are
    withheld like small ones. Questions of a form that pool are shown once for each day, all
    together or one alone. Raises what figure_rows raises.
    """
    heirs, (_, until) = following(whole, organisation), span_of(selection)
    centre, read = seen(whole, organisation, until), store.frozen().following(heirs)
    return under_ledger(read, survey, centre, selection, by, heirs, now, actor, method)


def under_ledger(
    read: Store,
    survey: Survey,
    centre: Centre,
    selection: Selection,
    by: RowKey,
    heirs: Mapping[str, Mapping[str, str]],
    now: datetime,
    actor: str,
    method: Method = "wilson",
    *,
    closed: bool = False,
) -> list[FigureRow]:
    """As rows_under_ledger, of a frozen store and a centre as seen, by ``heirs`` of following."""
    since, until = span_of(selection)
    if survey.pooled_measures and by in ("question", "factor"):
        everything = replace(selection, questions=None)

        def parts(by: RowKey) -> list[FigureRow]:
            return figure_rows(read, survey, centre, everything, by, method)

        group = Group(survey.id, FORM, since, until, selection.channel or "")
        wanted = {row.key for row in figure_rows(read, survey, centre, selection, by, method)}
        form = published_parts(survey, parts, by, centre)
        may = _form_decided(read, survey, now, actor, group)
        return [row if may and row.n else _without(row) for row in form if row.key in wanted]
    rows = figure_rows(read, survey, centre, selection, by, method, closed=closed)
    frozen = read.following({})
    read_of = cache(lambda question: read_cells(frozen, survey, question, since, until))
    groups = [group_of(row, by, survey, centre, selection, heirs, read_of) for row in rows]

    decided = groups_decided(read, survey, centre, groups, now, actor)
    left = [
        row if group.key in decided else _without(row)
        for row, group in zip(rows, groups, strict=True)
    ]
    return left if by == "question" else compared_alone(left, survey, centre, closed=closed)


def groups_decided(
    store: Store,
    survey: Survey,
    centre: Centre,
    groups: Sequence[Group],
    now: datetime,
    actor: str,
) -> frozenset[str]:
    """The keys of those of some groups that may be published; what is new is decided now."""
    frozen = store.following({}).frozen()

    def decide(known: Sequence[Decision]) -> list[Decision]:
        before, new = {one.group.key for one in known}, list[Decision]()
        for question in dict.fromkeys(group.question for group in groups):
            own = [one for one in groups if one.question == question and one.places != ()]
            may = judged(frozen, survey, centre, known, own)
            barred = bool(question and survey.pooled_measures) and _overlaps(known, own, question)
            new += [Decision(one, may[one] and not barred) for one in own if one.key not in before]
        return list({one.group.key: one for one in new}.values())

    known = settled(store, survey, now, actor, decide)
    return frozenset(one.group.key for one in known if one.shown)


def span_of(selection: Selection) -> tuple[date, date]:
    """The days of a selection, all where it names none."""
    return selection.since or date.min, selection.until or date.max


def _without(row: FigureRow) -> FigureRow:
    """The row without figures; an empty one looks like a small one."""
    bare = replace(row, n=0, counts={}, measures={}, comparisons=[], days={})
    return replace(bare, withheld=True)


def group_of(
    row: FigureRow,
    by: RowKey,
    survey: Survey,
    centre: Centre,
    selection: Selection,
    heirs: Mapping[str, Mapping[str, str]],
    cells_of: Callable[[str], Cells],
) -> Group:
    """The people of a row, by the places at which their answers are stored."""
    asked = row.question.id if row.question else ""
    question = "" if [one.id for one in survey.measured] == [asked] else asked
    since, until = span_of(selection)
    whole = Group(survey.id, question, since, until, selection.channel or "")
    if by == "channel":
        return replace(whole, channel=row.key)
    if by in get_args(PartOfTime):
        days = (day for day in cells_of(question).days if period_of(by, day).code == row.key)  # type: ignore[arg-type]
        period = period_of(by, next(days))  # type: ignore[arg-type]
        return replace(whole, since=max(since, period.since), until=min(until, period.until))
    if by not in ("department", "counter"):
        return whole
    merged, moved = heirs.get("department", {}), heirs.get("counter", {})

    def is_of_row(place: tuple[str, str]) -> bool:
        department, counter = merged.get(place[0], place[0]), moved.get(place[1], place[1])
        if by == "department":
            return department == row.key
        return bool(counter) and Stand(counter, department).key(centre) == row.key

    return replace(whole, places=tuple(sorted({*filter(is_of_row, cells_of(question).places)})))


def _form_decided(store: Store, survey: Survey, now: datetime, actor: str, group: Group) -> bool:
    """Whether the questions of a form may be shown: no other days of it were that overlap."""

    def decide(known: Sequence[Decision]) -> list[Decision]:
        if any(one.group.key == group.key for one in known):
            return []
        return [Decision(group, not _overlaps(known, [group]))]

    known = settled(store, survey, now, actor, decide)
    return any(one.shown for one in known if one.group.key == group.key)


def _overlaps(known: Sequence[Decision], groups: Sequence[Group], but: str = "") -> bool:
    """Whether other questions than ``but`` were shown by themselves, of days of some groups."""
    return any(
        one.shown
        and one.group.question not in ("", but)
        and one.group.since <= group.until
        and group.since <= one.group.until
        for one in known
        for group in groups
    )
