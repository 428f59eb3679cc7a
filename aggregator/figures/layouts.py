"""All layouts of kept sums that figures of a survey are read by, besides those of tallies."""

from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta

from aggregator.figures.attitude import OfShifts
from aggregator.figures.respondents import OfHours, Profile
from aggregator.organisation.seen import seen
from aggregator.storage.flags import Flagging, Share
from aggregator.storage.reasons import Reasons
from aggregator.storage.rollups import Layout, Partial, hours_in
from aggregator.storage.verify import LAYOUTS
from surveys.centre import Centre
from surveys.definition import Survey


def layouts_read(centre: Centre) -> Callable[[Survey], Iterator[Layout]]:
    """The layouts that figures of a survey may be read by under this document, some twice."""
    centres = list(_seen(centre))

    def of(survey: Survey) -> Iterator[Layout]:
        made = [*_of_answers(centre, survey)]
        for one in centres:
            of_centre: list[Partial] = [*made, OfShifts(survey, one)]
            of_centre += [OfHours(survey, one)] if survey.pooled_measures else []
            yield from of_centre
            yield from layouts_ahead(one)(survey)
            flagging = Flagging(survey, one)
            yield from (Share(layout, flagging) for layout in of_centre)

    return of


def layouts_ahead(centre: Centre) -> Callable[[Survey], list[Layout]]:
    """Those that are made before anybody asks, for Store.roll_up: of flags and of hours."""

    def of(survey: Survey) -> list[Layout]:
        hours = [] if survey.rating is None else [hours_in(centre.zone)]
        return [Flagging(survey, centre), *hours]

    return of


def _of_answers(centre: Centre, survey: Survey) -> Iterator[Partial]:
    """Those made of answers that are the same however the centre is seen."""
    if Reasons.are_asked(survey):
        yield Reasons.of(survey)
    yield from _profiles(centre, survey)


def names_read(centre: Centre, surveys: Iterable[Survey]) -> dict[str, set[str]]:
    """By survey the names of all layouts that its figures are read by, those of tallies too."""
    of = layouts_read(centre)
    return {one.id: {layout.name for layout in (*LAYOUTS, *of(one))} for one in surveys}


def _seen(centre: Centre) -> Iterator[Centre]:
    """The centre as it is seen in figures: as it is now, and of each day on which it changed."""
    yield centre
    yield seen(centre, "now", date.max)
    counters = [counter for own in centre.departments for counter in own.counters]
    ends = {former.until for counter in counters for former in counter.formerly}
    for until in {date.max, *ends, *(end - timedelta(days=1) for end in ends)}:
        yield seen(centre, "then", until)


def _profiles(centre: Centre, survey: Survey) -> Iterator[Partial]:
    """By the variables of the margins of the centre, and of each department that has its own."""
    if not survey.pooled_measures:
        return
    own = [one for one in centre.margins if one.survey == survey.id]
    for department in {one.department for one in own}:
        names = [one.variable for one in own if one.department == department]
        if variables := tuple(name for name in names if name != "channel"):
            yield Profile(survey, variables, survey.measured_ids, survey.pooled_measures)
