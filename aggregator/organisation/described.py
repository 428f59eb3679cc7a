"""What a centre's document says besides its departments, in words; and what is other in the next.

A setting has one value; a row is a rule of alerts, a reference, a break of a series, a margin or
a law, of which there may be many.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, time
from decimal import Decimal
from functools import partial
from itertools import pairwise
from operator import attrgetter
from typing import Any, Literal, get_args

from aggregator.wording import numbers
from aggregator.wording.channels import CHANNELS
from aggregator.wording.phrases import Phrase, Words, day, integer, joined, listed, say, verbatim
from surveys.alerts import AlertRule
from surveys.centre import (
    WEEKDAYS,
    Centre,
    Documents,
    Instruments,
    Margin,
    OpeningHours,
    Reference,
    SeriesBreak,
)
from surveys.definition import Model, Survey, Text
from surveys.guards import Flags
from surveys.laws import Law
from surveys.looks import Looks
from surveys.wifi import Wifi

Rows = Literal["alert_rules", "references", "series_breaks", "margins", "laws"]
ROWS: tuple[Rows, ...] = get_args(Rows)
Row = AlertRule | Reference | SeriesBreak | Margin | Law
NONE = verbatim(numbers.DASH)
Surveys = Mapping[str, Survey]
NO_SURVEYS: Surveys = {}  # then surveys are called by their ids


def _of_documents(name: str, centre: Centre) -> Any:
    return getattr(centre.documents or Documents(), name)


# Settings: their names, which the catalogue has under setting.NAME, and their values

SETTINGS: Mapping[str, Callable[[Centre], Any]] = {
    "name": lambda centre: centre.name,
    "parent": lambda centre: centre.parent,
    "province": lambda centre: centre.province,
    "time_zone": lambda centre: centre.time_zone,
    "minimum_ratings": lambda centre: centre.minimum_ratings,
    "minimum_cell": lambda centre: centre.minimum_cell,
    "rating": lambda centre: centre.instruments.rating,
    "citizens": lambda centre: centre.instruments.citizens,
    "businesses": lambda centre: centre.instruments.businesses,
    "published": lambda centre: centre.published,
    "opening_hours": lambda centre: centre.opening_hours,
    "closed_days": lambda centre: centre.closed_days,
    "clock_minutes": lambda centre: centre.clock_minutes,
    "idle_seconds": lambda centre: centre.touch_screen.idle_seconds,
    "thanks_seconds": lambda centre: centre.touch_screen.thanks_seconds,
    "rest_seconds": lambda centre: centre.touch_screen.rest_seconds,
    **{name: attrgetter(f"flags.{name}") for name in Flags.model_fields},
    "unsigned_until": lambda centre: centre.phone_form.unsigned_until,
    "forms_an_hour": lambda centre: centre.phone_form.forms_an_hour,
    "network_an_hour": lambda centre: centre.phone_form.network_an_hour,
    "effort": lambda centre: centre.phone_form.effort,
    "emblem": lambda centre: (centre.looks or Looks()).emblem,
    "colour": lambda centre: (centre.looks or Looks()).colour,
    "accent": lambda centre: (centre.looks or Looks()).accent,
    "wifi": lambda centre: centre.wifi,
    "silent_minutes": lambda centre: centre.alerts.silent_minutes,
    "refused": lambda centre: centre.alerts.refused,
    "disk_percent": lambda centre: centre.alerts.disk_percent,
    "backup_hours": lambda centre: centre.alerts.backup_hours,
    "overdue": lambda centre: centre.alerts.overdue,
    "numbers": lambda centre: centre.alerts.numbers,
    "quiet_from": lambda centre: centre.alerts.quiet_from,
    "quiet_until": lambda centre: centre.alerts.quiet_until,
    "emails": lambda centre: centre.alerts.emails,
    "answer_hours": lambda centre: centre.cases.answer_hours,
    "contact_days": lambda centre: centre.cases.contact_days,
    "receipt_days": lambda centre: centre.cases.receipt_days,
    "comment_days": lambda centre: centre.cases.comment_days,
    "enabled": lambda centre: centre.board.enabled,
    "settle_days": lambda centre: centre.board.settle_days,
    **{name: partial(_of_documents, name) for name in Documents.model_fields},
    "again_percent": lambda centre: centre.ballots.again_percent,
    "again_least": lambda centre: centre.ballots.again_least,
}


def setting(centre: Centre, name: str, surveys: Surveys = NO_SURVEYS) -> Words:
    """The value of a setting in words; a dash where there is none."""
    value = SETTINGS[name](centre)
    if name in Instruments.model_fields and value in surveys:
        return surveys[value].title
    if name == "opening_hours":
        return opening_hours(value) if value else say("setting.always_open")
    if name == "closed_days" and value:
        return listed(map(day, value))
    if name == "emblem" and value:
        return _emblem(centre.looks or Looks())
    return in_words(value)


def in_words(value: object) -> Words:
    """A value of a document; a fraction is said as a percentage."""
    match value:
        case None | "":
            return NONE
        case Text():
            return value
        case Wifi():
            key = "open" if value.open else "with_password" if value.password else "name_alone"
            return say(f"setting.wifi_{key}", name=value.name)
        case bool():
            return say("setting.on" if value else "setting.off")
        case int():
            return integer(value)
        case time():
            return verbatim(f"{value:%H:%M}")
        case tuple():
            return listed(map(verbatim, map(str, value))) if value else NONE
        case float():
            return exact_percent(value)
        case date():
            return day(value)
        case Mapping():
            shares = (joined(verbatim(key), exact_percent(v), by=" ") for key, v in value.items())
            return listed(shares)
        case _:
            return verbatim(str(value))


def exact_percent(share: float) -> Words:
    """A fraction as a percentage with all digits that it has, and one at least."""
    shift = (Decimal(repr(share)) * 100).normalize().as_tuple().exponent
    digits = max(1, -shift) if isinstance(shift, int) else 1
    return Phrase(lambda language: numbers.percent(share, language, digits))


def opening_hours(shifts: tuple[OpeningHours, ...]) -> Words:
    """Shifts with their days: ``Thứ Hai – Thứ Sáu 07:30–11:30; …``."""
    return joined(
        *(
            joined(days(shift.days), verbatim(f"{shift.opens:%H:%M}–{shift.closes:%H:%M}"), by=" ")
            for shift in shifts
        ),
        by="; ",
    )


def days(names: tuple[str, ...]) -> Words:
    """Days of the week, three or more in a row as a span."""
    places = sorted({WEEKDAYS.index(name) for name in names})
    runs: list[list[int]] = [[place] for place in places[:1]]
    for earlier, later in pairwise(places):
        if later == earlier + 1:
            runs[-1].append(later)
        else:
            runs.append([later])
    parts: list[Words] = []
    for run in runs:
        said = [say(f"setting.{WEEKDAYS[place]}") for place in run]
        parts += [joined(said[0], said[-1], by=" – ")] if len(said) > 2 else said
    return listed(parts)


def _emblem(looks: Looks) -> Words:
    if looks.picture is None:
        return verbatim(looks.emblem or "")
    data, kind = looks.picture
    kilobytes = Phrase(lambda language: numbers.decimal(len(data) / 1000, language))
    return say("setting.emblem_within", kind=kind.upper(), size=kilobytes)


# Rows


def row_key(row: Row) -> str:
    """What no other row of its kind in a document has."""
    match row:
        case AlertRule() | Reference() | Law():
            return row.id
        case SeriesBreak():
            return f"{row.survey}.{row.day}"
        case Margin():
            return row.key


def rows_of(centre: Centre, kind: Rows) -> dict[str, Row]:
    """The rows of a kind by their keys."""
    return {row_key(row): row for row in getattr(centre, kind)}


def row_name(row: Row, surveys: Surveys = NO_SURVEYS) -> Words:
    """What a row is called; a survey by its title where it is among ``surveys``."""
    match row:
        case AlertRule():
            each = say(f"alert_rule.each_{row.unit}")
            said = {"low": integer(row.low), "last": integer(row.last), "unit": each}
            return say(f"alert_rule.{row.kind}", **said)
        case Reference():
            return row.label
        case SeriesBreak():
            return joined(_title(row.survey, surveys), in_words(row.day), by=" ")
        case Margin():
            survey, *others = row.key.split(".")
            if row.survey not in surveys:
                return joined(*map(verbatim, (survey, *others)))
            return joined(_title(row.survey, surveys), _variable(row, surveys[row.survey]))
        case Law():
            return row.called


def _title(survey: str, surveys: Surveys) -> Words:
    return surveys[survey].title if survey in surveys else verbatim(survey)


def _variable(row: Margin, survey: Survey) -> Words:
    """What a margin is by: the channel, or a question by its text."""
    asked = next((one for one in survey.profile if one.id == row.variable), None)
    return asked.text if asked else say("settings_page.by_channel")


def _levels(row: Margin, surveys: Surveys) -> Mapping[str, Words]:
    """The groups of a margin by what it calls them."""
    if row.variable == "channel":
        return {**CHANNELS}
    survey = surveys.get(row.survey)
    asked = [one for one in survey.profile if one.id == row.variable] if survey else []
    scale = survey.scale_of(asked[0]) if survey and asked else None
    return {str(level.code): level for level in scale.levels} if scale else {}


def row_value(row: Row, centre: Centre, surveys: Surveys = NO_SURVEYS) -> Words:
    """What a row of a document says, in short."""
    match row:
        case AlertRule():
            parts: list[Words] = [say("alert_rule.on" if row.active else "alert_rule.off")]
            if row.department:
                parts.append(_said("department", row.department, centre))
            if row.kind == "low_ratings":
                key = "below_middle" if row.level is None else "level_or_worse"
                parts.append(say(f"alert_rule.{key}", level=row.level))
            return joined(*parts, by=" · ")
        case Reference():
            share = exact_percent(row.share) if row.share is not None else _counted(row)
            if not row.department:
                return share
            return joined(share, _said("department", row.department, centre))
        case SeriesBreak():
            return row.reason
        case Margin():
            named = _levels(row, surveys) if surveys else {}
            return listed(
                joined(named.get(level, verbatim(level)), exact_percent(share), by=" ")
                for level, share in row.shares.items()
            )
        case Law():
            known = say("law.text_here" if row.instrument else "law.no_text")
            said = {name: _said(name, getattr(row, name), centre) for name in ("since", "until")}
            governs = _said("governs", row.governs, centre)
            return joined(governs, say("law.days", **said), known)


def _counted(row: Reference) -> Words:
    percent = Phrase(lambda language: numbers.percent(row.value, language))
    return say("setting.k_of_n", share=percent, k=in_words(row.k), n=in_words(row.n))


# What is other in the next document


def setting_changes(old: Centre, new: Centre, surveys: Surveys = NO_SURVEYS) -> Iterator[Words]:
    """One sentence for each setting and each row that is not as it was."""
    for name, value in SETTINGS.items():
        if value(old) != value(new):
            said = (setting(centre, name, surveys) for centre in (old, new))
            yield _changed(say(f"setting.{name}"), *said)
    for kind in ROWS:
        yield from _row_changes(kind, old, new, surveys)


def _changed(name: Words, old: Words, new: Words) -> Words:
    """Old and new as they are said; in the other language where only that one differs."""
    both = [one for one in ("vi", "en") if old.get(one) != new.get(one)]
    if not both:
        return say("organisation.changed_setting_somehow", setting=name)

    def write(language: Any) -> str:
        read = language if language in both else both[0]
        said = {"old": old.get(read), "new": new.get(read)}  # type: ignore[arg-type]
        return say("organisation.changed_setting", setting=name, **said).get(language)

    return Phrase(write)


def _row_changes(kind: Rows, before: Centre, after: Centre, surveys: Surveys) -> Iterator[Words]:
    name = say(f"setting.{kind}")
    old, new = rows_of(before, kind), rows_of(after, kind)
    for key, row in new.items():
        if key not in old:
            said = {
                "kind": name,
                "row": row_name(row, surveys),
                "value": row_value(row, after, surveys),
            }
            yield say("organisation.changed_row_added", **said)
        elif row != old[key]:
            changed = joined(*_field_changes(old[key], row, after, surveys), by=" ")
            said = {"kind": name, "row": row_name(old[key], surveys), "changes": changed}
            yield say("organisation.changed_row", **said)
    for key, row in old.items():
        if key not in new:
            said = {
                "kind": name,
                "row": row_name(row, surveys),
                "value": row_value(row, before, surveys),
            }
            yield say("organisation.changed_row_removed", **said)
    if [*old] != [*new] and {*old} == {*new}:
        yield say("organisation.changed_row_order", kind=name)


def _field_changes(old: Model, new: Model, centre: Centre, surveys: Surveys) -> Iterator[Words]:
    for name in type(old).model_fields:
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            said = (_said(name, value, centre, surveys) for value in (before, after))
            yield _changed(say(f"setting.{name}"), *said)


def _said(name: str, value: object, centre: Centre, surveys: Surveys = NO_SURVEYS) -> Words:
    """The value of a row's field in words; of a department or survey its name."""
    if name in ("survey", "instrument") and value in surveys:
        return surveys[str(value)].title
    if name == "department" and value in centre.department:
        return centre.department[str(value)].name
    if name == "governs" and isinstance(value, tuple):
        return listed(say(f"law.of_{subject}") for subject in value)
    if name in ("since", "until") and value is None:
        return say("law.unknown")
    if name == "unit":
        return say(f"alert_rule.each_{value}")
    if name == "kind":
        return say(f"alert_rule.kind_{value}")
    return in_words(value)
