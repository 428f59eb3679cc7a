"""Honest ratings hardly ever get a flag, and floods always do; make coverage prints the rates."""

from pathlib import Path

from surveys.centre import load_centre
from surveys.definition import load_instruments
from tests.simulation.flags import of_flags, of_slow_taps

CENTRE = Path(__file__).parents[2] / "deploy" / "lai_chau.toml"


def test_honest_ratings_hardly_ever_have_a_flag_and_floods_do() -> None:
    rows = list(of_flags(load_centre(CENTRE), load_instruments(None), 5, seed=20_200_512))
    honest = [row for row in rows if row.honest]
    assert sum(row.ratings for row in honest) > 9_000
    assert all(row.share < 0.005 for row in honest), honest
    made_up = [row for row in rows if not row.honest]
    seen = [row for row in made_up if row.ratings >= 40 or "forms" in row.what]
    assert len(seen) == len(made_up) - 1  # ten taps over a day look like visitors
    assert all(row.share > 0.95 for row in seen), made_up


def test_slow_taps_are_seen_once_they_are_more_than_a_counter_has_visitors() -> None:
    survey = load_instruments(None)["in_centre"]
    few, more, *many = of_slow_taps(load_centre(CENTRE), survey, 20, seed=20_200_512)
    assert few.seen <= 2  # as many as visitors would be: THREATS.md says so
    assert few.share < 0.5 < few.without
    assert more.seen > 15
    assert all(one.seen == one.days for one in many)
