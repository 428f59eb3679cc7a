"""The organisation as figures are shown under it: that of their time, or that of today.

Answers are stored under the units at which they were given, and that is the organisation of
their time. Under that of today each unit is replaced by what it was merged into. Both are total
functions of the same counts, so no total can differ.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Literal, NamedTuple, get_args

from surveys.centre import Centre, Counter, Department, Reference
from surveys.definition import Text

Seen = Literal["then", "now"]
SEEN: tuple[Seen, ...] = get_args(Seen)
THEN: Seen = "then"  # where nobody says


def following(centre: Centre, organisation: Seen) -> Mapping[str, Mapping[str, str]]:
    """What ids in stored counts stand for; ids that are not in it stand for themselves."""
    if organisation == "then":
        return {}
    return {"department": centre.department_heirs, "counter": centre.counter_heirs}


def merged_into(centre: Centre, organisation: Seen, department: str | None) -> tuple[str, ...]:
    """The departments whose answers count as those of one."""
    heirs = following(centre, organisation).get("department", {})
    return tuple(id for id, heir in heirs.items() if heir == department)


def seen(centre: Centre, organisation: Seen, until: date) -> Centre:
    """The centre's document as figures of a period that ends on ``until`` are shown under it.

    Of their time: every unit, under its name of that day and where it stood then. Of today: the
    units that have not been merged into others, and references that were bound to merged ones.
    """
    if organisation == "now":
        departments = [one for one in centre.departments if one.id not in centre.department_heirs]
        merged = centre.counter_heirs
        kept = [_with(one, [c for c in one.counters if c.id not in merged]) for one in departments]
        return _changed(centre, departments=kept, references=tuple(_references(centre)))
    if not centre.has_changed:
        return centre
    stands: dict[str, list[Counter]] = {one.id: [] for one in centre.departments}
    for own in centre.departments:
        for counter in own.counters:
            former = (f.department for f in counter.formerly if f.department and until < f.until)
            stands[next(former, own.id)].append(_named(counter, until))
    departments = [_with(_named(one, until), stands[one.id]) for one in centre.departments]
    return _changed(centre, departments=departments)


def _changed(centre: Centre, **changes: Any) -> Centre:
    """A copy with other fields, not validated: it is a view, no document."""
    fields = {name: getattr(centre, name) for name in Centre.model_fields}
    return Centre.model_construct(**{**fields, **changes})


def _with(department: Department, counters: Sequence[Counter]) -> Department:
    return department.model_copy(update={"counters": tuple(counters)})


def _named(unit: Any, day: date) -> Any:
    return unit.model_copy(update={"name": unit.name_on(day)})


def _references(centre: Centre) -> Iterator[Reference]:
    """References under the organisation of today.

    Those of departments that were merged into one add up, where the source prints the counts
    of each; else what there is of them is marked as of a part.
    """
    merged: dict[tuple[Any, ...], list[Reference]] = {}
    for reference in centre.references:
        heir = centre.department_heirs.get(reference.department or "", reference.department)
        if heir not in {*centre.department_heirs.values()}:
            yield reference
            continue
        about = reference.model_dump(include={"survey", "measure", "period_from", "period_to"})
        merged.setdefault((heir, reference.source, *about.values()), []).append(reference)
    for (heir, *_), parts in merged.items():
        own = {id for id, to in centre.department_heirs.items() if to == heir} | {heir}
        there = {
            id for id in own if centre.department[str(id)].is_open_within(None, parts[0].period_to)
        }
        counts = [(one.k, one.n) for one in parts if one.k is not None and one.n is not None]
        if len(counts) == len(parts) and {one.department for one in parts} == there:
            k, n = (sum(column) for column in zip(*counts, strict=True))
            yield parts[0].model_copy(
                update={"label": _together(parts), "department": heir, "k": k, "n": n}
            )
        else:
            yield from (one.of_a_part(str(heir)) for one in parts)


def _together(parts: Sequence[Reference]) -> Text:
    return Text(
        vi=" + ".join(one.label.vi for one in parts), en=" + ".join(one.label.en for one in parts)
    )


def counters_at(centre: Centre, department: str) -> tuple[Counter, ...]:
    """The counters that stand or stood at a department, as if they had never been elsewhere.

    One that moved away has closed by that day; of one that came nothing before is told.
    """
    found = []
    for own in centre.departments:
        for counter in own.counters:
            stood = [one for one in counter.formerly if one.department]
            places = [*(one.department for one in stood), own.id]
            if department in places:
                at = len(places) - 1 - places[::-1].index(department)  # the last time it stood here
                days = [counter.opened, *(one.until for one in stood), counter.closed]
                named = [one for one in counter.formerly if one.name]
                called = tuple(one.model_copy(update={"department": None}) for one in named)
                changes = {"opened": days[at], "closed": days[at + 1], "formerly": called}
                found.append(counter.model_copy(update={**changes, "successor": None}))
    return tuple(found)


class Stand(NamedTuple):
    """A counter at a department: the rows by counter, since counters move."""

    counter: str
    department: str

    def key(self, centre: Centre) -> str:
        """The counter's id where it stands there; elsewhere also the department's."""
        home = centre.department_of.get(self.counter) == self.department
        return self.counter if home else f"{self.counter}@{self.department}"


def departments_shown(
    centre: Centre, since: date | None, until: date | None, given: Collection[str]
) -> list[Department]:
    """The departments that a period's figures are of: open in it, or among those ``given``.

    ``centre`` is one that ``seen`` returned.
    """
    return [
        one for one in centre.departments if one.id in given or one.is_open_within(since, until)
    ]


def counters_shown(
    centre: Centre,
    department: Department,
    since: date | None,
    until: date | None,
    given: Collection[Stand],
) -> list[Stand]:
    """The counters of a department's figures: its own, and those that have stood there."""
    own = [
        stand
        for one in department.counters
        for stand in [Stand(one.id, department.id)]
        if stand in given or one.is_open_within(since, until)
    ]
    away = sorted(stand for stand in given if stand.department == department.id and stand.counter)
    return [
        *own,
        *(stand for stand in away if stand not in own and stand.counter in centre.counter),
    ]
