"""Judging what devices handed in: which submissions have a flag, a day at a time."""

import hashlib
from collections import defaultdict
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
from aggregator.storage.submissions import CHUNK, EVERY, STANDING
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
        rows = self._rows(connection, since, until, EVERY)
        for day, of_day in groupby(rows, lambda row: row.day):
            found |= self.of_day(of_day, day, settled, usual)
        return found

    def of_day(
        self, rows: Iterable[Any], day: date, settled: Settled, usual: Usual
    ) -> dict[int, Rules]:
        """The same of a day's submissions, of the survey and of that of ratings, as they came."""
        judged = JudgedDay(self, day, settled)
        judged.add(rows, usual)
        return judged.rules()

    def newest(self, connection: Connection, day: date, numbers: range) -> "JudgedDay":
        """A day with those of its submissions that have these numbers."""
        judged = JudgedDay(self, day, _settled(connection, day, day))
        judged.add(self._rows(connection, day, day, numbers), self.usual(connection, day))
        return judged

    def usual(self, connection: Connection, day: date) -> Usual:
        """How many forms a place gets on a usual day before this one."""
        return _Usual(connection, self.survey, day, day)

    def is_judged(self, row: Any) -> bool:
        """Whether a submission is judged by itself: a rating, or a form of another survey."""
        question = self._rating_of(row.survey)
        return question is None or question in row.answers

    @property
    def of_ratings(self) -> str:
        return self.centre.instruments.rating

    def said(self, row: Any) -> Any:
        """What a submission said: the level that was given, or all of it."""
        question = self._rating_of(row.survey)
        return row.answers[question] if question else _likeness(row.answers)

    def _rating_of(self, survey: str) -> str | None:
        return self.survey.rating if survey == self.survey.id else RATING

    def can_judge(self, row: Any) -> bool:
        """Whether a submission is of a survey that is looked at, and told its time itself."""
        own = row.survey in (self.survey.id, self.of_ratings) and row.channel in WAYS
        return own and row.device is not None  # what was imported may have days in place of times

    def _rows(
        self, connection: Connection, since: date, until: date, numbers: range
    ) -> Iterator[Row[Any]]:
        """What devices handed in of some days, day by day in the order of arrival."""
        of = SubmissionRow
        place = (col(of.device), col(of.channel), col(of.department), col(of.counter))
        said = (col(of.visit), col(of.answered_at), col(of.answers), col(of.crowded))
        query = select(col(of.number), col(of.day), col(of.survey), *place, *said).where(
            col(of.day).between(since, until),
            col(of.number).between(numbers.start, numbers.stop - 1),
            col(of.survey).in_({self.survey.id, self.of_ratings}),
            col(of.channel).in_(WAYS),
            col(of.device).is_not(None),  # as can_judge
        )
        ordered = query.order_by(col(of.day), col(of.number))
        yield from connection.execute(ordered, execution_options={"yield_per": CHUNK})


class JudgedDay:
    """The flags of what devices handed in on a day; answers may be added as they come in.

    Of a submission only what the rules look at is kept. No rule looks beyond a place.
    """

    def __init__(self, judge: Judge, day: date, settled: Settled) -> None:
        self._judge = judge
        self._day = day
        self._settled = settled
        self._usual: dict[At, float | None] = {}
        self._near = _near_hours(judge.centre, day)
        self._at: dict[Where, dict[int, Rating]] = defaultdict(dict)  # by place and number
        self._judged: set[int] = set()
        self._answered: dict[int, str | None] = {}  # the survey's own, with their visits
        self._rated: dict[int, str] = {}  # ratings, with their visits
        self._alike: dict[object, int] = {}
        self._flagged: dict[int, Rules] = {}

    def __len__(self) -> int:
        return len(self._judged)

    def add(self, rows: Iterable[Any], usual: Usual) -> None:
        """Add submissions of the day that can be judged, in the order of arrival."""
        judge, places = self._judge, set()
        for row in rows:
            if row.survey == judge.survey.id:
                self._answered[row.number] = row.visit
            if not judge.is_judged(row):
                continue
            if row.survey == judge.of_ratings and row.visit:
                self._rated[row.number] = row.visit
            place = (row.survey, row.channel, row.department or "", row.counter or "")
            at = row.answered_at.timestamp()
            places.add(place)
            self._judged.add(row.number)
            self._at[place][row.number] = Rating(
                row.device,
                place,
                int(at),
                self._alike.setdefault(judge.said(row), len(self._alike)),
                not any(since <= at < until for since, until in self._near),
                bool(row.crowded),
            )
        for place in places:
            self._judge_place(place, self._at[place], usual)

    def rules(self) -> dict[int, Rules]:
        """By number, the flagged submissions of the survey with their rules."""
        if not self._flagged:
            return {}
        of_visits: dict[str | None, Rules] = {}
        for number, rated_in in self._rated.items():
            if number in self._flagged:
                before = of_visits.get(rated_in, ())
                of_visits[rated_in] = together(before, self._flagged[number])
        is_rating = self._judge.survey.id == self._judge.of_ratings
        found = {}
        for number, visit in self._answered.items():
            of_visit = () if is_rating and number in self._judged else of_visits.get(visit, ())
            if rules := together(self._flagged.get(number, ()), of_visit):
                found[number] = rules
        return found

    def _judge_place(self, where: Where, ratings: Mapping[int, Rating], usual: Usual) -> None:
        """The flags of one place and day; its usual day is asked for where it may matter."""
        judge, (_, channel, department, counter) = self._judge, where
        counters = {one.id: len(one.counters) for one in judge.centre.departments}
        touch, dossiers = channel == "kiosk", self._settled.get((self._day, department))
        every = max(sum(counters.values()), 1)
        among = max(counters.get(department, 1), 1) if department else every
        asked = not touch and len(ratings) > FEW_FORMS and dossiers is None
        at = department, counter
        if asked and at not in self._usual:
            self._usual[at] = usual(self._day, at)
        before = self._usual[at] if asked else None
        place = Place(touch, 1 if counter else among, among, dossiers, before)
        given = flags([*ratings.values()], {where: place}, judge.centre.flags)
        for number, rules in zip(ratings, given, strict=True):
            if rules:
                self._flagged[number] = rules
            else:
                self._flagged.pop(number, None)


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
