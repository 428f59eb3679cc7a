"""Where the published figures disagree: found by recomputing, told apart from mere rounding."""

from collections import Counter
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.indices.discrepancies import Check, check, discrepancies, exact_text, formula
from surveys.centre import load_centre
from surveys.definition import Text
from surveys.published import PublishedTables, load_published
from surveys.statements import Claim, PrintedNumber

CENTRE = Path(__file__).parents[3] / "deploy" / "lai_chau.toml"

# Every disagreement of the source: (verdict, printed, recomputed to as many digits as matter).
DISAGREE = {
    ("par_year.2017", "I.2"): ("contradiction", "71.94", "71.92"),
    ("par_year.2019", "I.2"): ("contradiction", "79.51", "79.09"),
    ("par_survey_points", "I.2"): ("contradiction", "26.26", "26.68"),
    ("par_survey_lost.2", "I.3.1"): ("truncated", "0.9", "0.99"),
    ("par_target.3", "I.4.1"): ("truncated", "92", "92.64"),
    ("par_impact_rise", "I.4.1"): ("contradiction", "1", "2"),
    ("pci_change.time_costs", "II.2"): ("contradiction", "-0.7", "-0.07"),
    ("dossiers_received", "III.3"): ("contradiction", "10529", "10586"),
    ("overdue_share", "III.3"): ("contradiction", "0.8", "0.71"),
    ("online_procedures_share", "III.5.2"): ("truncated", "7.5", "7.55"),
}

# What only the rounding of the printed parts keeps from being exact.
ROUNDING = {
    ("par_lost.6", "I.3.1"): ("9.30", "9.28"),
    ("par_domain_8_2019", "I.3"): ("11.98", "11.94"),
    ("par_impact_target", "I.4.1"): ("66.6", "66.67"),
    ("par_sipas_percent", "I.3.1"): ("82.33", "82.30"),
    ("par_sipas_percent", "I.4.1"): ("82.33", "82.30"),
    ("pci_total.2016", "II.2"): ("53.46", "53.45"),
    ("pci_total.2019", "II.2"): ("59.95", "59.965"),
    ("pci_change.transparency", "II.2.2"): ("0.59", "0.60"),
    ("pci_change.fair_competition", "II.2.1"): ("1.18", "1.19"),
    ("pci_change.proactivity", "II.2.1"): ("0.57", "0.58"),
    ("pci_change.business_support", "II.2.2"): ("-0.48", "-0.49"),
}


@pytest.fixture(scope="module")
def published() -> PublishedTables:
    found = load_published(CENTRE, load_centre(CENTRE))
    assert found is not None
    return found


@pytest.fixture(scope="module")
def checks(published: PublishedTables) -> list[Check]:
    return discrepancies(published)


def rounded(value: Decimal, like: str) -> Decimal:
    return value.quantize(Decimal(like), ROUND_HALF_UP)


def test_exactly_these_statements_disagree(checks: list[Check]) -> None:
    found = {
        (one.id, one.section): (
            one.verdict,
            str(one.printed),
            str(rounded(one.recomputed, DISAGREE.get((one.id, one.section), "  1")[2])),
        )
        for one in checks
        if not one.agrees
    }
    assert found == DISAGREE


def test_exactly_these_agree_by_rounding_alone(checks: list[Check]) -> None:
    found = {
        (one.id, one.section): (
            str(one.printed),
            str(rounded(one.recomputed, ROUNDING[one.id, one.section][1])),
        )
        for one in checks
        if one.verdict == "rounding"
    }
    assert found == ROUNDING


def test_everything_else_is_exact(checks: list[Check]) -> None:
    verdicts = Counter(one.verdict for one in checks)
    assert verdicts["exact"] == len(checks) - len(DISAGREE) - len(ROUNDING)
    assert verdicts["exact"] > 100


@pytest.mark.parametrize(
    ("id", "section"),
    [
        *((f"par_year.{year}", "I.2") for year in (2012, 2013, 2014, 2015, 2016, 2018)),
        *((f"par_domains.{year}", section) for year in (2018, 2019) for section in ("I.2", "I.3")),
        ("pci_total.2017", "II.2"),
        ("pci_total.2018", "II.2"),
        ("overdue_share", "III.5.1"),
        ("on_time_share", "III.3"),
        ("very_satisfied_share", "III.3"),
        ("overdue_by_department", "III.3"),
        ("cancelled_by_department", "III.3"),
        ("online_level_3_by_department", "III.3"),
        ("online_level_4_by_department", "III.3"),
        ("postal_by_department", "III.3"),
        ("pci_change.time_costs", "II.2.2"),
    ],
)
def test_what_is_right_is_said_to_be_right(checks: list[Check], id: str, section: str) -> None:
    [one] = [one for one in checks if (one.id, one.section) == (id, section)]
    assert one.verdict == "exact"


def test_the_tolerance_is_that_of_the_printed_inputs(checks: list[Check]) -> None:
    """PCI 2019: ten scores known to 0.005 each, weights of 100 together, so 0.05 either way."""
    [one] = [one for one in checks if one.id == "pci_total.2019"]
    assert (one.recomputed, one.low, one.high) == (
        Decimal("59.965"),
        Decimal("59.915"),
        Decimal("60.015"),
    )


