"""The parts of a form that few answered stay unknown though all its answers are added up."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from aggregator.statistics import FormSizes, audit, form_sums, withhold_form
from aggregator.statistics.forms import KINDS, POOL, Part

MINIMUM = 5


def named(answers: Sequence[int]) -> dict[str, int]:
    """Questions 0, 1, 2 … by how many answered them."""
    return {str(number): n for number, n in enumerate(answers)}


def one_factor(people: int, *answers: int) -> FormSizes:
    """A factor f that everybody answered."""
    return FormSizes(people, {"f": people}, {"f": named(answers)})


def safe(form: FormSizes, withheld: frozenset[Part]) -> bool:
    sizes, sums, silent = form_sums(form)
    groups = {(kind, part) for kind in KINDS for part in withheld}
    hidden = {group for group in groups if sizes.get(group)}
    return bool(audit(sizes, sums, MINIMUM, hidden, silent)["safe"].all())


def test_the_audit_knows_that_nobody_answers_a_question_twice() -> None:
    """184 answers of 60 people, of which two questions have 60 each: 64 are 60 and 4."""
    assert not safe(one_factor(60, 60, 60, 60, 4), frozenset({("f", "0"), ("f", "3")}))


@pytest.mark.parametrize(
    ("answers", "withheld"),
    [
        ((60, 55, 40, 30), set()),
        ((60, 55, 40, 4), {("f", "2"), ("f", "3")}),  # forty may have been sixty
        ((60, 60, 60, 0), set()),
        ((60, 60, 60, 4), {("f",), ("f", "0"), ("f", "1"), ("f", "2"), ("f", "3")}),
    ],
)
def test_a_question_of_few_is_guarded_by_one_that_others_skipped(
    answers: tuple[int, ...], withheld: set[Part]
) -> None:
    assert withhold_form(one_factor(60, *answers), MINIMUM) == withheld


def test_a_factor_of_few_is_withheld_with_its_questions_and_another() -> None:
    questions = {"a": named((60, 60)), "b": named((50, 30)), "c": named((3, 2))}
    found = withhold_form(FormSizes(60, {"a": 60, "b": 55, "c": 3}, questions), MINIMUM)
    assert found == {(factor, *question) for factor in "bc" for question in ((), ("0",), ("1",))}


def test_a_pool_of_few_is_withheld_with_everything() -> None:
    assert withhold_form(one_factor(4, 4, 4), MINIMUM) == {POOL, ("f",), ("f", "0"), ("f", "1")}


answers = st.tuples(st.integers(MINIMUM, 12), st.integers(2, 7)).flatmap(
    lambda shape: arrays(bool, shape, elements=st.sampled_from([True, True, True, False]))
)


@settings(max_examples=60)
@given(answers, st.integers(1, 6), st.integers(0, 6), st.integers(0, 4))
def test_every_size_of_a_small_part_stays_possible_or_no_part_is_shown(
    given_by: np.ndarray, split: int, skipped: int, few: int
) -> None:
    """Forms of two factors; one question answered by few."""
    given_by[few:, min(skipped, given_by.shape[1] - 1)] = False
    given_by = given_by[given_by.any(axis=1)]
    factors = {"a": given_by[:, :split], "b": given_by[:, split:]}
    questions = {key: named(part.sum(axis=0).tolist()) for key, part in factors.items()}
    people = {key: int(part.any(axis=1).sum()) for key, part in factors.items()}
    form = FormSizes(len(given_by), people, questions)
    withheld = withhold_form(form, MINIMUM)
    small = {
        (key, q)
        for key, asked in form.questions.items()
        for q, n in asked.items()
        if 0 < n < MINIMUM
    }
    assert small <= withheld
    parts = {(key,) for key in factors} | {
        (k, q) for k, asked in form.questions.items() for q in asked
    }
    assert parts <= withheld or safe(form, withheld)
    if not small and all(n >= MINIMUM or not n for n in form.factors.values()):
        assert not withheld


def test_nothing_is_shown_of_a_form_whose_parts_can_be_counted() -> None:
    """Five people, and five questions with one answer each: the mark of each tells its number."""
    answers = {str(number): 1 for number in range(5)}
    withheld = withhold_form(FormSizes(5, {"f": 5}, {"f": answers}), MINIMUM)
    assert POOL in withheld
    assert len(withheld) == 1 + 1 + 5
