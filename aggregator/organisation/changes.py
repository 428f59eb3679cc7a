"""What changed between two versions of a centre's document, in words; and what may not change."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Literal

from aggregator.organisation.described import setting_changes
from aggregator.organisation.survey_changes import survey_changes
from aggregator.wording.messages import MESSAGES
from aggregator.wording.phrases import Words, say
from aggregator.wording.phrases import day as written
from surveys.centre import Centre, Counter, Department
from surveys.definition import Survey
from surveys.messages import LANGUAGES, MessageError, Messages
from surveys.text import fault_of
from surveys.units import Unit

Kind = Literal["department", "counter"]
LONGEST_NAME = 200  # characters of a department's or counter's
FIXED = ("id", "time_zone")  # answers are counted under the one, by days of the other


class OrganisationError(MessageError):
    """Why a version of the centre's document is refused. Values may be Words."""

    section = "organisation.refused_"

    def text(self, messages: Messages, language: str) -> str:
        return say(self.message, **self.values).get("en" if language == "en" else "vi")

    def __str__(self) -> str:
        return self.text(MESSAGES, "en")


def changes(old: Centre, new: Centre, files: Mapping[str, Survey]) -> list[Words]:
    """What is different in ``new``, one sentence a change; empty where nothing is.

    ``files`` are the instruments besides those of the documents. Both are valid documents by
    themselves. Raises OrganisationError where answers that were given under ``old`` could not be
    accounted for under ``new``: an id that is gone or stands for something else, a counter that
    forgot where it stood.
    """
    own = [survey.id for survey in new.surveys]
    for survey in old.surveys:
        if survey.id not in own:
            raise OrganisationError("vanished_survey", survey=survey.title, id=survey.id)
    for name in FIXED:
        if getattr(old, name) != getattr(new, name):
            raise OrganisationError("fixed", field=say(f"organisation.field_{name}"))
    found = [
        *_unit_changes("department", old.department, new.department),
        *_unit_changes("counter", old.counter, new.counter),
        *_moves(old, new),
        *survey_changes(old.instruments_with(files), new.instruments_with(files), own),
    ]
    if not found and old.departments != new.departments:
        found.append(say("organisation.changed_order"))
    found += setting_changes(old, new, new.instruments_with(files))
    return found


def refuse_future(centre: Centre, today: date) -> None:
    """Raise OrganisationError where a unit has another name or place only after ``today``.

    A document says what is called how and stands where now, so it cannot be entered before.
    """
    for unit in (*centre.departments, *centre.counter.values()):
        if unit.formerly and (day := unit.formerly[-1].until) > today:
            raise OrganisationError("in_the_future", unit=unit.name, day=written(day))


def refuse_unshown(old: Centre | None, new: Centre) -> None:
    """Raise OrganisationError where a unit gets a name that no page or document could show."""
    before = {**old.department, **old.counter} if old else {}
    for id, unit in (*new.department.items(), *new.counter.items()):
        if before.get(id) == unit:
            continue
        names = [unit.name, *(former.name for former in unit.formerly if former.name)]
        for words in (one.get(language) for one in names for language in LANGUAGES):
            if fault_of(words, LONGEST_NAME):
                raise OrganisationError("bad_name", id=id, most=LONGEST_NAME)


def _unit_changes(
    kind: Kind,
    old: Mapping[str, Department] | Mapping[str, Counter],
    new: Mapping[str, Department] | Mapping[str, Counter],
) -> Iterator[Words]:
    for id, unit in new.items():
        if id in old:
            yield from _changed(kind, old[id], unit, new)
        else:
            opened = _dated("since", unit.opened)
            yield say(f"organisation.changed_added_{kind}", unit=unit.name, opened=opened)
            if unit.closed:
                yield from _closing(unit, unit.closed, new)
    for id, unit in old.items():
        if id not in new:
            raise OrganisationError(f"vanished_{kind}", unit=unit.name, id=id)


def _changed(
    kind: Kind, old: Unit, new: Unit, units: Mapping[str, Department] | Mapping[str, Counter]
) -> Iterator[Words]:
    if old.name != new.name:
        if old.closed and not new.closed:
            raise OrganisationError("reused", id=new.id, old=old.name, unit=new.name)
        renamed = next((one.until for one in reversed(new.formerly) if one.name == old.name), None)
        key = "renamed" if renamed else "corrected"
        day = written(renamed) if renamed else ""
        yield say(f"organisation.changed_{key}", old=old.name, unit=new.name, day=day)
    elif _names(old) != _names(new):
        yield say("organisation.changed_former_names", unit=new.name)
    if old.opened != new.opened:
        opened = _dated("since", new.opened)
        yield say("organisation.changed_opened", unit=new.name, opened=opened)
    if (old.closed, old.successor) != (new.closed, new.successor):
        if new.closed:
            yield from _closing(new, new.closed, units)
        else:
            yield say(f"organisation.changed_reopened_{kind}", unit=new.name)


def _closing(
    unit: Unit, day: date, units: Mapping[str, Department] | Mapping[str, Counter]
) -> Iterator[Words]:
    heir = units[unit.successor].name if unit.successor else ""
    key = "merged" if unit.successor else "closed"
    yield say(f"organisation.changed_{key}", unit=unit.name, heir=heir, day=written(day))


def _names(unit: Unit) -> list[object]:
    return [(one.until, one.name) for one in unit.formerly if one.name]


def _moves(old: Centre, new: Centre) -> Iterator[Words]:
    """Moves of counters, each of which must be told with its day."""
    for forgotten, department in sorted(old.stood - new.stood):
        unit, left = old.counter[forgotten].name, old.department[department]
        raise OrganisationError("forgot_where", unit=unit, department=left.name, id=left.id)
    for id, before in old.counter.items():
        counter = new.counter[id]
        own = new.department[new.department_of[id]].name
        if old.department_of[id] != new.department_of[id]:
            last = next(one for one in reversed(counter.formerly) if one.department)
            former = new.department[last.department or ""].name
            said = {"unit": counter.name, "left": former, "own": own, "day": written(last.until)}
            yield say("organisation.changed_moved", **said)
        elif _stands(before) != _stands(counter):
            yield say("organisation.changed_former_places", unit=counter.name)


def _stands(counter: Counter) -> list[object]:
    return [(one.until, one.department) for one in counter.formerly if one.department]


def _dated(key: str, day: date | None) -> Words | str:
    return say(f"organisation.{key}", day=written(day)) if day else ""