def test_counts_have_no_tolerance(checks: list[Check]) -> None:
    [one] = [one for one in checks if one.id == "dossiers_received"]
    assert one.low == one.recomputed == one.high == 10586


def test_what_the_numbers_alone_do_not_tell_is_noted(checks: list[Check]) -> None:
    noted = {one.id: one.note.en for one in checks if one.note}
    assert "28 too many" in noted["dossiers_received"]
    assert "79.51 less 52.83" in noted["par_survey_points"]
    assert [one.section for one in checks if one.id == "overdue_share" and one.note] == ["III.3"]


def test_how_the_target_of_domain_3_arises(checks: list[Check]) -> None:
    """(12.22 + 0.75) of 14 points is 92.64 %; the source prints 92 %."""
    [one] = [one for one in checks if one.id == "par_target.3"]
    assert formula(one, "vi") == "(12,22 + 0,75) / 14"
    assert exact_text(one.recomputed, "vi") == "92,643"


@pytest.mark.parametrize(
    ("id", "vi", "en"),
    [
        ("par_year.2017", "45,05 + 26,87", "45.05 + 26.87"),
        ("dossiers_received", "9.974 + 583 + 29", "9,974 + 583 + 29"),
        ("overdue_share", "71 / 9.974", "71 / 9,974"),
        ("par_impact_target", "(11,98 − 8,23 + 0,25) / (16 − 10)", None),
        ("cancelled_by_department", "1 + 4 + 24", "1 + 4 + 24"),
    ],
)
def test_the_formula_in_words_of_numbers(
    checks: list[Check], id: str, vi: str, en: str | None
) -> None:
    one = next(one for one in checks if one.id == id)
    assert formula(one, "vi") == vi
    if en:
        assert formula(one, "en") == en


def test_the_formula_of_a_composite_names_weights_and_scores(checks: list[Check]) -> None:
    text = formula(next(one for one in checks if one.id == "pci_total.2019"), "vi")
    assert text.startswith("(5 × 7,72 + 5 × 6,32 + 20 × 6,53 + ")
    assert text.endswith(" + 5 × 6,98) / 10")


def test_a_negative_figure_has_a_minus_sign() -> None:
    assert exact_text(Decimal("-0.70"), "vi") == "−0,70"


def test_every_disagreement_is_named_in_both_languages(checks: list[Check]) -> None:
    for one in checks:
        assert one.statement.vi != one.statement.en


# Whatever the unrounded figures are: rounding them is no contradiction.


def claim(
    printed: Decimal,
    terms: list[PrintedNumber],
    weights: Sequence[int] = (),
    of: Sequence[PrintedNumber] = (),
) -> Claim:
    return Claim(
        id="any",
        text=Text(vi="một số", en="any"),
        section="I",
        printed=PrintedNumber(printed, exact=False),
        terms=tuple(terms),
        weights=tuple(PrintedNumber(Decimal(weight), exact=True) for weight in weights),
        of=tuple(of),
        note=None,
    )


def round_to(value: Decimal, digits: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


unrounded = st.decimals(-99, 99, places=6, allow_nan=False)
scores = st.decimals(1, 10, places=6, allow_nan=False)
digits = st.integers(0, 3)


@given(st.lists(st.tuples(unrounded, digits), min_size=2, max_size=8), digits)
def test_a_rounded_sum_of_rounded_parts_always_agrees(
    parts: list[tuple[Decimal, int]], last: int
) -> None:
    total = sum((value for value, _ in parts), Decimal())
    terms = [PrintedNumber(round_to(value, places), exact=False) for value, places in parts]
    found = check(claim(round_to(total, last), terms))
    assert found.agrees
    assert found.low <= total <= found.high


@given(st.lists(st.tuples(scores, st.integers(1, 20)), min_size=1, max_size=10), digits)
def test_a_rounded_composite_of_rounded_scores_always_agrees(
    parts: list[tuple[Decimal, int]], last: int
) -> None:
    weights = [weight for _, weight in parts]
    exact = 10 * sum((s * w for s, w in parts), Decimal()) / sum(weights)
    terms = [PrintedNumber(round_to(score, 2), exact=False) for score, _ in parts]
    assert check(claim(round_to(exact, last), terms, weights)).agrees


@given(scores, scores, digits)
def test_a_rounded_percentage_of_rounded_parts_always_agrees(
    part: Decimal, whole: Decimal, last: int
) -> None:
    terms, of = (
        [PrintedNumber(round_to(part, 2), exact=False)],
        [PrintedNumber(round_to(whole, 1), exact=False)],
    )
    assert check(claim(round_to(100 * part / whole, last), terms, of=of)).agrees


@given(st.integers(0, 10**6), st.integers(1, 10**6), digits, st.sampled_from([-1, 1]))
def test_a_share_of_counts_printed_one_digit_off_never_agrees(
    k: int, n: int, last: int, off: int
) -> None:
    terms, of = [PrintedNumber(Decimal(k), exact=True)], [PrintedNumber(Decimal(n), exact=True)]
    right = round_to(100 * Decimal(k) / n, last)
    wrong = right + off * Decimal(1).scaleb(-last)
    assert check(claim(right, terms, of=of)).verdict == "exact"
    # Between two neighbours, at exactly half a unit, either may be printed.
    if abs(100 * Decimal(k) / n - wrong) > Decimal(1).scaleb(-last) / 2:
        assert not check(claim(wrong, terms, of=of)).agrees
