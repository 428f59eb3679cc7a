"""Which law is in force when: as far as it is known, and nothing that is not."""

from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from surveys.centre import Centre, load_centre
from surveys.definition import Text
from surveys.laws import KNOWN, SUBJECTS, Law, in_force, on_day

FIRST = date(2026, 1, 1)
CENTRE = Path(__file__).parents[2] / "deploy" / "lai_chau.toml"
DAYS = st.one_of(st.none(), st.integers(0, 40).map(lambda n: FIRST + timedelta(days=n)))


def law(id: str, since: date | None = None, until: date | None = None) -> Law:
    return Law(id=id, called=Text(vi=id, en=id), governs=("indicators",), since=since, until=until,
               source="x")  # fmt: skip


def test_what_is_known_says_no_day_that_its_sources_do_not() -> None:
    by_id = {one.id: one for one in KNOWN}
    for id in ("nd_61_2018", "tt_01_2018", "nd_30_2020"):
        assert (by_id[id].since, by_id[id].until) == (None, None)
    assert {subject for one in KNOWN for subject in one.governs} == {*SUBJECTS}
    assert by_id["nd_61_2018"].instrument is None


def test_a_later_law_takes_the_place_of_one_without_days() -> None:
    old, new = law("old"), law("new", date(2026, 7, 1))
    assert on_day([new, old], "indicators", date(2026, 6, 30)) == old
    assert on_day([new, old], "indicators", date(2026, 7, 1)) == new
    assert on_day([new, old], "sipas", date(2026, 7, 1)) is None
    spans = in_force([old, new], "indicators", date(2026, 6, 1), date(2026, 7, 31))
    assert [(one.since, one.until, one.law) for one in spans] == [
        (date(2026, 6, 1), date(2026, 6, 30), old),
        (date(2026, 7, 1), date(2026, 7, 31), new),
    ]


def test_after_the_end_of_the_last_one_nothing_is_known() -> None:
    [first, second] = in_force(KNOWN, "sipas", date(2020, 1, 1), date(2021, 12, 31))
    assert first.law is not None
    assert first.law.id == "qd_2640"
    assert (second.since, second.law) == (date(2021, 1, 1), None)


@given(st.lists(st.tuples(DAYS, DAYS), max_size=5, unique_by=lambda pair: pair[0]))
@settings(max_examples=60)
def test_spans_are_the_period_day_by_day(pairs: list[tuple[date | None, date | None]]) -> None:
    laws = [
        law(f"l{number}", since, until)
        for number, (since, until) in enumerate(pairs)
        if not (since and until and since > until)
    ]
    until = FIRST + timedelta(days=40)
    spans = in_force(laws, "indicators", FIRST, until)
    days = [FIRST + timedelta(days=number) for number in range(41)]
    told = {day: one.law for one in spans for day in days if one.since <= day <= one.until}
    assert told == {day: on_day(laws, "indicators", day) for day in days}
    assert all(one.law != other.law for one, other in pairwise(spans))


@pytest.mark.parametrize(
    ("laws", "key"),
    [
        ([law("a"), law("b")], "begin on the same day"),
        ([law("a", FIRST), law("a", date(2026, 3, 1))], "law given twice: a"),
    ],
)
def test_unclear_laws_are_refused(laws: list[Law], key: str) -> None:
    centre = load_centre(CENTRE)
    with pytest.raises(ValidationError, match=key):
        Centre.model_validate(centre.model_dump() | {"laws": [one.model_dump() for one in laws]})


def test_a_law_does_not_end_before_it_begins() -> None:
    with pytest.raises(ValidationError, match="it ends before it begins"):
        law("a", date(2026, 2, 1), FIRST)


def test_a_document_of_before_has_what_is_known() -> None:
    centre = load_centre(CENTRE)
    assert centre.laws == KNOWN
    assert "laws" not in centre.model_dump(exclude_defaults=True)
