"""How many honest ratings get a flag, and how many of those that somebody makes up."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby
from random import Random
from statistics import median
from typing import Any, NamedTuple

from aggregator.demo.quarter import Quarter
from aggregator.storage.judging import At, Judge
from surveys.centre import Centre
from surveys.definition import Survey

HONEST = (0.963, 0.037, 0.0, 0.0, 0.0)  # the faces of the published figure, the best first
DAY = date(2026, 11, 20)  # a Friday
SERVED = 4.0  # minutes at a counter, and as many more on average


class Rating(NamedTuple):
    """A rating as it is stored; each is a visit of its own."""

    device: int
    channel: str
    department: str
    counter: str | None
    answered_at: datetime
    answers: dict[str, int]
    crowded: bool = False
    number: int = 0
    survey: str = "in_centre"
    visit: str | None = None


@dataclass(frozen=True)
class Row:
    """How many of some ratings have a flag."""

    what: str
    ratings: int
    flagged: int
    honest: bool

    @property
    def share(self) -> float:
        return self.flagged / self.ratings


Settled = dict[tuple[date, str], int]


def of_flags(centre: Centre, surveys: dict[str, Survey], days: int, seed: int) -> Iterator[Row]:
    """Honest traffic, then attacks, each among the honest ratings of its day.

    With the day's dossiers, and without them: then only what came on days before is known of a
    code.
    """
    chance = Random(seed)
    judge = Judge(surveys[centre.instruments.rating], centre)
    yield _of_demonstration(centre, surveys, judge)
    for name, served in (("quiet centre, 12 a counter", 12), ("busy centre, 55 a counter", 55)):
        before = usual_of(centre, served, chance)
        for told, known in (("", True), (", no dossiers", False)):
            honest = flagged = 0
            for number in range(days):
                day = DAY - timedelta(days=7 * (number % 40))
                ratings, settled = honest_day(centre, day, served, chance)
                honest += len(ratings)
                flagged += found_in(judge, ratings, day, settled if known else {}, before)
            yield Row(name + told, honest, flagged, True)
    before = usual_of(centre, 12, chance)
    for name, attack in ATTACKS.items():
        ratings, settled = honest_day(centre, DAY, 12, chance)
        made_up = attack(centre, chance)
        together = sorted([*ratings, *made_up], key=lambda one: one.answered_at)
        for told, of_day in (("", settled), (", no dossiers", Settled())):
            if told and "forms" not in name:
                continue  # dossiers tell of no taps
            own = found_in(judge, ratings, DAY, of_day, before)
            found = found_in(judge, together, DAY, of_day, before)
            yield Row(name + told, len(made_up), min(found - own, len(made_up)), False)


class Slow(NamedTuple):
    """So many taps of the worst face on each of ``days`` at one counter, on how many a flag.

    ``share`` is that of the counter's satisfied with them, ``without`` that of its visitors.
    """

    a_day: int
    days: int
    seen: int
    share: float
    without: float


def of_slow_taps(centre: Centre, survey: Survey, days: int, seed: int) -> Iterator[Slow]:
    """Taps that are spread evenly over the opening hours of a counter with 12 visitors a day."""
    chance, judge = Random(seed), Judge(survey, centre)
    for a_day in (10, 20, 40, 120):
        seen = k = n = 0
        for number in range(days):
            day = DAY - timedelta(days=7 * number)
            ratings, settled = honest_day(centre, day, 12, chance)
            opens, lunch = datetime.combine(day, time(7, 30), centre.zone), timedelta(hours=4)
            made_up = []
            for at in range(a_day):
                since = timedelta(hours=7.5) * (at + 0.5) / a_day
                moment = opens + since + (timedelta(hours=2) if since > lunch else timedelta())
                made_up.append(Rating(1, "kiosk", "so_tu_phap", "q05", moment, {"rating": 1}))
            own = found_in(judge, ratings, day, settled, {})
            together = sorted([*ratings, *made_up], key=lambda one: one.answered_at)
            seen += found_in(judge, together, day, settled, {}) > own
            faces = [one.answers["rating"] for one in ratings if one.counter == "q05"]
            k, n = k + sum(one >= 4 for one in faces), n + len(faces)
        yield Slow(a_day, days, seen, k / (n + a_day * days), k / n)


def found_in(
    judge: Judge,
    ratings: Sequence[Rating],
    day: date,
    settled: Settled,
    usual: Mapping[At, float],
) -> int:
    """How many of a day's ratings have a flag."""
    rows = [one._replace(number=number) for number, one in enumerate(ratings)]
    return len(judge.of_day(rows, day, settled, lambda _, place: usual.get(place)))


