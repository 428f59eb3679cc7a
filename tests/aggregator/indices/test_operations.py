"""Which spans make up a period: apart from each other, and as many days as can be."""

from datetime import date, timedelta
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.indices.operations import Span, apart, last, length

FIRST = date(2026, 1, 1)


def span(since: int, until: int) -> Span:
    return FIRST + timedelta(days=since), FIRST + timedelta(days=until)


SPANS = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 8)), max_size=7).map(
    lambda pairs: [span(since, since + more) for since, more in pairs]
)


def overlap(one: Span, other: Span) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]


@given(SPANS)
@settings(max_examples=60)
def test_the_spans_are_apart_and_cover_the_most_days(spans: list[Span]) -> None:
    found = apart(spans)
    assert not any(overlap(*pair) for pair in combinations(found, 2))
    sets = (some for n in range(len(spans) + 1) for some in combinations(set(spans), n))
    possible = [some for some in sets if not any(overlap(*pair) for pair in combinations(some, 2))]
    assert length(found) == max(map(length, possible))
    assert len(found) == min(len(some) for some in possible if length(some) == length(found))


def test_a_quarter_goes_before_its_months_and_months_without_one_add_up() -> None:
    months = [span(0, 30), span(31, 58), span(59, 89)]
    assert apart([*months, span(0, 89)]) == (span(0, 89),)
    assert apart(months[1:]) == tuple(months[1:])
    assert apart([]) == ()


def test_of_what_stands_at_an_end_the_last_span_counts() -> None:
    assert last([span(0, 30), span(10, 40), span(31, 40)]) == (span(10, 40),)
    assert last([]) == ()
