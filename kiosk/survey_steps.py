"""A full survey step by step: which questions are on which screen, and what leads where."""

from dataclasses import dataclass

from kiosk.forms import whole_number
from surveys.definition import Question, Survey, Text

ABOUT = "about"  # the id of the step after the factors


@dataclass(frozen=True)
class Step:
    """One screen of a full survey: the questions of a factor.

    ``id`` is the factor's. The ``last`` step, ``about``, has no name: it asks about the respondent,
    and for a comment.
    """

    number: int
    id: str
    name: Text | None
    questions: tuple[Question, ...]
    last: bool


def steps_of(survey: Survey) -> tuple[Step, ...]:
    """The steps of a survey, in order, numbered from 1."""
    factors = [factor for factor in survey.factors if factor.questions]
    asks_about_respondent = bool(survey.profile) or survey.comment
    total = len(factors) + asks_about_respondent
    steps = [
        Step(number, factor.id, factor.name, factor.questions, number == total)
        for number, factor in enumerate(factors, 1)
    ]
    if asks_about_respondent:
        steps.append(Step(total, ABOUT, None, survey.profile, last=True))
    return tuple(steps)


def step_after(button: str, step: Step, total: int) -> int:
    """The number of the step to which a button leads, of ``total`` steps.

    ``button`` is ``previous``, ``next`` or a number; anything else stays on this step.
    """
    if button == "previous":
        return max(1, step.number - 1)
    if button == "next":
        return min(total, step.number + 1)
    number = whole_number(button)
    return number if number is not None and 1 <= number <= total else step.number
