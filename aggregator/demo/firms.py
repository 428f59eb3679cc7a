"""Firms that rate one department each: enough of them for most departments to be ranked (DDCI)."""

from collections.abc import Iterator
from datetime import datetime

from aggregator.demo.calendar import (
    RHYTHM,
    SLOW,
    Batch,
    closing,
    filled,
    new_id,
    opening_days,
    stream,
    within,
)
from surveys.centre import Centre, Department
from surveys.definition import Question, Survey

BUSINESS = "business"
# What one department can answer for: the statements of deploy/ddci.toml.
STATEMENTS = (
    *("b3_2", "b3_3", "b4_1", "b4_2", "b4_3", "b4_4"),
    *("b5_1", "b6_1", "b7_1", "b7_2"),
)
FIRMS, FIRMS_OF_FEW = (42, 60), (8, 25)  # of a department in the quarter: fewest and most
FEW = 3  # departments that hardly any firm has to do with
DECLINED = 0.08


class Firms:
    """The firms of the quarter, more satisfied with some departments than with others."""

    def __init__(self, centre: Centre, business: Survey, now: datetime) -> None:
        self._centre = centre
        self._questions = [business.questions[id_] for id_ in STATEMENTS]
        self._business = business
        self._now = now
        self._random = stream(centre, now, "firms")

    def batches(self) -> Iterator[Batch]:
        """The forms of each department by day, delivered when the centre closes.

        A department's firms come on at most twelve days.
        """
        departments = self._centre.departments
        few = self._random.sample(departments, min(FEW, len(departments) // 3))
        days = list(opening_days(self._centre, self._now))
        for department in departments:
            pleased = 0.4 if department.id == SLOW else self._random.uniform(0.5, 0.9)
            left = self._random.randint(*(FIRMS_OF_FEW if department in few else FIRMS))
            for day in sorted(self._random.sample(days, 12)):
                here = min(left, 5)
                left -= here
                hours = sorted(self._random.choices(list(RHYTHM), list(RHYTHM.values()), k=here))
                moments = [within(hour, day, self._centre, self._random) for hour in hours]
                forms = [self._form(department, moment, pleased) for moment in moments]
                answered = [
                    form for form, at in zip(forms, moments, strict=True) if at <= self._now
                ]
                yield min(closing(self._centre, day), self._now), answered

    def _form(self, department: Department, moment: datetime, pleased: float) -> dict[str, object]:
        place = {
            "department": department.id,
            "counter": self._random.choice([c.id for c in department.counters] or [None]),
            "channel": "qr",
            "visit": new_id(self._random),
        }
        answers = {
            question.id: self._answer(question, pleased)
            for question in self._questions
            if self._random.random() >= DECLINED
        }
        return filled(new_id(self._random), BUSINESS, place, moment, answers)

    def _answer(self, question: Question, pleased: float) -> int:
        """A random code, favourable to the department with probability ``pleased``."""
        scale = self._business.scale_of(question)
        assert scale is not None  # noqa: S101 - these statements are rated, all of them
        [agreeing] = scale.measures.values()
        good = (self._random.random() < pleased) == (question.direction == "higher_is_better")
        return self._random.choice([code for code in scale.codes if (code in agreeing) == good])
