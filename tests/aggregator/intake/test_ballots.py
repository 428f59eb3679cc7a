"""Paper ballots: serials, keys, and that exactly one typing of each ballot counts."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from itertools import product
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from aggregator.intake.ballots.entering import ASKED, BallotDesk, Mode, Typed, read_typed
from aggregator.intake.ballots.keys import PLACE, fields_of
from aggregator.intake.ballots.sample import OUTCOME, drawn, pairs
from aggregator.intake.ballots.serials import (
    BallotError,
    check_digit,
    read,
    scanned,
    shown,
    written,
)
from aggregator.intake.desk.taking import Change, Desk
from aggregator.intake.ingest import Ingest, rebuild
from aggregator.storage.audit import Search
from aggregator.storage.ballots import Held, standing
from aggregator.storage.comments import Search as CommentSearch
from aggregator.storage.store import Store
from aggregator.storage.tables import BallotEntry
from aggregator.storage.verify import Verification
from surveys.centre import Centre
from surveys.definition import Survey
from tests.aggregator.conftest import NOW, stored, tallies

DAY = date(2026, 11, 20)


@pytest.fixture
def desk(store: Store, surveys: dict[str, Survey], centre: Centre) -> BallotDesk:
    return BallotDesk(store, Ingest(store, surveys, centre), centre, "vi", NOW)


def made(
    desk: BallotDesk, name: str = "Hòm 1", survey: str = "in_centre", place: str = "q05", n: int = 9
) -> Held:
    number = desk.make(name, desk.ingest.definition(survey, None), place, DAY, n, "lan")
    held = desk.store.ballots.numbered(number)
    assert held is not None
    return held


def typed(serial: int, rating: int | None = 5, **more: Any) -> Typed:
    """A rating as it was typed; None is a blank ballot."""
    answers = {} if rating is None else {"rating": rating}
    fixed = {"id": str(uuid4()), "serial": serial, "department": None, "answers": answers}
    return Typed(**{**fixed, "outcome": "valid" if answers else "blank", **more})


def enter(
    desk: BallotDesk, held: Held, one: Typed, mode: Mode = "first", by: str = "lan"
) -> BallotEntry:
    return desk.enter(held, one, mode, by)


def counted(store: Store) -> list[int]:
    return sorted(row.answers["rating"] for row in stored(store))


@given(st.text("0123456789", min_size=1, max_size=9), st.data())
def test_a_wrong_digit_and_a_swap_of_neighbours_are_noticed(digits: str, data: Any) -> None:
    whole = digits + check_digit(digits)
    assert check_digit(whole) == "0"
    at = data.draw(st.integers(0, len(whole) - 1))
    other = data.draw(st.sampled_from([d for d in "0123456789" if d != whole[at]]))
    assert check_digit(whole[:at] + other + whole[at + 1 :]) != "0"
    swapped = whole[:at] + whole[at : at + 2][::-1] + whole[at + 2 :]
    assert swapped == whole or check_digit(swapped) != "0"


def test_a_published_example_of_the_check_digit() -> None:
    assert check_digit("572") == "4"


@pytest.mark.parametrize("printed", [9, 999, 2_000])
def test_serials_are_read_as_they_are_written_shown_and_scanned(printed: int) -> None:
    for serial, way in product((1, printed), (written, shown, scanned)):
        assert read(12, printed, way(12, printed, serial)) == serial


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("", "serial_digits"),
        ("abc", "serial_digits"),
        ("00000", "serial_digits"),
        (written(13, 9, 1), "serial_check"),
        (written(12, 99, 10), "serial_beyond"),
        (scanned(13, 9, 1), "other_batch"),
    ],
)
def test_a_serial_that_is_none_is_refused_with_its_reason(text: str, key: str) -> None:
    with pytest.raises(BallotError, match=key):
        read(12, 9, text)


def test_what_is_typed_of_every_survey_is_read_as_it_is_written(
    surveys: Mapping[str, Survey], centre: Centre
) -> None:
    for survey in surveys.values():
        for field in fields_of(survey, centre, list(centre.department)):
            codes = [choice.code for choice in field.choices]
            values: list[Any] = codes[:1] + codes[-1:]
            if field.kind == "many":
                values = [sorted(codes)[:2]]
            elif field.question is not None and field.kind == "number":
                values = [field.question.minimum]
            for value in values:
                assert field.read(field.typed(value)) == value
            assert field.read("") is None


def test_keys_are_codes_of_one_digit_else_numbers_of_one_length(
    surveys: Mapping[str, Survey], centre: Centre
) -> None:
    [rating, reasons] = fields_of(surveys["in_centre"], centre, [])
    assert [choice.key for choice in rating.choices] == ["5", "4", "3", "2", "1"]
    assert reasons.read("3 1") == [1, 3]
    [place, *_] = fields_of(surveys["in_centre"], centre, list(centre.department))
    assert (place.name, place.choices[0].key, place.width) == (PLACE, "01", 2)
    # Of levels with the code 0 the first is 1: 0 is the key for no answer.
    topic = fields_of(surveys["paper_ballot_2020"], centre, [])[0]
    assert [(one.key, one.code) for one in topic.choices] == [("1", 1), ("2", 0)]
    for wrong, key in (("7", "no_key"), ("54", "one_key")):
        with pytest.raises(BallotError, match=key):
            rating.read(wrong)
    with pytest.raises(BallotError, match="twice"):
        reasons.read("11")


def test_a_form_is_a_ballot_that_is_valid_blank_or_invalid(
    surveys: Mapping[str, Survey], centre: Centre
) -> None:
    fields, id = fields_of(surveys["in_centre"], centre, []), str(uuid4())

    def as_read(**given: str) -> Typed:
        form = {"id": id, **{name.replace("_", "."): value for name, value in given.items()}}
        return read_typed(fields, form, 1, comments=True)

    assert as_read(a_rating="4", a_reasons="13").answers == {"rating": 4, "reasons": [1, 3]}
    assert as_read(a_rating="0").outcome == "blank"
    assert as_read(outcome="invalid").outcome == "invalid"
    assert as_read(comment=" Chờ lâu ").comment == "Chờ lâu"
    with pytest.raises(BallotError, match="invalid_with_answers"):
        as_read(outcome="invalid", a_rating="4")
    with pytest.raises(BallotError, match="no_id"):
        read_typed(fields, {}, 1, comments=True)


def test_a_ballot_counts_once_as_paper_of_its_place_and_day(desk: BallotDesk) -> None:
    held = made(desk)
    enter(desk, held, typed(1, 4))
    [row] = stored(desk.store)
    place = (row.channel, row.department, row.counter, row.day, row.answers)
    assert place == ("paper", "so_tu_phap", "q05", DAY, {"rating": 4})
    assert row.fingerprint == held.batch.fingerprint


def test_sent_again_it_is_the_same_entry(desk: BallotDesk) -> None:
    held, one = made(desk), typed(1, 4)
    first = enter(desk, held, one)
    assert enter(desk, held, one).number is not None
    assert [e.id for e in desk.store.ballots.entries(held.batch.number)] == [first.id]
    with pytest.raises(BallotError, match="sent_otherwise"):
        enter(desk, held, typed(1, 5, id=one.id))
    assert counted(desk.store) == [4]


def test_the_same_serial_again_is_compared_and_not_counted(desk: BallotDesk) -> None:
    held = made(desk)
    enter(desk, held, typed(1, 4))
    assert enter(desk, held, typed(1, 2), by="hoa").kind == "again"
    assert counted(desk.store) == [4]
    [pair] = pairs(desk.store.ballots.entries(held.batch.number), ["rating"])
    assert (pair.differing, pair.settled) == (("rating",), False)


def test_two_clerks_who_type_one_serial_at_once_are_counted_once(desk: BallotDesk) -> None:
    held, ready = made(desk), Barrier(2)

    def at_once(by: str) -> str:
        ready.wait(10)
        return enter(desk, held, typed(1, 4), by=by).kind

    with ThreadPoolExecutor(2) as clerks:
        assert sorted(clerks.map(at_once, ("lan", "hoa"))) == ["again", "first"]
    assert counted(desk.store) == [4]


def test_blank_and_invalid_ballots_are_entries_without_a_submission(desk: BallotDesk) -> None:
    held = made(desk)
    enter(desk, held, typed(1, None))
    enter(desk, held, typed(2, None, outcome="invalid"))
    assert not stored(desk.store)
    said = [one.outcome for one in desk.store.ballots.entries(held.batch.number)]
    assert said == ["blank", "invalid"]


def test_a_correction_is_a_record_and_the_tally_follows(
    desk: BallotDesk, surveys: dict[str, Survey], centre: Centre
) -> None:
    held = made(desk)
    enter(desk, held, typed(1, 4, comment="Chờ lâu"))
    with pytest.raises(BallotError, match="changed_meanwhile"):
        enter(desk, held, typed(1, 5), "correction")
    enter(desk, held, typed(1, 5, after=1), "correction", "hoa")
    assert counted(desk.store) == [5]
    assert not desk.store.comments.found(CommentSearch("chờ"), 9)
    enter(desk, held, typed(1, None, outcome="invalid", after=2), "correction")
    assert not stored(desk.store)
    kinds = [(e.kind, e.actor) for e in desk.store.ballots.entries(held.batch.number)]
    assert kinds == [("first", "lan"), ("correction", "hoa"), ("correction", "lan")]
    verification = Verification(desk.store, desk.store.definitions.counted(surveys), centre)
    assert [one.get("vi") for one in verification.findings([])] == []


def test_a_correction_that_changes_nothing_keeps_its_submission(desk: BallotDesk) -> None:
    held = made(desk)
    first = enter(desk, held, typed(1, 4, comment="Chờ lâu"))
    again = enter(desk, held, typed(1, 4, comment="Chờ lâu", after=1), "correction")
    assert again.submission == first.submission
    assert len(stored(desk.store)) == 1


def test_what_was_typed_is_a_record_that_nobody_changes(desk: BallotDesk) -> None:
    enter(desk, made(desk), typed(1, 4))
    for query in ("DELETE FROM ballot_entry", "UPDATE ballot_entry SET actor = 'x'"):
        with pytest.raises(DatabaseError, match="append-only"), desk.store.engine.begin() as c:
            c.execute(text(query))


def test_only_drawn_ballots_are_typed_a_second_time_and_once(desk: BallotDesk) -> None:
    share = desk.centre.ballots.model_copy(update={"again_least": 2, "again_percent": 1})
    desk = BallotDesk(
        desk.store, desk.ingest, desk.centre.model_copy(update={"ballots": share}), "vi", NOW
    )
    held = made(desk)
    for serial in range(1, 6):
        enter(desk, held, typed(serial, 4))
    wanted = desk.drawn(held.batch, desk.store.ballots.entries(held.batch.number))
    assert len(wanted) == 2
    other = next(one for one in range(1, 6) if one not in wanted)
    with pytest.raises(BallotError, match="not_drawn"):
        enter(desk, held, typed(other, 4), "second", "hoa")
    assert enter(desk, held, typed(min(wanted), 3), "second", "hoa").kind == "second"
    with pytest.raises(BallotError, match="not_drawn"):
        enter(desk, held, typed(min(wanted), 3), "second", "hoa")
    assert counted(desk.store) == [4] * 5


def test_the_draw_knows_nothing_of_the_answers_and_can_be_drawn_again() -> None:
    seeds = [f"{n:064x}" for n in range(400)]
    found = [drawn(seed, range(1, 101), 5, 3) for seed in seeds]
    assert {len(one) for one in found} == {5}
    assert drawn(seeds[0], range(1, 101), 5, 3) == found[0]
    assert drawn(seeds[0], range(1, 5), 5, 3) <= {1, 2, 3, 4}
    drawn_of_first = sum(1 in one for one in found)
    assert 5 <= drawn_of_first <= 40, "twenty are expected of 400"


def test_a_difference_is_decided_by_the_paper_and_told_in_the_log(desk: BallotDesk) -> None:
    held = made(desk)
    enter(desk, held, typed(1, 4))
    with pytest.raises(BallotError, match="nothing_to_resolve"):
        enter(desk, held, typed(1, 4, after=1), "resolution", "chi")
    enter(desk, held, typed(1, 2), by="hoa")
    enter(desk, held, typed(1, 2, after=2), "resolution", "chi")
    assert counted(desk.store) == [2]
    [pair] = pairs(desk.store.ballots.entries(held.batch.number), ["rating"])
    assert pair.settled
    events = [row.event for row in desk.store.audit.entries(Search(kind="batch"), 9)]
    assert events == ["batch.resolved", "batch.ballots_made"]


def test_a_ballot_that_asks_for_the_department_counts_there(desk: BallotDesk) -> None:
    held = made(desk, place=ASKED)
    assert held.batch.places == [one.id for one in desk.centre.departments]
    enter(desk, held, typed(1, 4, department="so_y_te"))
    enter(desk, held, typed(2, 4))
    assert [row.department for row in stored(desk.store)] == ["so_y_te", None]


def test_the_data_desk_withdraws_a_batch_and_nothing_more_is_typed(
    desk: BallotDesk, surveys: dict[str, Survey]
) -> None:
    before, held = tallies(desk.store), made(desk)
    enter(desk, held, typed(1, 4))
    enter(desk, held, typed(2, 5))
    office = Desk(desk.store, desk.ingest, desk.centre, "vi", NOW)
    assert office.withdraw("Hòm 1", "chi") == Change("Hòm 1", 0, 2)
    assert tallies(desk.store) == before
    rebuild(desk.store, lambda done: None)
    assert tallies(desk.store) == before
    with pytest.raises(BallotError, match="withdrawn"):
        enter(desk, held, typed(3, 5))
    again = desk.store.ballots.numbered(held.batch.number)
    assert again is not None
    assert again.withdrawn


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"name": " "}, "no_name"),
        ({"n": 0}, "printed"),
        ({"n": 2_001}, "printed"),
        ({"place": "so_khong_co"}, "no_place"),
    ],
)
def test_a_batch_that_cannot_be_is_refused(
    desk: BallotDesk, changes: dict[str, Any], key: str
) -> None:
    with pytest.raises(BallotError, match=key):
        made(desk, **changes)


def test_a_name_is_one_batchs_and_counts_of_paper_are_told_in_the_log(desk: BallotDesk) -> None:
    held = made(desk)
    with pytest.raises(BallotError, match="same_name"):
        made(desk)
    desk.count(held.batch, 8, 6, "lan")
    again = desk.store.ballots.named("Hòm 1")
    assert again is not None
    assert (again.batch.handed_out, again.batch.returned) == (8, 6)
    for out, back, key in ((10, 1, "counted"), (3, 4, "returned")):
        with pytest.raises(BallotError, match=key):
            desk.count(held.batch, out, back, "lan")
    [told, _] = desk.store.audit.entries(Search(kind="batch"), 9)
    assert told.details["new"] == "8 / 6"


def test_ballots_of_a_day_to_come_are_printed_and_not_typed(desk: BallotDesk) -> None:
    survey = desk.ingest.definition("in_centre", None)
    number = desk.make("Sau", survey, "", date(2026, 12, 1), 3, "lan")
    held = desk.store.ballots.numbered(number)
    assert held is not None
    with pytest.raises(BallotError, match="refused"):
        enter(desk, held, typed(1, 4))


ACTS = st.tuples(
    st.sampled_from(["first", "second", "correction", "resolution"]),
    st.integers(1, 3),
    st.sampled_from([1, 3, 5, None, "invalid"]),
    st.sampled_from(["lan", "hoa"]),
    st.booleans(),
)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(acts=st.lists(ACTS, max_size=12))
def test_any_order_of_typing_leaves_one_counted_submission_a_valid_ballot(
    desk: BallotDesk, surveys: dict[str, Survey], acts: list[Any]
) -> None:
    """Typed, typed again, put right, decided, sent twice: what counts is what stands."""
    before = len(stored(desk.store))
    held = made(desk, name=f"Hòm {uuid4()}")
    for mode, serial, rating, by, twice in acts:
        entries = desk.store.ballots.entries(held.batch.number)
        seen = sum(one.serial == serial for one in entries)
        value = None if rating == "invalid" else rating
        one = typed(serial, value, after=seen)
        if rating == "invalid":
            one = typed(serial, None, after=seen, outcome="invalid")
        for _ in range(2 if twice else 1):
            try:
                enter(desk, held, one, mode, by)
            except BallotError as error:
                assert error.key in ("not_drawn", "changed_meanwhile", "nothing_to_resolve")  # noqa: PT017
    entries = desk.store.ballots.entries(held.batch.number)
    now = [standing([e for e in entries if e.serial == serial]) for serial in (1, 2, 3)]
    wanted = sorted(e.answers["rating"] for e in now if e and e.outcome == "valid")
    rows = stored(desk.store)[before:]
    assert sorted(row.answers["rating"] for row in rows) == wanted
    ids = {e.submission for e in now if e and e.submission}
    assert {row.id for row in rows} == ids
    counts = tallies(desk.store)
    rebuild(desk.store, lambda done: None)
    assert tallies(desk.store) == counts
    for pair in pairs(entries, ["rating"]):
        assert pair.differing in ((), ("rating",), (OUTCOME,))
