"""The journal: rows besides submissions that figures are made of, and every change of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert

from aggregator.figures.layouts import layouts_read
from aggregator.indices.circular_01_2018 import BY_DOSSIER, Counts, Facts
from aggregator.intake.ingest import Offer, Sent
from aggregator.storage import journal
from aggregator.storage.audit import entry
from aggregator.storage.ballots import NewBallots
from aggregator.storage.batches import _exchange, enrol, withdraw
from aggregator.storage.centres import Version
from aggregator.storage.findings import Finding, Numbers
from aggregator.storage.ledger import Decision, Group
from aggregator.storage.restores import Restore, parted
from aggregator.storage.rollups import Span
from aggregator.storage.roster import Shift
from aggregator.storage.store import Selection, Store
from aggregator.storage.tables import BallotEntry, CommentEventRow, PublicAnswerRow, ReportTextRow
from aggregator.storage.verify import Verification
from aggregator.storage.witness import older, seen
from surveys.centre import Centre, Margin, load_centre
from surveys.definition import Survey
from tests.aggregator.conftest import CENTRE, NOW, ZONE, Intake, ratings, sipas, submission, zeroed
from tests.aggregator.intake.test_numbers import DEVICE, KEY, NAME, chained

DAY = date(2026, 11, 20)
MONTH = Span(date(2026, 11, 1), date(2026, 11, 30))


@dataclass
class Kept:
    """A database with rows of every kind; ``change`` does by SQL what nobody should."""

    intake: Intake
    centre: Centre

    def found(self) -> list[str]:
        store = self.intake.store
        surveys = store.definitions.counted(self.intake.ingest._surveys)
        layouts = layouts_read(self.centre)
        verification = Verification(store, surveys, self.centre, layouts=layouts)
        return [one.get("en") for one in verification.findings()]

    def change(self, statement: str) -> int:
        with self.intake.store.database.begin(write=True) as connection:
            on = connection.dialect.name == "postgresql"
            for table in ("journal", "frozen_block", "closing", "withdrawal", *journal.ADDED):
                for name in ("row", "statement", "kept", "update", "delete", "replace"):
                    own = f" ON {table}" if on else ""
                    connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {table}_{name}{own}")
            return connection.exec_driver_sql(statement).rowcount


@pytest.fixture
def kept(intake: Intake) -> Kept:
    population = {"vi": "Dân", "en": "All"}
    mix = Margin(
        survey="sipas_2020",
        variable="gender",
        population=population,
        source="x",
        shares={"1": 0.5, "2": 0.5},
    )
    store, centre = intake.store, load_centre(CENTRE).model_copy(update={"margins": (mix,)})
    reasons = submission(answers={"rating": 1, "reasons": [3]}, visit="v-1")
    then = "2026-11-20T08:10:00+07:00"
    reasons |= {"answered_at": then}
    intake([*ratings([5] + [1] * 20, answered_at=then), reasons, sipas([4] * 22, answered_at=then)])
    intake([submission(answers={}, comment="x", channel="import")])
    intake(ratings([5, 1], answered_at="2026-10-20T08:10:00+07:00"))
    rows = [{"day": DAY, "department": one, "dossiers": 0} for one in ("", "so_tu_phap")]
    store.put_transactions([*rows, {"day": NOW.date(), "department": "", "dossiers": 2}])
    told = entry(NOW, "a", "roster.imported", file="", added=1, removed=0)
    store.roster.put([Shift(DAY, "q05", 0, 1_440, "7")], lambda added, removed: told)
    counts = dict.fromkeys(BY_DOSSIER, Counts(1, 2, 3, 4))
    store.handling.set_dossiers({(DAY, "so_tu_phap"): counts})
    store.handling.set_facts({(DAY, "so_tu_phap"): Facts(feedback=3, feedback_on_time=2)})
    store.ledger.freeze("in_centre", MONTH)
    with store.database.begin(write=True) as connection:  # as the data desk writes them
        visits = [["2026-01-01", "2026-03-31", "", "visits", 18_000]]
        hard = [[2019, "", "dossiers", "entry", 1.5, "", "x"]]
        for kind, cells in (("operations", visits), ("hard", hard)):
            assert _exchange(connection, kind, [], cells, []) == (1, 0)
    document = '{"id": "x"}'
    store.centres.add(Version(1, NOW, "a", "", document), lambda stored: [])
    surveys = store.definitions.counted(intake.ingest._surveys)
    intake([*ratings([5]), sipas([5] * 22)])  # of a later day: that of the others is over
    store.roll_up(surveys.values())
    for survey in surveys.values():
        for layout in layouts_read(centre)(survey):
            store.daily(layout, Selection(survey.id), lambda item: None, lambda at: None)
    _fill_what_is_only_added_to(store, surveys["in_centre"])
    assert store.closings.close((NOW + timedelta(days=1)).astimezone(ZONE)) > 0
    return Kept(intake, centre)


def _fill_what_is_only_added_to(store: Store, survey: Survey) -> None:
    """A row of each kind that the journal gets with the next closing."""
    told = entry(NOW, "a", "batch.ballots_made", name="b", survey=survey.id, n=9)
    new = NewBallots("b", survey, None, None, (), DAY, 9, "00", NOW, "a")
    number = store.ballots.make(new, told)
    assert number is not None
    store.ballots.count(number, 9, 8, told)
    case = store.cases.open(NOW, NOW, "a", "comment", text="x")
    wordy = next(one for one in store.submissions(None, None) if one.comment)
    rows = {
        PublicAnswerRow: {"case_number": case, "said": "a", "done": "b"},
        CommentEventRow: {"comment": wordy.number, "kind": "hide", "value": ""},
        ReportTextRow: {"survey": survey.id, "kind": "month", "since": MONTH.since}
        | dict.fromkeys(("limits", "causes", "proposals"), "x"),
        BallotEntry: {"id": "e", "batch": number, "serial": 1, "turn": 1, "kind": "first"}
        | {"outcome": "valid", "answers": {"rating": 5}},
    }
    with store.database.begin(write=True) as connection:
        for table, row in rows.items():
            connection.execute(insert(table).values(**row, at=NOW, actor="a"))
        enrol(connection, [wordy.id], number)
        withdraw(connection, [wordy.id], number)
    store.restores.add(DAY, NOW, "a", "x", ())
    group = Group(survey.id, "", *MONTH)
    assert store.ledger.add([Decision(group, shown=True)], NOW, "a", 0)


def test_what_was_written_by_the_program_fits(kept: Kept) -> None:
    assert kept.found() == []
    store = kept.intake.store
    store.put_transactions([{"day": DAY, "department": "", "dossiers": 10}])
    store.put_transactions([{"day": DAY, "department": "", "dossiers": 10}])  # nothing changes
    assert kept.found() == []
    with store.database.begin() as connection:
        kinds = [row.kind for row in connection.exec_driver_sql("SELECT kind FROM journal")]
    assert set(kinds) == {*journal.KEYS, *journal.ADDED}
    assert kinds.count("transactions") == 3


# With which the names of blocks begin, but for those of flags.
OF_ANSWERS = ("shifts", "reasons", "form hours", "profile")
KINDS = ("tally", "pool", "factors", "hours", *OF_ANSWERS)
FLAGS = ("flags", *(f"flags {one}" for one in OF_ANSWERS))
VERSION = "Version of the centre's configuration, 1"
TAMPERED = {
    "transactions": ("UPDATE transactions SET dossiers = 99 WHERE department = ''", "Settled"),
    "transactions, gone": ("DELETE FROM transactions WHERE department = ''", "Settled"),
    "transactions, new": ("INSERT INTO transactions VALUES ('2026-11-01', '', 5)", "2026-11-01"),
    "points": ("UPDATE handling_tally SET two = two + 1", "Points of dossiers"),
    "points, gone": ("DELETE FROM handling_tally", "Points of dossiers, 2026-11-20"),
    "facts": ("UPDATE handling_facts SET feedback_on_time = 3", "Facts by Circular"),
    "facts, gone": ("DELETE FROM handling_facts", "Facts by Circular"),
    "operation": ("UPDATE operation SET value = 3483", "Operating figures, 2026-01-01"),
    "operation, gone": ("DELETE FROM operation", "Operating figures, 2026-01-01"),
    "hard data": ("UPDATE hard_data SET value = 9.5", "Numbers from records"),
    "roster": ("UPDATE shift SET official = '8'", "Roster, 2026-11-20"),
    "roster, gone": ("DELETE FROM shift", "Roster, 2026-11-20"),
    "roster, new": ("INSERT INTO shift SELECT '2026-11-02', counter, 1, 2, '9' FROM shift", "-02"),
    "frozen": ("UPDATE frozen_block SET items = '[]' WHERE width > 0", "frozen for publication"),
    "frozen, gone": ("DELETE FROM frozen_block", "frozen for publication"),
    "definition": ("UPDATE definition SET since = '2020-01-01'", "Definition of a survey"),
    "document": ("UPDATE centre_version SET reason = 'x'", VERSION),
    "document, gone": ("DELETE FROM centre_version", VERSION),
    "case": ("UPDATE citizen_case SET missed = true", "Case, 1:"),
    "ballots": ("UPDATE ballot_batch SET returned = 90", "Batch of ballots, "),
    "withdrawn": ("INSERT INTO withdrawal SELECT number, 1 FROM submission WHERE number = 2", "wi"),
    "withdrawn, gone": ("DELETE FROM withdrawal", "Submissions withdrawn"),
    "audit": ("UPDATE audit SET actor = 'x' WHERE number = 1", "Audit log, entries, 1-"),
    "audit, gone": ("DELETE FROM audit WHERE number = 1", "Audit log, entries, 1-"),
    "audit, before": (
        "INSERT INTO audit SELECT -1, at, kind, event, actor, details, words, unmarked FROM audit"
        " WHERE number = 1",
        "Audit log, entries, 1-",
    ),
    "published": ("UPDATE published_group SET shown = false", "Published figures, 1-"),
    "restore": ("DELETE FROM restore", "Restores answered for, 1-1"),
    "case event": ("UPDATE case_event SET at = at, actor = 'x'", "What happened to cases"),
    "comment event": ("DELETE FROM comment_event", "What was done about comments"),
    "answer": ("UPDATE public_answer SET done = 'x'", "Public answers"),
    "batch": ("UPDATE batch SET actor = 'x'", "Batches of the Data entry page"),
    "typed": ("UPDATE ballot_entry SET kind = 'first', actor = 'x'", "Entries of paper ballots"),
    "remarks": ("UPDATE report_text SET causes = 'y'", "Remarks in reports"),
    "journal made again": ("DELETE FROM journal", "names an entry of the journal"),
    "entry": ("UPDATE journal SET digest = '' WHERE number = 2", "Entry 2 of the journal"),
    "entry, gone": ("DELETE FROM journal WHERE number = 1", "of the journal"),
    **{
        f"block, {name}": (
            """UPDATE block SET items = '[["burst", 1]]', places = '[["kiosk", "a", "b"]]',
            width = 1, numbers = CAST('5' AS BLOB)"""
            f" WHERE tallied LIKE '{name} %%' AND tallied NOT LIKE '{name} %% %%'",
            "kept",
        )
        for name in FLAGS
    },
    **{
        f"block, {name}": (f"UPDATE block SET numbers = {{}} WHERE tallied LIKE '{name}%%'", "kept")
        for name in KINDS
    },
}


def test_every_kind_of_kept_sums_is_tampered_with(kept: Kept) -> None:
    with kept.intake.store.database.begin() as connection:
        names = connection.exec_driver_sql("SELECT DISTINCT tallied FROM block").scalars()
        kinds = {name.rpartition(" ")[0] or name for name in names}
    assert kinds == {*KINDS, *FLAGS}


@pytest.mark.parametrize("what", TAMPERED)
def test_any_change_past_the_program_is_named(kept: Kept, what: str) -> None:
    statement, said = TAMPERED[what]
    if "{}" in statement:
        statement = statement.format(zeroed(kept.intake.store)) + " AND length(numbers) > 0"
    if kept.intake.store.engine.dialect.name == "postgresql":
        statement = statement.replace("AS BLOB", "AS BYTEA")
    assert kept.change(statement) > 0
    found = kept.found()
    assert any(said in one for one in found), found


def test_the_database_itself_refuses_to_change_the_journal(kept: Kept) -> None:
    for statement in ("UPDATE journal SET key = ''", "DELETE FROM journal"):
        with (
            pytest.raises(Exception, match="append-only"),
            kept.intake.store.engine.begin() as connection,
        ):
            connection.exec_driver_sql(statement)


def test_a_restore_is_answered_for_once_and_hides_nothing_else(kept: Kept) -> None:

    intake, store = kept.intake, kept.intake.store
    asked = intake.ingest.definition("in_centre", None).fingerprint
    items = chained(9, fingerprint=asked)

    def hand_in(some: list[dict[str, object]]) -> None:
        intake.ingest.accept([Offer(some, "en", DEVICE, Sent(0, (), NAME, KEY))])

    def left() -> tuple[list[str], int]:
        surveys = store.definitions.counted(intake.ingest._surveys)
        findings = Verification(store, surveys, kept.centre).findings()
        unexplained, restores = parted(findings, store.restores.all())
        return [one.kind for one in unexplained], len(restores)

    hand_in(items[:2])
    hand_in(items[5:])
    assert left() == (["number_missing"], 0)
    store.restores.add(DAY, NOW, "quan_tri", "đĩa hỏng", store.restores.lacking())
    assert store.restores.lacking() == []
    assert left() == ([], 1)
    hand_in(items[3:4])  # one turns up: a part of what was lost
    assert left() == ([], 1)
    with pytest.raises(Exception, match="append-only"), store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE restore SET reason = ''")
    kept.change("UPDATE block SET items = '[]'")
    kinds, explained = left()
    assert (set(kinds), explained) == ({"block"}, 1)


def test_a_forged_number_makes_nobody_count_up_to_it(kept: Kept) -> None:
    """A device's token is enough to hand in the largest number that there may be."""
    intake, store = kept.intake, kept.intake.store
    items = chained(2, fingerprint=intake.ingest._surveys["in_centre"].fingerprint)
    forged = items[1] | {"device_seq": 2**53}
    offer = Offer([items[0], forged], "en", DEVICE, Sent(0, (), NAME, KEY))
    [[_, receipt]] = intake.ingest.accept([offer])
    assert receipt.status == "accepted"
    [missing] = store.restores.lacking()
    assert (missing.first, missing.last) == (2, 2**53 - 1)
    store.restores.add(DAY, NOW, "quan_tri", "giả mạo", [missing])
    assert store.restores.lacking() == []


