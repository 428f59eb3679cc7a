"""Judging what devices handed in: which submissions have a flag, a day at a time."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property, lru_cache
from itertools import groupby
from statistics import median
from typing import Any

import orjson
from sqlalchemy import Connection, Row, String, cast, func, select
from sqlmodel import col

from aggregator.storage.database import Database
from aggregator.storage.flag_rules import FEW_FORMS, Place, Rating, Rules, Where, flags, together
from aggregator.storage.submissions import CHUNK, STANDING
from aggregator.storage.tables import SubmissionRow, Transactions
from surveys.centre import RATING, WEEKDAYS, Centre
from surveys.definition import Survey

WAYS = ("kiosk", "qr")  # what was typed in has no times of its own
USUAL_DAYS = 60  # before a day: what the usual day of a place is made of
FEWEST_DAYS = 10  # with answers at a place, from which on it has a usual day
AT_HAND = 200  # days of surveys whose flags a reader of rows keeps

At = tuple[str, str]  # department and counter, '' where there is none
Settled = Mapping[tuple[date, str], int]  # dossiers by day and department, '' for the centre
Usual = Callable[[date, At], float | None]  # the forms of a usual day, None where not known


@dataclass(frozen=True)
class Judge:
    """Says which submissions of a survey have a flag, by the limits of a centre's document.

    Judged is each rating, and each form of another survey; whatever else was said in the visit of
    a flagged rating has its flags, too.
    """

    survey: Survey
    centre: Centre

    def rules(self, connection: Connection, since: date, until: date) -> dict[int, Rules]:
        """By number, the flagged submissions of the survey with their rules; a day at a time."""
        settled = _settled(connection, since, until)
        usual = _Usual(connection, self.survey, since, until)
        found: dict[int, Rules] = {}
        rows = self._rows(connection, since, until)
        for day, of_day in groupby(rows, lambda row: row.day):
            found |= self.of_day(of_day, day, settled, usual)
        return found

    def of_day(
        self, rows: Iterable[Any], day: date, settled: Settled, usual: Usual
    ) -> dict[int, Rules]:
        """The same of a day's rows: submissions of the survey and of that of ratings, as they came.

        Of a row only what the rules look at is kept.
        """
        near = _near_hours(self.centre, day)
        judged: dict[int, Rating] = {}
        answered: dict[int, str | None] = {}  # the survey's own, with their visits
        rated: dict[int, str] = {}  # ratings, with their visits
        alike: dict[object, int] = {}
        for row in rows:
            if row.survey == self.survey.id:
                answered[row.number] = row.visit
            if not self.is_judged(row):
                continue
            if row.survey == self._of_ratings and row.visit:
                rated[row.number] = row.visit
            question, at = self._rating_of(row.survey), row.answered_at.timestamp()
            said = row.answers[question] if question else _likeness(row.answers)
            judged[row.number] = Rating(
                row.device,
                (row.survey, row.channel, row.department or "", row.counter or ""),
                int(at),
                alike.setdefault(said, len(alike)),
                not any(since <= at < until for since, until in near),
                bool(row.crowded),
            )
        ratings = [*judged.values()]
        places = self._places(ratings, day, settled, usual)
        given = dict(zip(judged, flags(ratings, places, self.centre.flags), strict=True))
        of_visits: dict[str | None, Rules] = {}
        for number, rated_in in rated.items():
            if given[number]:
                of_visits[rated_in] = together(of_visits.get(rated_in, ()), given[number])
        found = {}
        for number, visit in answered.items():
            is_rating = number in judged and self.survey.id == self._of_ratings
            of_visit = () if is_rating else of_visits.get(visit, ())
            if rules := together(given.get(number, ()), of_visit):
                found[number] = rules
        return found

    def is_judged(self, row: Any) -> bool:
        """Whether a submission is judged by itself: a rating, or a form of another survey."""
        question = self._rating_of(row.survey)
        return question is None or question in row.answers

    @property
    def _of_ratings(self) -> str:
        return self.centre.instruments.rating

    def _rating_of(self, survey: str) -> str | None:
        return self.survey.rating if survey == self.survey.id else RATING

    def _places(
        self, ratings: Iterable[Rating], day: date, settled: Settled, usual: Usual
    ) -> dict[Where, Place]:
        """The places of a day's ratings; their usual day where it may matter."""
        counters = {one.id: len(one.counters) for one in self.centre.departments}
        every = max(sum(counters.values()), 1)
        found: dict[Where, Place] = {}
        for key, n in Counter(one.place for one in ratings).items():
            _, channel, department, counter = key
            touch, dossiers = channel == "kiosk", settled.get((day, department))
            among = max(counters.get(department, 1), 1) if department else every
            asked = not touch and n > FEW_FORMS and dossiers is None
            before = usual(day, (department, counter)) if asked else None
            found[key] = Place(touch, 1 if counter else among, among, dossiers, before)
        return found

    def _rows(self, connection: Connection, since: date, until: date) -> Iterator[Row[Any]]:
        """What devices handed in of some days, day by day in the order of arrival."""
        of = SubmissionRow
        place = (col(of.device), col(of.channel), col(of.department), col(of.counter))
        said = (col(of.visit), col(of.answered_at), col(of.answers), col(of.crowded))
        query = select(col(of.number), col(of.day), col(of.survey), *place, *said).where(
            col(of.day).between(since, until),
            col(of.survey).in_({self.survey.id, self._of_ratings}),
            col(of.channel).in_(WAYS),
            col(of.device).is_not(None),  # what was imported may have days in place of times
        )
        ordered = query.order_by(col(of.day), col(of.number))
        yield from connection.execute(ordered, execution_options={"yield_per": CHUNK})


