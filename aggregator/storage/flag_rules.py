"""Which ratings of a day have a sign that they should not count as the others do.

Pure, and without NumPy or pandas: exports name flags, too, and load neither.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import Literal, NamedTuple, get_args

from surveys.guards import Flags

FlagRule = Literal["burst", "run", "closed", "unserved", "taps", "code", "network"]
FLAG_RULES: tuple[FlagRule, ...] = get_args(FlagRule)
Where = tuple[str, ...]  # survey, channel, department and counter
Rules = tuple[FlagRule, ...]  # by which something has a flag, in the order of FLAG_RULES
# The limit of each that turns it off where it is 0 or false.
SWITCHES: Mapping[FlagRule, str] = {
    "burst": "burst_ratings",
    "run": "run_ratings",
    "closed": "outside_hours",
    "unserved": "nobody_served",
    "taps": "touch_a_day",
    "code": "phone_a_day",
    "network": "same_network",
}

VISITS = 2  # for each dossier: 18,000 visits to 9,974 dossiers in the report of 2020, rounded up
UNEVEN = 1.5  # so many times its part of a department's visitors a counter may have
FEW_FORMS = 10  # of one code, or taps at one place, on a day are never too many


class Place(NamedTuple):
    """Where ratings of one way were given on a day.

    ``touch``: on a touch screen, and else on a phone. It stands for ``counters`` of the ``among``
    that its department has. ``dossiers`` are those that the department settled that day, ``usual``
    the forms of a usual day of the place, each None where that is not known.
    """

    touch: bool
    counters: int = 1
    among: int = 1
    dossiers: int | None = None
    usual: float | None = None


class Rating(NamedTuple):
    """One rating, at a time in seconds, since whenever.

    ``said`` is the level that was given, or all that was said: only whether two are equal counts.
    ``closed``: too far from the opening hours. ``crowded``: from a network that had sent many.
    """

    device: int | None
    place: Where
    at: int
    said: Hashable
    closed: bool = False
    crowded: bool = False


def flags(ratings: Sequence[Rating], places: Mapping[Where, Place], limits: Flags) -> list[Rules]:
    """The rules by which each rating of one day has a flag; the ratings are in any order."""
    touch = {number for number, one in enumerate(ratings) if places[one.place].touch}
    phone = {*range(len(ratings))} - touch

    def having(sign: str) -> Collection[int]:
        return {number for number, one in enumerate(ratings) if getattr(one, sign)}

    found: dict[FlagRule, Collection[int]] = {
        "burst": _crowded(ratings, limits.burst_ratings, limits.burst_seconds, alike=False),
        "run": _crowded(ratings, limits.run_ratings, limits.run_minutes * 60, alike=True),
        "closed": touch & {*having("closed")} if limits.outside_hours else (),
        "unserved": _unserved(ratings, places) if limits.nobody_served else (),
        "taps": _too_many(ratings, places, touch, limits.touch_a_day),
        "code": _too_many(ratings, places, phone, limits.phone_a_day, limits.phone_usual),
        "network": having("crowded") if limits.same_network else (),
    }
    return [
        tuple(rule for rule in FLAG_RULES if number in found[rule])
        for number in range(len(ratings))
    ]


def together(*given: Rules) -> Rules:
    """The rules of several, each once."""
    return tuple(rule for rule in FLAG_RULES if any(rule in one for one in given))


def _unserved(ratings: Sequence[Rating], places: Mapping[Where, Place]) -> Collection[int]:
    return {number for number, one in enumerate(ratings) if places[one.place].dossiers == 0}


def _crowded(
    ratings: Sequence[Rating], least: int, seconds: int, *, alike: bool
) -> Collection[int]:
    """Which ratings are of ``least`` that follow one another at a source within ``seconds``.

    A source is a device at a place. With ``alike`` all of them, and none between, say the same.
    0 is never.
    """
    marked: set[int] = set()
    if not least:
        return marked
    sources: dict[tuple[int | None, Where], list[int]] = defaultdict(list)
    for number, one in enumerate(ratings):
        sources[one.device, one.place].append(number)
    for own in sources.values():
        own.sort(key=lambda number: ratings[number].at)
        begins = 0  # where those that say the same begin
        for end, number in enumerate(own):
            if alike and ratings[number].said != ratings[own[begins]].said:
                begins = end
            first = end + 1 - least
            if first >= begins and ratings[number].at - ratings[own[first]].at <= seconds:
                marked.update(own[first : end + 1])
    return marked


def _too_many(
    ratings: Sequence[Rating],
    places: Mapping[Where, Place],
    own: Collection[int],
    a_day: int,
    usual: int = 0,
) -> Collection[int]:
    """Which ratings are of more than their place has visitors, of those of one way (``own``).

    More than ``a_day`` for each counter are too many. How many visitors there are the dossiers of
    the day tell; where they are not known, ``usual`` times what came on days before. Which were
    too many nobody can tell, so it is all of that place and day. 0 is never.
    """
    if not a_day:
        return ()
    sent = Counter(ratings[number].place for number in own)
    over = {place for place, n in sent.items() if n > _most(places[place], a_day, usual)}
    return {number for number in own if ratings[number].place in over}


def _most(place: Place, a_day: int, usual: int) -> float:
    """The most ratings of a place that are not too many."""
    most = a_day * place.counters
    if place.dossiers is not None:
        part = UNEVEN * place.counters / place.among if place.counters < place.among else 1
        expected = VISITS * place.dossiers * part
    elif usual and place.usual is not None:
        expected = usual * place.usual
    else:
        return most
    return min(most, max(expected, FEW_FORMS))
