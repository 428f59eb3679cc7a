"""Circular 01/2018/TT-VPCP: nine indicators of how a department handles its dossiers.

Each indicator gives 0 to 2 points, all together at most 18. Points are integers and decimals,
not floats, so that a total that reaches the bound of a band exactly is not missed by rounding.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

MOST = 2  # points of an indicator
BY_DOSSIER = (1, 2, 3, 4, 7)  # points are the mean over dossiers, to one decimal
BY_DEPARTMENT = (5, 6, 8, 9)
FEEDBACK = 8
INDICATORS = tuple(sorted(BY_DOSSIER + BY_DEPARTMENT))
# The questions of the survey of the same name; the code of an answer is its points.
QUESTIONS: Mapping[int, str] = {3: "desk_contacts", 4: "agencies_contacted", 7: "staff_attitude"}

Complaint = Literal["none", "not_upheld", "upheld"]
Extent = Literal["full", "part", "none"]
Source = Literal["records", "answers", "facts", "cases"]
Band = Literal["excellent", "good", "fair", "average", "weak"]

EXTENT: Mapping[Extent, int] = {"full": 2, "part": 1, "none": 0}
BANDS: tuple[tuple[int, Band], ...] = ((15, "excellent"), (12, "good"), (9, "fair"), (6, "average"))


@dataclass(frozen=True)
class Dossier:
    """What is recorded of one settled dossier; None where it is not recorded.

    ``agencies_early``, ``_on_time`` and ``_late`` are how many agencies took less than their
    time, exactly their time, and more.
    """

    days_allowed: Decimal | None = None
    days_taken: Decimal | None = None
    agencies_early: int | None = None
    agencies_on_time: int | None = None
    agencies_late: int | None = None
    desk_contacts: int | None = None
    agencies_contacted: int | None = None
    complaint: Complaint | None = None


def dossier_points(dossier: Dossier) -> dict[int, int | None]:
    """Points by indicator, None where unanswered: 0, 1 and 2 as the circular gives them.

    Our choices where it is silent: of several agencies the slowest decides; a complaint that
    was not upheld is none; a late result without a complaint has no points for attitude.
    """
    time = _time(dossier.days_taken, dossier.days_allowed)
    return {
        1: time,
        2: _agencies(dossier.agencies_early, dossier.agencies_on_time, dossier.agencies_late),
        3: _none_one_more(dossier.desk_contacts),
        4: _none_one_more(dossier.agencies_contacted),
        7: _attitude(dossier.complaint, time),
    }


def _time(taken: Decimal | None, allowed: Decimal | None) -> int | None:
    if taken is None or allowed is None:
        return None
    return 2 if taken < allowed else 1 if taken == allowed else 0


def _agencies(early: int | None, on_time: int | None, late: int | None) -> int | None:
    if early is None or on_time is None or late is None:
        return None
    return 0 if late else 1 if on_time else 2 if early else None


def _none_one_more(times: int | None) -> int | None:
    return None if times is None else max(MOST - times, 0)


def _attitude(complaint: Complaint | None, time: int | None) -> int | None:
    return 0 if complaint == "upheld" else None if complaint is None else time


@dataclass(frozen=True)
class Facts:
    """What a department states about itself on a day; None where it does not say.

    ``feedback`` is how many feedbacks were filed since its previous facts, ``feedback_on_time``
    how many of them were answered in time; both are known or neither is.
    """

    decided_at_desk: Extent | None = None
    posted: bool | None = None
    published_online: bool | None = None
    feedback: int | None = None
    feedback_on_time: int | None = None
    online: Extent | None = None


def combined(facts: Iterable[Facts]) -> Facts:
    """Facts of several days, in order, as one: the last known value of each, feedback summed."""
    last: dict[str, object] = {}
    filed = on_time = None
    for one in facts:
        last |= {name: value for name, value in vars(one).items() if value is not None}
        if one.feedback is not None and one.feedback_on_time is not None:
            filed = (filed or 0) + one.feedback
            on_time = (on_time or 0) + one.feedback_on_time
    return Facts(**(last | {"feedback": filed, "feedback_on_time": on_time}))  # type: ignore[arg-type]


def facts_points(facts: Facts) -> dict[int, int | None]:
    """Points by indicator, None where unanswered.

    Deciding at the desk (5) and handling online (9) are stated as full, part or none: this is
    our choice, since the circular's thresholds for these two were not at hand.
    """
    return {
        5: None if facts.decided_at_desk is None else EXTENT[facts.decided_at_desk],
        6: _publication(facts.posted, facts.published_online),
        FEEDBACK: _feedback(facts.feedback, facts.feedback_on_time),
        9: None if facts.online is None else EXTENT[facts.online],
    }


def _publication(posted: bool | None, online: bool | None) -> int | None:
    return None if posted is None or online is None else posted + online


def _feedback(filed: int | None, on_time: int | None) -> int | None:
    if filed is None or on_time is None:
        return None
    return 2 if on_time == filed else 1 if 10 * on_time >= 9 * filed else 0


@dataclass(frozen=True)
class Counts:
    """How many dossiers, or answers, got 0, 1 or 2 points of an indicator, or are unanswered."""

    unanswered: int = 0
    zero: int = 0
    one: int = 0
    two: int = 0

    @classmethod
    def of(cls, points: Iterable[int | None]) -> "Counts":
        values = list(points)
        return cls(*(values.count(value) for value in (None, 0, 1, 2)))

    @property
    def answered(self) -> int:
        return self.zero + self.one + self.two

    @property
    def points(self) -> int:
        return self.one + 2 * self.two


def answer_counts(given: Mapping[int, Mapping[int, int]]) -> dict[int, Counts]:
    """Counts by indicator, from how often citizens gave each code (0, 1, 2) to its question.

    The number of people is taken to be the answers of the question that has most; those who
    are missing at another question count as unanswered there.
    """
    people = max((sum(codes.values()) for codes in given.values()), default=0)
    return {
        number: Counts(people - sum(codes.values()), *(codes.get(p, 0) for p in range(MOST + 1)))
        for number, codes in given.items()
    }


@dataclass(frozen=True)
class IndicatorScore:
    """The score of one indicator. ``points`` is None where nobody answered; it then adds 0.

    ``reachable`` is what it would be with full points for all that was answered: an unanswered
    dossier counts in the mean with 0 points. ``source`` says where the answers come from.
    ``cases`` are, where these are the source, how many were decided and how many of them in time.
    """

    indicator: int
    points: Decimal | None
    reachable: Decimal
    counts: Counts
    source: Source
    cases: tuple[int, int] | None = None

    @property
    def answered(self) -> int:
        return self.counts.answered

    @property
    def unanswered(self) -> int:
        return self.counts.unanswered

    @property
    def dossiers(self) -> int:
        """How many dossiers, or answers, there are."""
        return self.answered + self.unanswered


@dataclass(frozen=True)
class DepartmentScore:
    """A department's nine indicators, their total and band.

    ``band`` is None where no indicator was answered, since unknown does not mean weak.
    """

    indicators: tuple[IndicatorScore, ...]

    @property
    def total(self) -> Decimal:
        return sum((one.points for one in self.indicators if one.points is not None), Decimal("0"))

    @property
    def reachable(self) -> Decimal:
        return sum((one.reachable for one in self.indicators), Decimal("0"))

    @property
    def dossiers(self) -> int:
        """The number of dossiers recorded: those of indicator 1, which only records give."""
        first = self.indicators[0]
        return first.answered + first.unanswered

    @property
    def unanswered(self) -> int:
        """The number of indicators that nobody answered."""
        return sum(one.points is None for one in self.indicators)

    @property
    def band(self) -> Band | None:
        return None if self.unanswered == len(self.indicators) else band(self.total)


def band(total: Decimal) -> Band:
    """The band of a total: excellent from 15 points, good 12, fair 9, average 6, else weak."""
    return next((name for least, name in BANDS if total >= least), "weak")


def mean(points: int, n: int) -> Decimal:
    """points / n to one decimal, halves rounded up (our choice), by integer arithmetic."""
    return Decimal((20 * points + n) // (2 * n)).scaleb(-1)


def score_department(
    records: Mapping[int, Counts],
    answers: Mapping[int, Counts],
    facts: Mapping[int, int | None],
    cases: tuple[int, int] | None = None,
) -> DepartmentScore:
    """The score of a department from its dossiers, its citizens' answers and its own facts.

    ``records`` and ``answers`` are counts by indicator, ``facts`` points by indicator. An
    indicator comes from one source: the records if any dossier has it, else the answers. No
    dossier number joins the two, so together they would count dossiers twice.

    ``cases`` are how many of its cases are decided, and how many of them in time. They give
    indicator 8 where the department states no feedback: what it states may have come to it in
    other ways, too, and may hold these very cases, so the two are never added.
    """
    scores = []
    for number in INDICATORS:
        if number in BY_DEPARTMENT:
            points = facts.get(number)
            if number == FEEDBACK and points is None and cases is not None and cases[0]:
                scores.append(_of_facts(number, _feedback(*cases), cases))
            else:
                scores.append(_of_facts(number, points))
            continue
        recorded, said = records.get(number, Counts()), answers.get(number, Counts())
        source: Source = "answers" if said.answered and not recorded.answered else "records"
        scores.append(_of_counts(number, said if source == "answers" else recorded, source))
    return DepartmentScore(tuple(scores))


def _of_counts(indicator: int, counts: Counts, source: Source) -> IndicatorScore:
    if not counts.answered:
        return IndicatorScore(indicator, None, Decimal("0"), counts, source)
    n = counts.answered + counts.unanswered
    points, reachable = mean(counts.points, n), mean(MOST * counts.answered, n)
    return IndicatorScore(indicator, points, reachable, counts, source)


def _of_facts(
    indicator: int, points: int | None, cases: tuple[int, int] | None = None
) -> IndicatorScore:
    counts = Counts.of([points])
    if points is None:
        return IndicatorScore(indicator, None, Decimal("0"), counts, "facts")
    source: Source = "facts" if cases is None else "cases"
    return IndicatorScore(indicator, Decimal(points), Decimal(MOST), counts, source, cases)