def test_what_was_seen_outside_tells_of_an_older_or_another_database(kept: Kept) -> None:
    store, at = kept.intake.store, NOW + timedelta(hours=1)  # the last restore was before
    before = seen(store, at)
    assert before.submission > 0
    assert older(store, before) is None
    kept.intake(ratings([5]))
    assert older(store, before) is None  # it has grown
    after = seen(store, at)
    assert after.submission > before.submission
    others = (
        after._replace(submission=after.submission + 1),
        after._replace(digest="0" * 64),
        after._replace(entry=after.entry + 1, hash="0" * 64),
    )
    for one in others:
        found = older(store, one)
        assert found is not None
        assert found.kind == "older_copy"
    store.restores.add(DAY, at, "quan_tri", "đĩa hỏng", ())
    assert [older(store, one) for one in others] == [None] * 3
    later = others[0]._replace(at=NOW + timedelta(days=1))
    assert older(store, later) is not None  # that was answered for before


SPANS = st.lists(
    st.tuples(st.integers(1, 2), st.integers(1, 12), st.integers(0, 4)).map(
        lambda one: Numbers(one[0], one[1], one[1] + one[2])
    ),
    max_size=5,
)


@given(lost=SPANS, answered=st.lists(SPANS, max_size=3))
def test_a_restore_explains_the_numbers_that_it_names_and_no_others(
    lost: list[Numbers], answered: list[list[Numbers]]
) -> None:
    def each(spans: Iterable[Numbers]) -> set[tuple[int, int]]:
        return {(one.chain, at) for one in spans for at in range(one.first, one.last + 1)}

    findings = [Finding("verify.number_missing", {}, one) for one in lost]
    findings.append(Finding("verify.tally", {}))
    restores = [Restore(number, DAY, NOW, "a", "x", spans) for number, spans in enumerate(answered)]
    known = each(span for spans in answered for span in spans)
    explained = [one for one in lost if each([one]) <= known]
    left, named = parted(findings, restores)
    assert [one.missing for one in left] == [*(one for one in lost if one not in explained), None]
    assert named == [one for one in restores if each(one.missing) & each(explained)]


def test_sqlite_pages_are_looked_at(kept: Kept) -> None:
    from aggregator.storage.verify import pages

    with kept.intake.store.database.begin() as connection:
        assert list(pages(connection)) == []
