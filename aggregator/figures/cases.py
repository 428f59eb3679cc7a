"""How many of the citizens' cases were answered in time: of each department, and in all."""

from datetime import date, datetime, time, timedelta

from aggregator.figures.figure import Figure
from aggregator.storage.store import Store
from aggregator.wording.phrases import Words, joined, say
from surveys.centre import Centre


def cases_in_time(
    store: Store, centre: Centre, since: date, until: date, now: datetime
) -> dict[str, tuple[int, int]]:
    """By department how many cases are decided, and how many of them were answered in time.

    Of the cases opened on the centre's days, both included; see Cases.in_time. Those without a
    department are nobody's yet, and left out.
    """
    begin, end = (
        datetime.combine(day, time(), centre.zone) for day in (since, until + timedelta(days=1))
    )
    return store.cases.in_time(begin, end, now)


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
