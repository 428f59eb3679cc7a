"""A flood of one phone code against the real programs; python -m tests.attack prints the table."""

from pathlib import Path

from tests.attack import ATTACKS, ENROLMENT, HONEST, ONE_TIME, RECEIPTS, SLOW, house


def test_a_flood_is_refused_asked_for_work_or_flagged_and_the_honest_share_stands_beside(
    tmp_path: Path,
) -> None:
    computed, photographed, spread, solving = ATTACKS
    with house(tmp_path) as built:
        assert built.attacked(computed, 5).statuses == {410: 5}
        found = built.attacked(photographed, 20)
        assert found.statuses == {303: 15, 429: 5}  # what one network may send in an hour
        assert (found.counted, found.flagged) == (len(HONEST) + 15, 15)
        assert found.share is not None
        assert found.share < 0.6
        assert found.without == 0.95  # of the honest ones: 19 of 20
        assert built.attacked(spread, 34).statuses == {303: 30, 429: 4}
        worked = built.attacked(solving, 180)  # a tenth of them
        assert worked.statuses == {303: 18}
        assert worked.flagged == worked.counted - len(HONEST) == 18
        assert worked.without == 0.95
        few, more, many = map(built.tapped, SLOW)
        assert (few.flagged, more.flagged) == (0, 0)  # with them as many as visitors would be
        assert (many.counted, many.flagged) == (60, 60)  # nobody can tell which were honest
        assert more.share == 0.475


def test_guesses_are_put_off_and_of_many_who_enrol_by_one_code_one_does(tmp_path: Path) -> None:
    with house(tmp_path) as built:
        assert built.enrolled_by(8)[200] == 1
        receipts = built.guessed(RECEIPTS, 200)
        assert receipts.looked_at <= 100 + 2 + 10 * receipts.seconds + 16  # whose looks overlap
        enrolments = built.guessed(ENROLMENT, 100)
        assert enrolments.put_off > 80
        one_time = built.guessed(ONE_TIME, 100)
        assert (receipts.right, enrolments.right, one_time.right) == (0, 0, 0)
        assert min(receipts.years(RECEIPTS), one_time.years(ONE_TIME)) > 1_000
