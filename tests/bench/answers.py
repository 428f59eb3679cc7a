"""Two years of what stands behind the pages that a centre acts by: answers as citizens gave them,
who sat where, and what was done about it. Tallies are in years.py.
"""

import random
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from itertools import count
from sqlite3 import Connection
from uuid import UUID

import orjson

from aggregator.demo.citizens import PRAISE, WISHES
from surveys.definition import load_surveys

ANSWERS = 200_000
COMMENTED = 9  # of so many answers one has a comment
SHIFTS = ((450, 690), (810, 1_020))  # from when until when, in minutes of a day
CASES, ALERTS = 5, 4  # of each working day
TAPS = 6  # of one burst, which has a flag
BURST = {"rating": 5, "reasons": [3]}
BURST_HOUR = 9  # of the centre's clock
Place = tuple[str, str]  # counter and department
Step = tuple[str, datetime, str | None, str | None]  # of a case: what, when, to whom, and words
CASE = (
    *("number", "submission", "way", "department", "state", "opened_at", "due_at"),
    *("answered_at", "closed_at", "missed", "reopened", "last"),
)
CASE_EVENT = ("number", "case_number", "at", "kind", "actor", "department", "text")
SURVEYS = load_surveys()
CRITERIA = [question.id for question in SURVEYS["sipas_2020"].measured]


def burst_at(day: date, places: Sequence[Place]) -> Place:
    """Where somebody taps TAPS times, one after the other, on a day."""
    return places[day.toordinal() % len(places)]


def fill(connection: Connection, places: Sequence[Place], days: Sequence[date]) -> None:
    """Write, of working days in their order, everything but the tallies; within a transaction."""
    chance = random.Random(29)
    shifts = (
        (day.isoformat(), counter, *hours, str(100 + 2 * at + (turn + day.day) % 2))
        for day in days
        for at, (counter, _) in enumerate(places)
        for turn, hours in enumerate(SHIFTS)
    )
    _insert(connection, "shift", ("day", "counter", "begins", "ends", "official"), shifts)
    names = (
        *("id", "survey", "department", "counter", "channel", "visit", "answered_at", "answers"),
        *("comment", "day", "received_at", "digest", "device", "fingerprint"),
    )
    given = (_answer(chance, places, days, at) for at in range(ANSWERS))
    _insert(connection, "submission", names, given)
    taps = (_tap(chance, burst_at(day, places), day, n) for day in days for n in range(TAPS))
    _insert(connection, "submission", names, taps)
    _comments(connection)
    _cases(connection, places, days)
    _alerts(connection, places, days)


def _insert(
    connection: Connection, table: str, names: Sequence[str], rows: Iterable[tuple[object, ...]]
) -> None:
    marks = ", ".join("?" * len(names))
    written = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})"
    connection.executemany(written, rows)


