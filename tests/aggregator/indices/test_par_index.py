"""PAR INDEX: a measured share as points, and SIPAS as it was published."""

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.dashboard.context import MESSAGES
from aggregator.indices.par_index import project, sipas_published
from aggregator.statistics import shares
from surveys.centre import load_centre
from surveys.messages import LANGUAGES, Language
from surveys.published import PublishedTables, Ranks, load_published

CENTRE = Path(__file__).parents[3] / "deploy" / "lai_chau.toml"


@pytest.fixture(scope="module")
def published() -> PublishedTables:
    found = load_published(CENTRE, load_centre(CENTRE))
    assert found is not None
    return found


def test_the_published_share_gives_the_published_points(published: PublishedTables) -> None:
    sipas = sipas_published(published)
    projection = project("satisfied_or_better", sipas.result.share, 0.8, 0.85)
    assert projection is not None
    assert round(projection.points, 2) == 8.23 == sipas.result.points


def test_the_points_of_k_of_n_have_the_interval_of_the_share() -> None:
    levels = pd.DataFrame({5: [60], 4: [20], 3: [20]}, index=["centre"])
    [row] = shares(levels, {"satisfied_or_better": (5, 4)}).to_dict("records")
    projection = project(row["measure"], row["share"], row["low"], row["high"])
    assert projection is not None
    # Wilson's interval of 80 of 100 is 0.7112 to 0.8666.
    assert (round(projection.low, 2), projection.points, round(projection.high, 2)) == (
        7.11,
        8.0,
        8.67,
    )
    assert projection.maximum == 10


def test_the_share_of_the_best_level_alone_is_refused() -> None:
    with pytest.raises(ValueError, match="satisfied_or_better, not very_satisfied"):
        project("very_satisfied", 0.963, 0.956, 0.969)


def test_no_answers_give_no_points() -> None:
    assert project("satisfied_or_better", None, None, None) is None


@given(st.lists(st.floats(0, 1), min_size=3, max_size=3))
def test_points_stay_within_the_domain_and_hold_the_figure(parts: list[float]) -> None:
    low, share, high = sorted(parts)
    projection = project("satisfied_or_better", share, low, high)
    assert projection is not None
    assert 0 <= projection.low <= projection.points <= projection.high <= 10


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_explanation_says_that_the_ministrys_sample_decides(language: Language) -> None:
    projection = project("satisfied_or_better", 0.5, 0.4, 0.6)
    assert projection is not None
    text = MESSAGES.get(language, f"how_method.{projection.method}")
    decides = {"vi": "Bộ Nội vụ quyết định", "en": "decided by the sample survey of the Ministry"}
    assert decides[language] in text


def test_the_provinces_result_and_target(published: PublishedTables) -> None:
    sipas = sipas_published(published)
    assert (sipas.result.year, sipas.result.share) == (2019, 0.8233)
    assert sipas.result.rank == Ranks(best=44, worst=44)
    assert (sipas.target.year, sipas.target.share) == (2020, 0.8233)
    assert sipas.target.rank == Ranks(best=42, worst=44)
    assert sipas.target.points == pytest.approx(8.233)


def test_the_national_series_breaks_between_2020_and_2022(published: PublishedTables) -> None:
    before, after = sipas_published(published).national
    assert before.shares == {2018: 0.8299, 2019: 0.8445, 2020: 0.8548}
    assert after.shares == {2022: 0.8008, 2023: 0.8266, 2024: 0.8394}
    assert before.population != after.population


def test_the_range_of_the_provinces(published: PublishedTables) -> None:
    assert sipas_published(published).provinces == {2019: (0.7381, 0.9526)}