class RulesOfRows:
    """Calling it gives the rules by which a row of tables.SubmissionRow has a flag.

    For rows that are read one after another, however many: a day of a survey is judged when the
    first row of it is asked for, and of the last AT_HAND of these days the flagged are kept.
    Raises StorageError.
    """

    def __init__(self, database: Database, judges: Mapping[str, Judge]) -> None:
        """``judges`` by survey; of others nothing has a flag."""
        self._database, self._judges = database, judges
        self._of_day = lru_cache(AT_HAND)(self._judged)

    def __call__(self, row: Any) -> Rules:
        if row.device is None or row.channel not in WAYS:
            return ()
        return self._of_day(row.survey, row.day).get(row.number, ())

    def _judged(self, survey: str, day: date) -> Mapping[int, Rules]:
        judge = self._judges.get(survey)
        if judge is None:
            return {}
        with self._database.begin() as connection:
            return judge.rules(connection, day, day)


def _near_hours(centre: Centre, day: date) -> list[tuple[float, float]]:
    """From when until when, in seconds since 1970, a tap of a day is near the opening hours."""
    midnight = datetime.combine(day, time(0), centre.zone)
    if not centre.opens_on(day):
        return []
    if not centre.opening_hours:
        return [(midnight.timestamp(), (midnight + timedelta(days=1)).timestamp())]
    by = timedelta(minutes=centre.flags.outside_minutes)
    return [
        (
            (datetime.combine(day, hours.opens, centre.zone) - by).timestamp(),
            (datetime.combine(day, hours.closes, centre.zone) + by).timestamp(),
        )
        for hours in centre.opening_hours
        if WEEKDAYS[day.weekday()] in hours.days
    ]


def _likeness(answers: Mapping[str, Any]) -> bytes:
    """The same of the same answers; short, since a day may have hundreds of thousands."""
    return hashlib.blake2b(orjson.dumps(sorted(answers.items())), digest_size=16).digest()


def _settled(connection: Connection, since: date, until: date) -> Settled:
    """The dossiers of the days by department, '' for the centre, where they are known."""
    of = Transactions
    columns = col(of.day), col(of.department), col(of.dossiers)
    rows = connection.execute(select(*columns).where(col(of.day).between(since, until)))
    return {(day, department): dossiers for day, department, dossiers in rows}


class _Usual:
    """How many forms the code of a place gets on a usual day: the median of those before.

    Of the USUAL_DAYS before a day those count on which anybody answered at the place, in whatever
    way; of fewer than FEWEST_DAYS nothing is known. What was said after a rating in its visit is no
    form of its own.
    """

    def __init__(self, connection: Connection, survey: Survey, since: date, until: date) -> None:
        self._connection, self._survey = connection, survey
        self._since, self._until = since, until

    def __call__(self, day: date, place: At) -> float | None:
        since = day - timedelta(days=USUAL_DAYS)
        before = [n for at, n in self._forms.get(place, {}).items() if since <= at < day]
        return float(median(before)) if len(before) >= FEWEST_DAYS else None

    @cached_property
    def _forms(self) -> dict[At, dict[date, int]]:
        """By place and day; read where some code was sent often."""
        of, rating = SubmissionRow, self._survey.rating
        key = (col(of.day), col(of.channel), col(of.department), col(of.counter))
        first, last = self._since - timedelta(days=USUAL_DAYS), self._until - timedelta(days=1)
        query = select(*key, func.count()).where(
            col(of.survey) == self._survey.id,
            col(of.day).between(first, last),
            col(of.channel).in_(WAYS),
            STANDING,
        )
        if rating is not None:
            query = query.where(cast(col(of.answers), String).contains(f'"{rating}"'))
        found: dict[At, dict[date, int]] = defaultdict(lambda: defaultdict(int))
        for day, channel, department, counter, n in self._connection.execute(query.group_by(*key)):
            found[department or "", counter or ""][day] += n if channel == "qr" else 0
        return found