def _answer(
    chance: random.Random, places: Sequence[Place], days: Sequence[date], number: int
) -> tuple[object, ...]:
    """Of ten answers nine are ratings with a reason, one is a full survey."""
    day, place = days[number * len(days) // ANSWERS], chance.choice(places)
    hour = chance.choice((1, 2, 3, 7, 8, 9))  # UTC: 8 to 10 and 14 to 16 at the centre
    moment = datetime(day.year, day.month, day.day, hour, number % 60)

    def level() -> int:
        return chance.choices((5, 4, 3, 2, 1), (60, 25, 8, 5, 2))[0]

    survey, answers = "in_centre", {"rating": level(), "reasons": [chance.randint(1, 5)]}
    if number % 10 == 0:
        survey, answers = "sipas_2020", {name: level() for name in CRITERIA}
    comment = chance.choice((*PRAISE, *WISHES)) if number % COMMENTED == 0 else None
    return _row(chance, survey, place, moment, answers, comment)


def _tap(chance: random.Random, place: Place, day: date, number: int) -> tuple[object, ...]:
    moment = datetime(day.year, day.month, day.day, BURST_HOUR - 7, 30, 2 * number)
    return _row(chance, "in_centre", place, moment, BURST, None)


def _row(
    chance: random.Random,
    survey: str,
    place: Place,
    moment: datetime,
    answers: dict[str, object],
    comment: str | None,
) -> tuple[object, ...]:
    id, visit = (str(UUID(int=chance.getrandbits(128), version=4)) for _ in "ab")
    counter, department = place
    at, written = moment.isoformat(" "), orjson.dumps(answers).decode()
    of = (id, survey, department, counter, "kiosk", visit, at, written, comment)
    return (*of, moment.date().isoformat(), at, "", 1, SURVEYS[survey].fingerprint)


def _comments(connection: Connection) -> None:
    """One comment in ten has a tag, one in a hundred is hidden from the public."""
    query = "SELECT number, answered_at FROM submission WHERE comment IS NOT NULL ORDER BY number"
    rows = connection.execute(query).fetchall()
    tags = ("chờ lâu", "giấy tờ", "thái độ", "khen", "cơ sở vật chất")
    events = (
        (number, at, "bench", "tag" if n % 100 else "hide", tags[n // 10 % 5] if n % 100 else "")
        for n, (number, at) in enumerate(rows)
        if n % 10 == 0
    )
    names = ("comment", "at", "actor", "kind", "value")
    _insert(connection, "comment_event", names, events)


def _cases(connection: Connection, places: Sequence[Place], days: Sequence[date]) -> None:
    """Cases of every day: half of comments; answered and closed, but for those of the last days."""
    query = "SELECT id FROM submission WHERE comment IS NOT NULL ORDER BY number"
    comments = [id for (id,) in connection.execute(query)]
    cases, events, told = [], [], []
    numbers = count(1)
    for number, (at, day) in enumerate(((n, day) for day in days for n in range(CASES)), 1):
        opened = datetime(day.year, day.month, day.day, 2, 10 * at)
        steps: list[Step] = [("received", opened, None, WISHES[number % len(WISHES)])]
        department = places[number % len(places)][1]
        left = len(days) - (number - 1) // CASES  # days until today
        answered = opened + timedelta(days=4 if number % 12 else 16)
        if left > 1:
            steps.append(("assigned", opened + timedelta(hours=1), department, None))
        if left > 8 and number % 400:
            steps.append(("answered", answered, None, "Đã có phiếu hướng dẫn một lần."))
            steps.append(("closed", answered + timedelta(hours=2), None, None))
        for kind, moment, to, text in steps:
            events.append((next(numbers), number, moment.isoformat(" "), kind, "bench", to, text))
        closed = steps[-1][0] == "closed"
        done = [(steps[n][1].isoformat(" ") if closed else None) for n in (-2, -1)]
        of = comments[number * len(comments) // (len(days) * CASES + 1)] if number % 2 else None
        due = (opened + timedelta(days=14)).isoformat(" ")
        state = (steps[-1][0], opened.isoformat(" "), due, *done, not number % 12 and closed)
        way, to = "comment" if of else "letter", department if left > 1 else None
        cases.append((number, of, way, to, *state, False, events[-1][0]))
        if closed and number % 6 == 0:
            said = ("Chờ lâu khi nộp hồ sơ.", "Đã mở thêm quầy vào sáng thứ Hai.")
            told.append((number, done[1], "bench", *said))
    _insert(connection, "citizen_case", CASE, cases)
    _insert(connection, "case_event", CASE_EVENT, events)
    _insert(connection, "public_answer", ("case_number", "at", "actor", "said", "done"), told)


def _alerts(connection: Connection, places: Sequence[Place], days: Sequence[date]) -> None:
    """Alerts of every day that lasted an hour; one in four nobody has looked at."""
    alerts, posts = [], []
    level = {"k": 3, "n": 10, "level_vi": "Bình thường", "level_en": "Neutral"}
    for number, (at, day) in enumerate(((n, day) for day in days for n in range(ALERTS)), 1):
        begun = datetime(day.year, day.month, day.day, 2 + at)
        ended, sent = ((begun + timedelta(minutes=n)).isoformat(" ") for n in (60, 1))
        seen = (ended, "bench", "Đã xem.") if number % 4 else (None, None, None)
        subject = f"counter:{places[number % len(places)][0]}:{at}"
        what = ("low_ratings", subject, orjson.dumps(level).decode())
        alerts.append((number, *what, begun.isoformat(" "), ended, None, *seen))
        posts.append((number, "webhook", begun.isoformat(" "), 1, sent))
    names = ("number", "rule", "subject", "details", "begun_at", "ended_at", "live")
    _insert(connection, "alert", (*names, "seen_at", "seen_by", "note"), alerts)
    post = ("alert", "channel", "due_at", "tries", "sent_at")
    _insert(connection, "alert_post", post, posts)
