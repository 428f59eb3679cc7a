"""How many of the citizens' cases were answered in time: of each department, and in all."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal, get_args

from aggregator.figures.figure import Figure
from aggregator.storage.store import Store
from aggregator.wording.phrases import Words, joined, say
from surveys.centre import Centre

# What became of a case: answered in time or not, not answered past its deadline, or not yet due.
Outcome = Literal["in_time", "late", "overdue", "waiting"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)


@dataclass(frozen=True)
class Handled:
    """A case: its department, '' without one, what became of it, and its time.

    ``hours`` are opening hours of the centre until the first answer, None without one.
    """

    department: str
    outcome: Outcome
    hours: float | None


def cases_in_time(
    store: Store, centre: Centre, since: date, until: date, now: datetime
) -> dict[str, tuple[int, int]]:
    """By department how many cases are decided, and how many of them were answered in time.

    Of the cases opened on the centre's days, both included, those count that were answered or
    whose deadline has passed; in time are those of which no answer was late. Those without a
    department are nobody's yet, and left out.
    """
    found: dict[str, tuple[int, int]] = {}
    for one in handled_cases(store, centre, since, until, now):
        if one.department and one.outcome != "waiting":
            n, k = found.get(one.department, (0, 0))
            found[one.department] = (n + 1, k + (one.outcome == "in_time"))
    return found


def handled_cases(
    store: Store, centre: Centre, since: date, until: date, now: datetime
) -> list[Handled]:
    """The cases opened on the centre's days, both included, as they stood at ``now``.

    What happened later is left out, so that a report of a past moment can be made again. A case
    that was reopened has a new deadline; that of before it is counted anew from its opening.
    It counts for the department that has it then. Raises database.StorageError.
    """
    found = []
    for one, events in store.cases.histories(*_moments(centre, since, until)):
        department, answers, awaiting, due = "", list[datetime](), True, one.due_at
        if one.reopened:
            due = centre.after_open(one.opened_at, centre.cases.answer_hours)
        late = False
        for event in events:
            if event.at > now:
                break
            match event.kind:
                case "assigned":
                    department, awaiting = event.department or "", True
                case "answered":
                    answers.append(event.at)
                    late, awaiting = late or (one.missed and event.at > due), False
                case "reopened":
                    due, awaiting = one.due_at, True
        outcome: Outcome = "late" if late else "waiting" if awaiting else "in_time"
        if awaiting and due < now:
            outcome = "overdue"
        took = centre.open_between(one.opened_at, answers[0]) if answers else None
        hours = None if took is None else took / timedelta(hours=1)
        found.append(Handled(store.cases.heir(department), outcome, hours))
    return found


def _moments(centre: Centre, since: date, until: date) -> tuple[datetime, datetime]:
    """When the first of some days begins, and the day after the last one."""
    ends = (since, until + timedelta(days=1))
    begin, end = (datetime.combine(day, time(), centre.zone) for day in ends)
    return begin, end


def in_time_figure(name: str, whose: Words, decided: tuple[int, int]) -> Figure:
    """The share of cases answered in time. It counts all there are: there is no interval."""
    n, k = decided
    return Figure(
        name=f"{name}.in_time",
        title=joined(whose, say("cases.in_time")),
        value=k / n if n else None,
        unit="share",
        definition=say("cases.in_time_how"),
        k=k,
        n=n,
        source=say("cases.source"),
    )