def usual_of(centre: Centre, served: int, chance: Random) -> dict[At, float]:
    """The forms of a usual day of each code, from twenty honest days."""
    counted: dict[At, list[int]] = defaultdict(list)
    places = [(d.id, c.id) for d in centre.open_departments(DAY) for c in d.counters]
    for _ in range(20):
        ratings, _ = honest_day(centre, DAY, served, chance)
        forms = Counter((one.department, one.counter) for one in ratings if one.channel == "qr")
        for place in places:
            counted[place].append(forms[place])
    return {place: float(median(numbers)) for place, numbers in counted.items()}


def _of_demonstration(centre: Centre, surveys: dict[str, Survey], judge: Judge) -> Row:
    """The simulated quarter of the demonstration, with its dossiers."""
    now = datetime.combine(DAY, time(18), centre.zone)
    quarter = Quarter(centre, surveys, now)
    ratings = []
    for _, items in quarter.batches():
        for item in items:
            if "rating" in item["answers"]:
                at = datetime.fromisoformat(item["answered_at"])
                place = (item["channel"], item["department"], item["counter"])
                ratings.append(Rating(1, *place, at, item["answers"]))
    settled: Settled = {
        (row["day"], row["department"]): row["dossiers"]  # type: ignore[misc]
        for row in quarter.transactions
    }
    ratings.sort(key=lambda one: one.answered_at)
    flagged = sum(
        found_in(judge, [*own], day, settled, {})
        for day, own in groupby(ratings, lambda one: one.answered_at.astimezone(centre.zone).date())
    )
    return Row("demonstration, a quarter", len(ratings), flagged, True)


def honest_day(
    centre: Centre, day: date, served: int, chance: Random
) -> tuple[list[Rating], Settled]:
    """People served one after the other at each counter: half of them rate, a fifth by phone.

    Some taps come minutes late, when several leave together. Returns the ratings in the order
    of their times, and the day's dossiers by department.
    """
    ratings, settled = [], {}
    for department in centre.open_departments(day):
        settled[day, department.id] = 0
        for counter in department.counters:
            moment = datetime.combine(day, time(7, 30), centre.zone)
            for _ in range(served):
                moment += timedelta(minutes=SERVED + chance.expovariate(served / 360))
                if not centre.is_attended(moment):
                    moment = max(moment, datetime.combine(day, time(13, 30), centre.zone))
                if not centre.is_attended(moment):
                    break
                settled[day, department.id] += chance.random() < 0.6
                if chance.random() < 0.5:
                    way = "qr" if chance.random() < 0.2 else "kiosk"
                    later = timedelta(seconds=chance.expovariate(1 / 30))
                    at = (1, way, department.id, counter.id, moment + later)
                    ratings.append(Rating(*at, {"rating": face(chance)}))
    return sorted(ratings, key=lambda one: one.answered_at), settled


def face(chance: Random) -> int:
    return chance.choices((5, 4, 3, 2, 1), HONEST)[0]


def _attack(hour: int, way: str, n: int, every: float, code: int | None = None) -> Any:
    """Ratings at one counter from an hour on, one every so many seconds; without a code any."""

    def made(centre: Centre, chance: Random) -> list[Rating]:
        begin = datetime.combine(DAY, time(hour, 5), centre.zone)
        return [
            Rating(
                1,
                way,
                "so_tu_phap",
                "q05",
                begin + timedelta(seconds=every * number * chance.uniform(0.9, 1.1)),
                {"rating": code or chance.randint(1, 5)},
            )
            for number in range(n)
        ]

    return made


ATTACKS: dict[str, Callable[[Centre, Random], list[Rating]]] = {
    "2,000 forms of one code in 8 s": _attack(6, "qr", 2_000, 0.004, 1),
    "300 forms of one code, one in 30 s": _attack(8, "qr", 300, 30, 1),
    "the same, faces at random": _attack(8, "qr", 300, 30),
    "staff: 100 taps of the best, one in 3 s": _attack(10, "kiosk", 100, 3, 5),
    "staff: 60 taps of the best, one in 30 s": _attack(9, "kiosk", 60, 30, 5),
    "40 taps in the evening, one in 60 s": _attack(20, "kiosk", 40, 60, 5),
    "30 forms in a day, one in 10 minutes": _attack(8, "qr", 30, 600, 1),
    "40 taps in a day, one in 10 minutes": _attack(8, "kiosk", 40, 600, 5),
    "10 taps in a day, one in 30 minutes": _attack(8, "kiosk", 10, 1_800, 5),
}
