"""DDCI: the sample configuration, a ranking computed by hand, and the intervals of ranks."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.dashboard.context import MESSAGES
from aggregator.indices.ddci import (
    DRAWS,
    RankedDepartment,
    Ranking,
    Unranked,
    rank_departments,
    statement_counts,
)
from aggregator.indices.ddci_definition import Ddci
from aggregator.intake.ddci import load_ddci, read_hard_data
from aggregator.wording import numbers
from surveys.centre import load_centre
from surveys.definition import DefinitionError, Survey, load_surveys
from surveys.messages import LANGUAGES

ROOT = Path(__file__).parents[3]
SAMPLE = ROOT / "deploy" / "ddci.toml"
CENTRE = ROOT / "deploy" / "lai_chau.toml"
SURVEYS = load_surveys()
BUSINESS = SURVEYS["business"]

# b4_1 is better when high, b5_1 when low.
TWO = """\
survey = "business"
minimum_answers = 10
source = { vi = "Mẫu", en = "Sample" }

[[components]]
id = "time_costs"
name = { vi = "Chi phí thời gian", en = "Time costs" }
weight = 60
statements = ["b4_1"]

[[components]]
id = "informal_charges"
name = { vi = "Chi phí không chính thức", en = "Informal charges" }
weight = 40
statements = ["b5_1"]
"""
HARD = """\
hard = [{ column = "late", name = { vi = "Quá hạn", en = "Late" }, direction = "lower_is_better" }]
"""


def loaded(tmp_path: Path, text: str) -> Ddci:
    path = tmp_path / "ddci.toml"
    path.write_text(text, "utf-8")
    return load_ddci(path, SURVEYS)


@pytest.fixture
def two(tmp_path: Path) -> Ddci:
    return loaded(tmp_path, TWO)


def answers(rows: Mapping[str, Mapping[str, tuple[int, int]]]) -> pd.DataFrame:
    """k and n by department and question."""
    return pd.DataFrame(
        [
            {"department": department, "question": question, "k": k, "n": n}
            for department, questions in rows.items()
            for question, (k, n) in questions.items()
        ],
        columns=["department", "question", "k", "n"],
    )


def ranking(
    config: Ddci,
    rows: Mapping[str, Mapping[str, tuple[int, int]]],
    hard: Mapping[str, Mapping[str, float]] | None = None,
    survey: Survey = BUSINESS,
) -> Ranking:
    return rank_departments(config, survey, answers(rows), hard or {}, list(rows))


THREE = {
    "a": {"b4_1": (90, 100), "b5_1": (30, 100)},
    "b": {"b4_1": (50, 100), "b5_1": (10, 100)},
    "c": {"b4_1": (70, 100), "b5_1": (50, 100)},
}


# The sample


def test_the_sample_fits_the_business_survey() -> None:
    config = load_ddci(SAMPLE, SURVEYS)
    assert len(config.components) == 9
    assert sum(component.weight for component in config.components) == 100


def test_the_sample_with_soft_data_alone_says_what_it_leaves_out() -> None:
    config = load_ddci(SAMPLE, SURVEYS)
    used = [s for component in config.components for s in component.statements]
    found = ranking(config, {d: dict.fromkeys(used, (k, 100)) for d, k in (("a", 40), ("b", 60))})
    assert found.left_out == (
        "business_support",
        "legal_institutions",
        "information_technology",
        "land_access",
    )
    assert found.columns_left_out == (
        "on_time_percent",
        "dialogues",
        "upheld_complaints",
        "online_percent",
    )
    assert list(found.weights) == [
        "transparency",
        "proactivity",
        "time_costs",
        "informal_charges",
        "fair_competition",
    ]
    assert sum(found.weights.values()) == pytest.approx(100)
    assert found.weights["time_costs"] == pytest.approx(100 * 12 / 56)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("weight = 60", "weight = 50", "weights are 90 together, not 100"),
        ("weight = 60", "weight = 0", "components.0.weight"),
        ('["b4_1"]', '["b4_9"]', "components.time_costs.statements: .* no measured .* 'b4_9'"),
        ('["b4_1"]', '["b1_2"]', "no measured question 'b1_2'"),
        ('["b4_1"]', '["b5_1"]', "used twice: b5_1"),
        ('survey = "business"', 'survey = "firms"', "there is no survey 'firms'"),
        ("minimum_answers = 10", "minimum_answers = 0", "minimum_answers"),
        ("minimum_answers = 10", "", "minimum_answers: Field required"),
    ],
)
def test_a_broken_configuration_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(DefinitionError, match=rf"^ddci\.toml: .*{said}"):
        loaded(tmp_path, TWO.replace(old, new, 1))


# A ranking by hand


def test_composites_computed_by_hand(two: Ddci) -> None:
    """Time costs 10, 1, 5.5 and, being bad when high, charges of 30, 10, 50 %: 5.5, 10, 1."""
    found = {row.department: row for row in ranking(two, THREE).ranked}
    assert {name: row.components for name, row in found.items()} == {
        "a": pytest.approx({"time_costs": 10, "informal_charges": 5.5}),
        "b": pytest.approx({"time_costs": 1, "informal_charges": 10}),
        "c": pytest.approx({"time_costs": 5.5, "informal_charges": 1}),
    }
    assert [round(found[name].score.value, 6) for name in "abc"] == [82, 46, 37]
    assert [found[name].rank for name in "abc"] == [1, 2, 3]


def test_several_indicators_of_a_component_are_averaged(tmp_path: Path) -> None:
    config = loaded(tmp_path, TWO.replace('["b4_1"]', '["b4_1"]\n' + HARD))
    hard = {"a": {"late": 20.0}, "b": {"late": 0.0}, "c": {"late": 10.0}}
    found = {row.department: row for row in ranking(config, THREE, hard).ranked}
    # Late: a 1, b 10, c 5.5; with b4_1 the means are 5.5, 5.5, 5.5.
    assert [found[name].components["time_costs"] for name in "abc"] == pytest.approx([5.5] * 3)


def test_hard_data_that_nobody_gave_is_left_out_and_said(tmp_path: Path) -> None:
    config = loaded(tmp_path, TWO.replace('["b4_1"]', '["b4_1"]\n' + HARD))
    found = ranking(config, THREE)
    assert found.columns_left_out == ("late",)
    assert found.left_out == ()
    assert [row.department for row in found.ranked] == ["a", "b", "c"]


def test_a_component_of_hard_data_alone_does_not_change_with_the_draws(tmp_path: Path) -> None:
    config = loaded(tmp_path, TWO.replace('statements = ["b4_1"]', HARD))
    hard = {"a": {"late": 20.0}, "b": {"late": 0.0}, "c": {"late": 10.0}}
    rows = {name: {"b5_1": THREE[name]["b5_1"]} for name in THREE}
    found = {row.department: row for row in ranking(config, rows, hard).ranked}
    assert [found[name].components["time_costs"] for name in "abc"] == pytest.approx([1, 10, 5.5])
    # Late gives b 60 points whatever the firms say, charges between 4 and 40.
    assert found["b"].score.low >= 64
    assert found["b"].rank_low == found["b"].rank_high == 1


def test_counts_by_code_become_k_and_n_by_department(two: Ddci) -> None:
    """Agreement has four levels, of which the two best count."""
    rows_by_code = [
        *(("a", 4, 50), ("a", 3, 40), ("a", 2, 10)),
        *(("b", 3, 50), ("b", 1, 50)),
        *(("c", 4, 70), ("c", 1, 30)),
    ]
    by_code = pd.DataFrame(rows_by_code, columns=["key", "code", "n"])
    time_costs = statement_counts(BUSINESS, "b4_1", by_code)
    charges = answers(THREE).query("question == 'b5_1'")
    assert two.statements == ("b4_1", "b5_1")
    rows = pd.concat([time_costs, charges])
    assert rank_departments(two, BUSINESS, rows, {}, list(THREE)) == ranking(two, THREE)


# Who is ranked


def test_too_few_answers_to_one_statement_leave_a_department_unranked(two: Ddci) -> None:
    rows = {**THREE, "d": {"b4_1": (50, 50), "b5_1": (0, 9)}, "e": {}}
    found = ranking(two, rows)
    assert found.unranked == (Unranked("d", "too_few", "b5_1", 9), Unranked("e", "too_few", "b4_1"))
    # Nor do they move what the others are measured against.
    assert found.ranked == ranking(two, THREE).ranked


def test_the_minimum_itself_is_enough(two: Ddci) -> None:
    found = ranking(two, {**THREE, "d": {"b4_1": (5, 10), "b5_1": (5, 10)}})
    assert len(found.ranked) == 4


def test_a_department_without_the_others_hard_data_is_unranked(tmp_path: Path) -> None:
    config = loaded(tmp_path, TWO.replace('["b4_1"]', '["b4_1"]\n' + HARD))
    found = ranking(config, THREE, {"a": {"late": 1.0}, "b": {"late": 2.0}})
    assert found.unranked == (Unranked("c", "no_hard_data", "late"),)


def test_one_department_alone_has_no_rank(two: Ddci) -> None:
    found = ranking(two, {"a": THREE["a"], "b": {}})
    assert found.ranked == ()
    assert found.unranked == (Unranked("b", "too_few", "b4_1"), Unranked("a", "alone"))


def test_nothing_at_all_ranks_nobody(tmp_path: Path, two: Ddci) -> None:
    assert ranking(two, {}).ranked == ()
    hard_only = TWO.replace('statements = ["b4_1"]', HARD).replace('statements = ["b5_1"]', "")
    found = ranking(loaded(tmp_path, hard_only), THREE)
    assert found.ranked == ()
    assert [one.reason for one in found.unranked] == ["no_hard_data"] * 3
    assert found.left_out == ("time_costs", "informal_charges")


# Intervals


def test_far_apart_with_many_answers_the_ranks_are_certain(two: Ddci) -> None:
    rows = {
        name: {"b4_1": (k * 100, 10_000), "b5_1": (10_000 - k * 100, 10_000)}
        for name, k in (("a", 90), ("b", 60), ("c", 30))
    }
    found = [(row.rank_low, row.rank, row.rank_high) for row in ranking(two, rows).ranked]
    assert found == [(1, 1, 1), (2, 2, 2), (3, 3, 3)]


def test_with_few_answers_close_together_any_rank_is_possible(two: Ddci) -> None:
    rows = {
        name: {"b4_1": (k, 12), "b5_1": (12 - k, 12)} for name, k in (("a", 7), ("b", 6), ("c", 5))
    }
    assert {(row.rank_low, row.rank_high) for row in ranking(two, rows).ranked} == {(1, 3)}


def test_equal_departments_share_the_rank(two: Ddci) -> None:
    same = {"b4_1": (50, 100), "b5_1": (50, 100)}
    found = ranking(two, {"a": same, "b": same, "c": {"b4_1": (10, 100), "b5_1": (90, 100)}})
    assert [(row.department, row.rank) for row in found.ranked] == [("a", 1), ("b", 1), ("c", 3)]


def test_the_same_answers_give_the_same_intervals_in_any_order(two: Ddci) -> None:
    frame = answers(THREE)
    first = rank_departments(two, BUSINESS, frame, {}, ["a", "b", "c"])
    again = rank_departments(two, BUSINESS, frame.iloc[::-1], {}, ["c", "a", "b"])
    assert first == again


shares_of = st.tuples(st.integers(10, 60), st.floats(0, 1)).map(
    lambda pair: (round(pair[0] * pair[1]), pair[0])
)


@settings(max_examples=30)
@given(st.lists(st.tuples(shares_of, shares_of), min_size=2, max_size=6))
def test_every_interval_holds_its_figure(pairs: Sequence[tuple[tuple[int, int], ...]]) -> None:
    config = Ddci.model_validate(
        {
            "survey": "business",
            "minimum_answers": 10,
            "source": {"vi": "Mẫu", "en": "Sample"},
            "components": [
                {"id": "x", "name": {"vi": "x", "en": "x"}, "weight": 30, "statements": ["b4_1"]},
                {"id": "y", "name": {"vi": "y", "en": "y"}, "weight": 70, "statements": ["b5_1"]},
            ],
        }
    )
    rows = {f"d{at}": {"b4_1": one, "b5_1": other} for at, (one, other) in enumerate(pairs)}
    ranked: Sequence[RankedDepartment] = ranking(config, rows).ranked
    assert len(ranked) == len(rows)
    for row in ranked:
        assert 1 <= row.rank_low <= row.rank <= row.rank_high <= len(rows)
        assert 10 - 1e-9 <= row.score.low <= row.score.value <= row.score.high <= 100 + 1e-9
    assert [row.rank for row in ranked] == sorted(row.rank for row in ranked)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_explanation_names_the_number_of_draws(two: Ddci, language: str) -> None:
    [one] = [each for each in LANGUAGES if each == language]
    text = MESSAGES.get(one, f"how_method.{ranking(two, THREE).method}")
    assert re.search(rf"\b{re.escape(numbers.integer(DRAWS, one))}\b", text)


# Hard data


def hard_file(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "hard.csv"
    path.write_text("\n".join(lines), "utf-8-sig")
    return path


HEADER = "department,on_time_percent,dialogues,upheld_complaints,online_percent"


def test_hard_data_is_read_and_an_empty_cell_is_not_known(tmp_path: Path) -> None:
    config, centre = load_ddci(SAMPLE, SURVEYS), load_centre(CENTRE)
    path = hard_file(tmp_path, HEADER, 'so_y_te,"98,5",2,,12', "so_tu_phap,100,0,1,3.25")
    found, errors = read_hard_data(path, config, list(centre.department), "vi")
    assert errors == []
    assert found == {
        "so_y_te": {"on_time_percent": 98.5, "dialogues": 2, "online_percent": 12},
        "so_tu_phap": {
            "on_time_percent": 100,
            "dialogues": 0,
            "upheld_complaints": 1,
            "online_percent": 3.25,
        },
    }


def test_a_wrong_line_of_hard_data_is_named_with_its_field(tmp_path: Path) -> None:
    config, centre = load_ddci(SAMPLE, SURVEYS), load_centre(CENTRE)
    path = hard_file(tmp_path, HEADER, "so_y_khoa,1,2,3,4", "so_y_te,1,many,3,4")
    found, errors = read_hard_data(path, config, list(centre.department), "vi")
    assert found == {}
    assert errors == [
        (2, "department: không có “so_y_khoa”"),
        (3, "dialogues: không phải số: “many”"),
    ]
