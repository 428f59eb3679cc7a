"""What a change of the settings would do, before it is saved: sentences over the last figures."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, time, timedelta

from aggregator.alerts.rules import Scene, findings
from aggregator.alerts.words import sentence
from aggregator.dashboard.context import Context
from aggregator.figures.board import decided_of, measures_of
from aggregator.figures.figures import figure_rows
from aggregator.figures.handling import SUBJECTS as HANDLED_BY
from aggregator.figures.handling import SURVEY as HANDLING
from aggregator.figures.release import board, months_due
from aggregator.figures.rows import FigureRow, RowKey
from aggregator.figures.weighting import Weighted, margins_of, weighted
from aggregator.organisation.described import days, row_name, rows_of
from aggregator.organisation.laws import UNKNOWN, notices
from aggregator.statistics import Unweightable
from aggregator.storage.flags import Flagging
from aggregator.storage.store import Selection
from aggregator.wording.periods import Period, PeriodKind, period_of
from aggregator.wording.phrases import Words, integer, joined, listed, percent, say, verbatim
from aggregator.wording.phrases import day as written
from surveys.centre import AROUND, WEEKDAYS, Centre, Margin, Reference, Weekday
from surveys.definition import Text
from surveys.laws import SUBJECTS, in_force

MOST_NAMED = 8  # departments that a sentence names
VERDICTS = ("below", "above", "indistinct", "too_few")
DAY = 24 * 60  # minutes
FIRST_LAWS = date(2017, 1, 1)  # no law that is known is older
# What kiosks show or go by.
REACHING = ("names", "hours", "touch_screen", "phone_form", "looks", "wifi")


def effects(context: Context, section: str, old: Centre, new: Centre) -> list[Words]:
    """What the next document would do, of a section or kind of rows, in sentences."""
    found: list[Words] = []
    if section == "minimums":
        found += _minimums(context, old, new)
    if section == "hours":
        found += lit_hours(new)
    if section in ("flags", "hours"):
        found += _flags(context, old, new)
    if section == "touch_screen":
        found += _waits(new)
    if section == "references":
        found += _references(context, old, new)
    if section == "margins":
        found += _margins(context, old, new)
    if section == "series_breaks":
        found.append(say("settings_page.effect_break"))
    if section == "laws":
        found += _laws(context, new)
    if section in ("alerts", "alert_rules"):
        found += _alerts(context, new)
    if section == "board":
        found += _board(context, old, new)
    if section in REACHING:
        known = [row for row in context.store.devices.rows() if row.revoked_at is None]
        if known:
            found.append(say("settings_page.effect_kiosks", n=integer(len(known))))
    return found


def _flags(context: Context, old: Centre, new: Centre) -> Iterator[Words]:
    """The last whole month raw, and without what has a flag by the old and by the new rules."""
    survey, month = context.surveys[new.instruments.rating], _last(context, "month")
    if Flagging(survey, old) == Flagging(survey, new) or not survey.has_total:
        return
    selection = Selection(survey.id, None, month.since, month.until, None, None)
    measure = next(iter(survey.measures_of(survey.measured[0])))
    units: tuple[RowKey, ...] = ("centre", "department")
    for by in units:
        before, after = (
            figure_rows(context.store, survey, centre, selection, by) for centre in (old, new)
        )
        pairs = zip(before, after, strict=True)
        told = [pair for pair in pairs if by == "centre" or _flagged(pair[0]) != _flagged(pair[1])]
        for one, other in told[:MOST_NAMED]:
            yield say(
                "settings_page.effect_flags",
                unit=say("settings_page.effect_centre") if by == "centre" else one.label,
                period=_called(month),
                n=integer(one.n),
                measure=say(f"measure.{measure}"),
                share=percent(one.measures[measure].share),
                before=_without_flagged(one, measure),
                after=_without_flagged(other, measure),
            )


def _flagged(row: FigureRow) -> tuple[int, Mapping[str, int]]:
    return (row.flagged.n, row.flagged.rules) if row.flagged else (0, {})


def _without_flagged(row: FigureRow, measure: str) -> Words:
    """How many of a row have a flag, by which rules, and the share without them."""
    if row.flagged is None or row.unflagged is None:
        return say("settings_page.effect_flags_none")
    share = row.unflagged.measures[measure].share
    return say(
        "settings_page.effect_flags_some",
        n=integer(row.flagged.n),
        rules=listed(
            joined(say(f"flags.rule.{rule}"), integer(n), by=" ")
            for rule, n in row.flagged.rules.items()
        ),
        share=say("flags.nothing_left") if share is None else percent(share),
    )


def _beside(raw: Words, without: Words | None) -> Words:
    """What is said of all ratings, with what would be said without the flagged ones."""
    if without is None:
        return raw
    return joined(raw, say("settings_page.effect_without", what=without), by=" ")


def _laws(context: Context, new: Centre) -> Iterator[Words]:
    """Which law will govern each subject from the beginning to today, and what is not known."""
    today = context.today
    for subject in SUBJECTS:
        named = [
            say("settings_page.effect_law_from", law=one.law.called if one.law else UNKNOWN,
                day=written(one.since))
            for one in in_force(new.laws, subject, FIRST_LAWS, today)
        ]  # fmt: skip
        yield say("settings_page.effect_law", subject=say(f"law.of_{subject}"), laws=listed(named))
    yield from notices(new, HANDLING, HANDLED_BY, today, today)


def _alerts(context: Context, new: Centre) -> Iterator[Words]:
    """What would be told by the new limits now."""
    rating = context.surveys[new.instruments.rating]
    now = context.clock()
    found = findings(Scene(context.store, context.settings, new, rating, now))
    yield say("settings_page.effect_alerts", n=integer(len(found)))
    for one in found[:MOST_NAMED]:
        yield sentence(one, new)


def _board(context: Context, old: Centre, new: Centre) -> Iterator[Words]:
    """What everybody would read once the board is on: the newest month, as it would be decided."""
    if not new.board.enabled:
        if old.board.enabled:
            yield say("settings_page.effect_board_off")
        return
    survey, store = context.surveys[new.instruments.rating], context.store
    due = months_due(store, survey, new, context.clock())
    known, _ = store.ledger.decided(survey.id)
    decided = board(store, survey, new, known, due[-1:]) if survey.has_total else []
    month = [one for one in [*known, *decided] if one.kind == "month"]
    last = max((one.group.until for one in month), default=None)
    if last is None:
        yield say("settings_page.effect_board_none")
        return
    first = written(last.replace(day=1))
    yield say("settings_page.effect_board", months=integer(len(due)), since=first)
    for one in decided_of(new, measures_of(survey)[0], month):
        if one.period.until != last:
            continue
        if one.whole is None:
            yield say("settings_page.effect_board_few")
            return
        yield joined(one.whole.words, say("public.of", n=integer(one.whole.n)), by=" ")
        selection = Selection(survey.id, None, one.period.since, one.period.until)
        [row] = figure_rows(store, survey, new, selection, "centre")
        if row.flagged:
            told = _without_flagged(row, measures_of(survey)[0])
            yield say("settings_page.effect_board_flags", told=told)
        names = [joined(own.name, told.within, by=" ") for own, told in one.departments]
        if names:
            yield say("settings_page.effect_board_departments", names=listed(names))
        if one.withheld:
            few = listed([own.name for own in one.withheld])
            yield say("settings_page.effect_board_withheld", names=few)


def _last(context: Context, kind: PeriodKind) -> Period:
    """The last whole period of a kind."""
    return period_of(kind, context.today).before


def _called(period: Period) -> Words:
    values = {"month": f"{period.since:%m/%Y}", "quarter": period.quarter}
    return say(f"settings_page.last_{period.kind}", **values, year=period.since.year)


def _minimums(context: Context, old: Centre, new: Centre) -> Iterator[Words]:
    """How many departments fall under the old and the new minimums in the last whole month."""
    survey, month = context.surveys[new.instruments.rating], _last(context, "month")
    if not survey.has_total:
        return
    selection = Selection(survey.id, None, month.since, month.until, None, None)
    rows = figure_rows(context.store, survey, context.centre, selection, "department")
    rated = [row for row in rows if row.n]
    for name in ("minimum_ratings", "minimum_cell"):
        before, after = getattr(old, name), getattr(new, name)
        if before == after:
            continue
        few = {limit: [one.label for one in rated if one.n < limit] for limit in (before, after)}
        left = [one.unflagged or one for one in rated]
        fewer = {limit: sum(one.n < limit for one in left) for limit in (before, after)}
        without = say(
            "settings_page.effect_minimum_without",
            before=integer(fewer[before]),
            after=integer(fewer[after]),
        )
        told = say(
            f"settings_page.effect_{name}",
            period=_called(month),
            rated=integer(len(rated)),
            old=integer(before),
            new=integer(after),
            before=integer(len(few[before])),
            after=integer(len(few[after])),
            names=_named(few[after]),
        )
        yield _beside(told, without if any(one.flagged for one in rated) else None)


def _named(names: Sequence[Text]) -> Words:
    """Names in brackets, the first of many; '' where there are none."""
    if not names:
        return verbatim("")
    more = [verbatim("…")] if len(names) > MOST_NAMED else []
    return joined(verbatim(" ("), listed([*names[:MOST_NAMED], *more]), verbatim(")"), by="")


def lit_hours(centre: Centre) -> Iterator[Words]:
    """When an unused touch screen is lit and when it is dark, days that are alike together."""
    if not centre.opening_hours:
        yield say("settings_page.effect_never_dark")
        return
    alike: dict[tuple[tuple[int, int], ...], list[Weekday]] = {}
    for day in WEEKDAYS:
        alike.setdefault(_lit(centre, day), []).append(day)
    for spans, names in alike.items():
        hours = listed(verbatim(f"{_clock(since)}–{_clock(until)}") for since, until in spans)
        key = "effect_lit" if spans else "effect_dark"
        yield say(f"settings_page.{key}", days=days(tuple(names)), hours=hours)


def _lit(centre: Centre, day: Weekday) -> tuple[tuple[int, int], ...]:
    """The spans of a day, in minutes since midnight, in which a touch screen is lit."""
    around = AROUND // timedelta(minutes=1)
    shifts = sorted(
        (max(0, _minute(one.opens) - around), min(DAY, _minute(one.closes) + around))
        for one in centre.opening_hours
        if day in one.days
    )
    spans: list[tuple[int, int]] = []
    for since, until in shifts:
        if spans and since <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(until, spans[-1][1]))
        else:
            spans.append((since, until))
    return tuple(spans)


def _minute(value: time) -> int:
    return value.hour * 60 + value.minute


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _waits(new: Centre) -> Iterator[Words]:
    waits = new.touch_screen
    yield say("settings_page.effect_idle", n=integer(waits.idle_seconds))
    yield say("settings_page.effect_thanks", n=integer(waits.thanks_seconds))
    rest = "rest" if waits.rest_seconds else "no_rest"
    yield say(f"settings_page.effect_{rest}", n=integer(waits.rest_seconds))


def _references(context: Context, old: Centre, new: Centre) -> Iterator[Words]:
    """For each reference that is another: the verdicts on departments before and after."""
    before, after = rows_of(old, "references"), rows_of(new, "references")
    for key in dict.fromkeys([*before, *after]):
        if before.get(key) == after.get(key):
            continue
        one = after.get(key) or before[key]
        assert isinstance(one, Reference)  # noqa: S101 - rows of references
        kind: PeriodKind = "month" if one.survey == new.instruments.rating else "quarter"
        period = _last(context, kind)
        said = {
            "row": one.label,
            "period": _called(period),
            "before": _verdicts(context, old, before.get(key), period),
            "after": _verdicts(context, new, after.get(key), period),
        }
        yield say("settings_page.effect_reference", **said)


def _verdicts(context: Context, centre: Centre, reference: object, period: Period) -> Words:
    """How many departments a reference has each verdict on in a period."""
    if not isinstance(reference, Reference):
        return say("settings_page.no_verdicts")
    survey = context.surveys[reference.survey]
    if not survey.has_total:
        return say("settings_page.no_verdicts")
    selection = Selection(survey.id, None, period.since, period.until, None, None)
    rows = figure_rows(context.store, survey, centre, selection, "department")
    without = None
    if any(row.flagged for row in rows):
        without = _counted([row.unflagged or row for row in rows], reference)
    return _beside(_counted(rows, reference), without)


def _counted(rows: Sequence[FigureRow], reference: Reference) -> Words:
    found = Counter(
        one.verdict
        for row in rows
        for one in row.comparisons
        if row.n and one.reference.id == reference.id
    )
    if not found:
        return say("settings_page.no_verdicts")
    return listed(
        joined(integer(found[one]), say(f"settings_page.verdict_{one}"), by=" ")
        for one in VERDICTS
        if found[one]
    )


def _margins(context: Context, old: Centre, new: Centre) -> Iterator[Words]:
    """The weighted index before and after, of the centre or the department of a margin."""
    before, after = rows_of(old, "margins"), rows_of(new, "margins")
    other = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    quarter = _last(context, "quarter")
    for key in other:
        one = after.get(key) or before[key]
        assert isinstance(one, Margin)  # noqa: S101 - rows of margins
        yield say(
            "settings_page.effect_margin",
            row=row_name(one, context.surveys),
            period=_called(quarter),
            before=_weighted(context, old, one, quarter),
            after=_weighted(context, new, one, quarter),
        )


def _weighted(context: Context, centre: Centre, margin: Margin, period: Period) -> Words:
    survey = context.surveys[margin.survey]
    margins = margins_of(centre, survey, margin.department)
    if not margins:
        return say("settings_page.not_weighted")
    selection = Selection(survey.id, None, period.since, period.until, None, margin.department)
    try:
        found = weighted(context.store, survey, centre, selection, margins)
    except Unweightable:
        return say("settings_page.not_weighable")
    without = None
    if found.flagged:
        other = found.other
        without = _shares(other) if other else say("settings_page.not_weighable")
    return _beside(_shares(found), without)


def _shares(found: Weighted) -> Words:
    return listed(
        joined(say(f"measure.{name}"), percent(raked.share), by=" ")
        for name, raked in found.shares.items()
    )
