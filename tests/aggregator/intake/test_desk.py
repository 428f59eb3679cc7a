"""Batches of the desk: taken once, replaced, withdrawn; what they change and what stays."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from aggregator.intake.desk.kinds import kind_of
from aggregator.intake.desk.likeness import KEPT, Sketcher, shared
from aggregator.intake.desk.sheets import Sheet, SheetError
from aggregator.intake.desk.taking import Change, Desk
from aggregator.intake.desk.workbooks import read_workbook
from aggregator.intake.ingest import Ingest, rebuild
from aggregator.storage.audit import Search
from aggregator.storage.batches import BatchChangedError, NewBatch
from aggregator.storage.comments import Search as CommentSearch
from aggregator.storage.store import Store
from aggregator.storage.submissions import (
    ALL,
    bounded,
    read_by_visit,
    read_days,
    read_submissions,
)
from aggregator.storage.verify import Verification
from aggregator.wording.messages import MESSAGES
from surveys.centre import Centre
from surveys.definition import Survey
from surveys.units import Department
from tests.aggregator.conftest import NOW, ZONE, Intake, ratings, stored, tallies
from tests.files.making import csv, ods, tcvn3, vni, windows_1258, xlsx
from tests.files.offices import (
    BOOK,
    CIRCULAR,
    HEAD,
    NEXT,
    PCI,
    ROSTER,
    ROWS,
    SETTLED,
    SIPAS,
    written,
)

Table = Sequence[Sequence[Any]]


@pytest.fixture
def desk(store: Store, surveys: dict[str, Survey], centre: Centre) -> Desk:
    return Desk(store, Ingest(store, surveys, centre), centre, "vi", NOW)


def take(
    desk: Desk, data: bytes, name: str = "Tháng 11", kind: str = "ratings", survey: str = ""
) -> Change:
    of = desk.ingest.definition(survey or "in_centre", None)
    what = kind_of(kind, of, desk.ingest.definition("business", None))
    book = read_workbook(data)
    [sheet] = book.sheets
    taken, _ = desk.read(sheet, what, desk.columns(sheet, what))
    about = ("bang.csv", book.hash, taken.rows, desk.now, "lan", "", taken.sketch)
    return desk.take(NewBatch(name, kind, what.survey.id if what.survey else None, *about), taken)


def read_sheet(data: bytes) -> Sheet:
    [sheet] = read_workbook(data).sheets
    return sheet


def lines(*rows: Sequence[Any]) -> bytes:
    return csv([HEAD, *((row[0].strftime("%d/%m/%Y"), *row[1:]) for row in rows)]).encode()


def rebuilt(store: Store, surveys: dict[str, Survey]) -> dict[str, Any]:
    rebuild(store, lambda done: None)
    return tallies(store)


def test_a_file_taken_twice_changes_nothing(desk: Desk) -> None:
    assert take(desk, BOOK) == Change("Tháng 11", 3, 0)
    before = tallies(desk.store)
    assert take(desk, BOOK) == Change("Tháng 11", 0, 0)
    assert tallies(desk.store) == before
    assert len(desk.store.batches.newest()) == desk.store.audit.count(Search(kind="batch")) == 1


def test_a_file_is_not_counted_under_a_second_name(quick: Desk) -> None:
    take(quick, BOOK)
    with pytest.raises(SheetError, match="already_taken Tháng 11"):
        take(quick, BOOK, "Lần hai")
    assert len(stored(quick.store)) == 3


def test_a_corrected_file_replaces_its_batch(desk: Desk, surveys: dict[str, Survey]) -> None:
    """Rows that stay keep their ids; those that are gone no longer count; nothing is deleted."""
    take(desk, lines(*ROWS))
    before = {row.id: row for row in stored(desk.store)}
    mended = (*ROWS[:2], (*ROWS[2][:3], "Bình thường"))
    assert take(desk, lines(*mended)) == Change("Tháng 11", 1, 1)
    after = {row.id: row for row in stored(desk.store)}
    assert len(before.keys() & after.keys()) == 2
    assert sorted(row.answers["rating"] for row in after.values()) == [3, 4, 5]
    assert tallies(desk.store) == rebuilt(desk.store, surveys)
    with desk.store.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM submission")).scalar_one() == 4


def test_a_batch_is_withdrawn_and_all_tallies_are_as_if_it_had_never_been(
    desk: Desk, intake: Intake, surveys: dict[str, Survey]
) -> None:
    others = ratings((5, 4, 3), answered_at="2026-11-20T08:10:00+07:00")
    intake(others)
    before = tallies(desk.store)
    desk.store.roll_up(surveys.values())
    take(desk, BOOK)
    take(desk, csv(SIPAS, ";").encode(), "Phiếu giấy", "ballots", "sipas_2020")
    assert tallies(desk.store) != before
    assert desk.withdraw("Tháng 11", "lan") == Change("Tháng 11", 0, 3)
    assert desk.withdraw("Phiếu giấy", "lan") == Change("Phiếu giấy", 0, 2)
    assert tallies(desk.store) == before == rebuilt(desk.store, surveys)
    assert {row.id for row in stored(desk.store)} == {one["id"] for one in others}
    assert desk.withdraw("Tháng 11", "lan") is None
    assert desk.withdraw("Không có", "lan") is None
    events = [row.event for row in desk.store.audit.entries(Search(kind="batch"), 9)]
    assert events == ["batch.withdrawn"] * 2 + ["batch.taken"] * 2


def test_what_was_withdrawn_may_be_taken_again_and_counts_once(desk: Desk) -> None:
    take(desk, BOOK)
    once = tallies(desk.store)
    desk.withdraw("Tháng 11", "lan")
    assert take(desk, BOOK) == Change("Tháng 11", 3, 0)
    assert tallies(desk.store) == once
    assert len(stored(desk.store)) == 3


def test_a_withdrawal_is_a_record_that_nobody_changes(desk: Desk) -> None:
    take(desk, BOOK)
    desk.withdraw("Tháng 11", "lan")
    for query in (
        "DELETE FROM withdrawal",
        "UPDATE withdrawal SET batch = 7",
        "UPDATE batch SET actor = 'x'",
        "DELETE FROM batch",
    ):
        with pytest.raises(DatabaseError, match="append-only"), desk.store.engine.begin() as c:
            c.execute(text(query))


def test_comments_of_a_withdrawn_batch_are_found_no_longer(desk: Desk) -> None:
    table = [(*HEAD, "Ý kiến khác"), (*written()[1], "Chờ lâu quá")]
    take(desk, csv(table).encode())
    search = CommentSearch("chờ lâu")
    [comment] = desk.store.comments.found(search, 9)
    desk.withdraw("Tháng 11", "lan")
    assert not desk.store.comments.found(search, 9)
    assert desk.store.comments.comment(comment.number) is None


def test_no_reader_of_answers_has_what_was_withdrawn(desk: Desk, intake: Intake) -> None:
    [other] = ratings((4,), answered_at="2026-11-20T08:10:00+07:00")
    intake([other])
    take(desk, BOOK)
    desk.withdraw("Tháng 11", "lan")
    database = desk.store.database
    assert [row.id for row in read_submissions(database, ALL)] == [other["id"]]
    assert [row.id for row in read_by_visit(database, ALL)] == [other["id"]]
    assert bounded(database, ALL)[1] == 1
    with database.begin() as connection:
        assert [row.id for row in read_days(connection, ALL)] == [other["id"]]


def test_what_is_stored_fits_after_a_withdrawal(
    desk: Desk, surveys: dict[str, Survey], centre: Centre
) -> None:
    """A closed day keeps its rows in the ledger, and its tallies are those that still count."""
    take(desk, lines(*ROWS))
    desk.store.closings.close(NOW.astimezone(ZONE) + timedelta(days=1))
    take(desk, lines(*ROWS[:2]))
    take(desk, csv(SIPAS, ";").encode(), "Phiếu giấy", "ballots", "sipas_2020")
    desk.withdraw("Phiếu giấy", "lan")
    verification = Verification(desk.store, desk.store.definitions.counted(surveys), centre)
    assert [one.get("vi") for one in verification.findings([])] == []


def test_figures_of_a_past_month_follow_a_withdrawal(
    desk: Desk, surveys: dict[str, Survey], centre: Centre
) -> None:
    """Past days are kept as blocks, which a withdrawal has to drop."""
    old = [(date(2026, 9, 1) + timedelta(n), *row[1:]) for n, row in enumerate(ROWS)]
    take(desk, lines(*old), "Tháng 9")
    take(desk, BOOK)
    desk.store.roll_up(surveys.values())
    desk.withdraw("Tháng 9", "lan")
    with desk.store.engine.connect() as connection:
        held = connection.execute(text("SELECT count(*) FROM block WHERE since < '2026-10-01'"))
        assert held.scalar_one() == 0


def test_two_who_change_a_batch_at_once_do_not_both_do_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody takes a further version between looking at the batch and writing."""
    take(desk, lines(*ROWS))
    members = desk.store.batches.members

    def late(name: str) -> dict[str, bool]:
        found = members(name)
        monkeypatch.undo()
        take(desk, lines(*ROWS[:2]))
        return found

    monkeypatch.setattr(desk.store.batches, "members", late)
    with pytest.raises(BatchChangedError):
        take(desk, lines(ROWS[0]))
    assert len(stored(desk.store)) == 2


def test_settled_dossiers_are_replaced_and_withdrawn(desk: Desk) -> None:
    def settled() -> dict[tuple[str, str], int]:
        frame = desk.store.transactions(date(2026, 11, 1), date(2026, 11, 30))
        return {(str(day), of): int(n) for day, of, n in frame.itertuples(index=False)}

    take(desk, csv(SETTLED).encode(), "Hồ sơ", "transactions")
    assert settled()["2026-11-20", "so_y_te"] == 1204
    fewer = [SETTLED[0], ("20/11/2026", "Sở Y tế", "1.210", "")]
    assert take(desk, csv(fewer).encode(), "Hồ sơ", "transactions") == Change("Hồ sơ", 1, 2)
    assert settled() == {("2026-11-20", "so_y_te"): 1210}
    desk.store.put_transactions(
        [{"day": date(2026, 11, 20), "department": "so_y_te", "dossiers": 9}]
    )
    desk.withdraw("Hồ sơ", "lan")
    assert settled() == {("2026-11-20", "so_y_te"): 9}, "what another source said since stays"


def test_a_roster_is_replaced_and_withdrawn(desk: Desk) -> None:
    day = date(2026, 11, 20)
    take(desk, csv(ROSTER).encode(), "Ca", "roster")
    take(desk, csv(ROSTER[:2]).encode(), "Ca", "roster")
    assert [one.official for one in desk.store.roster.shifts(day, day)] == ["CC.012"]
    desk.withdraw("Ca", "lan")
    assert not desk.store.roster.shifts(day, day)


def test_a_name_belongs_to_one_kind(quick: Desk) -> None:
    take(quick, BOOK)
    with pytest.raises(SheetError, match="other_kind"):
        take(quick, csv(SETTLED).encode(), "Tháng 11", "transactions")


def test_columns_are_remembered_by_their_header(desk: Desk) -> None:
    sheet = read_sheet(csv([("A", "B"), ("20/11/2026", "5")]).encode())
    kind = kind_of("ratings", desk.ingest.definition("in_centre", None))
    guessed = desk.columns(sheet, kind)
    assert "day" not in guessed.columns
    agreed = guessed.__class__(0, {"day": 0, "rating": 1}, {"so cu": "so_y_te"})
    desk.remember(sheet, kind, agreed)
    assert desk.columns(sheet, kind) == agreed


def test_a_closed_department_is_told_with_its_successor(
    quick: Desk, surveys: dict[str, Survey], centre: Centre
) -> None:
    """It is known by its name until then; who agrees takes its later rows for the successor."""
    closed = {"closed": date(2026, 11, 21), "successor": "so_noi_vu"}
    merged = Department.model_validate(
        {"id": "so_cu", "name": {"vi": "Sở Ngoại vụ", "en": "Foreign Affairs"}, **closed}
    )
    later = centre.model_copy(update={"departments": (*centre.departments, merged)})
    later = Centre.model_validate(later.model_dump())
    desk = Desk(quick.store, Ingest(quick.store, surveys, later), later, "vi", NOW)
    kind = kind_of("ratings", surveys["in_centre"])
    sheet = read_sheet(lines(*((day, "Sở Ngoại vụ", "", "Hài lòng") for day, *_ in ROWS)))
    columns = desk.columns(sheet, kind)
    taken, reading = desk.read(sheet, kind, columns)
    assert [problem.cell for problem in reading.problems] == ["B4"]
    assert "Sở Nội vụ" in reading.problems[0].reason
    assert reading.unplaced == {"Sở Ngoại vụ": "so_noi_vu"}
    assert taken.rows == 2
    chosen = columns.__class__(columns.header, columns.columns, {"so ngoai vu": "so_noi_vu"})
    taken, reading = desk.read(sheet, kind, chosen)
    assert not reading.problems
    assert taken.rows == 3
    assert sum('"so_noi_vu"' in key for key in taken.contents) == 1


def test_every_message_of_the_desk_is_in_both_languages() -> None:
    for key in [key for key in MESSAGES.texts["vi"] if key.startswith(("sheet.", "desk."))]:
        assert MESSAGES.texts["en"][key]


# A corrected file under another name

MONTH = [
    (date(2026, 11, 1) + timedelta(number % 20), "Sở Y tế", "Quầy 09", "Hài lòng")
    for number in range(40)
]


def like(desk: Desk, data: bytes, kind: str = "ratings", name: str = "Khác") -> list[str]:
    """The names of the batches that a file may be a correction of."""
    what = kind_of(kind, desk.ingest.definition("in_centre", None))
    sheet = read_sheet(data)
    taken, _ = desk.read(sheet, what, desk.columns(sheet, what))
    return [one.name for one in desk.alike(taken, what, name)]


def test_a_corrected_file_is_known_by_what_it_says(quick: Desk) -> None:
    """Whatever its name, format, order and columns, and with a few rows mended or added."""
    take(quick, lines(*MONTH))
    mended = [*reversed(MONTH[3:]), (NEXT, "Sở Tư pháp", "Quầy 05", "Bình thường")]
    turned = [tuple(reversed(row)) for row in (HEAD, *mended)]
    assert like(quick, xlsx(turned)) == ["Tháng 11"]
    assert like(quick, lines(*MONTH[:5])) == ["Tháng 11"], "a part of it"
    assert like(quick, lines(*MONTH), name="Tháng 11") == [], "it is that batch's next version"
    later = [(row[0] - timedelta(31), *row[1:]) for row in MONTH]
    assert like(quick, lines(*later)) == []
    quick.withdraw("Tháng 11", "lan")
    assert like(quick, lines(*MONTH)) == []


def test_counts_of_a_day_that_another_batch_has_are_noticed(quick: Desk) -> None:
    take(quick, csv(SETTLED).encode(), "Hồ sơ", "transactions")
    one = [SETTLED[0], ("20/11/2026", "Sở Y tế", "9", ""), *(
        (f"{day}/10/2026", "Sở Y tế", "9", "") for day in range(1, 20)
    )]  # fmt: skip
    assert like(quick, csv(one).encode(), "transactions") == ["Hồ sơ"]
    assert like(quick, csv([one[0], *one[2:]]).encode(), "transactions") == []


def test_of_many_batches_the_likeliest_comes_first(quick: Desk) -> None:
    take(quick, lines(*MONTH[:30]), "Một phần")
    take(quick, lines(*MONTH), "Cả tháng")
    assert like(quick, lines(*MONTH[1:], (NEXT, "Sở Y tế", "", "Hài lòng")))[0] == "Cả tháng"


@settings(max_examples=20)
@given(st.lists(st.integers(0, 2_000), max_size=900), st.lists(st.integers(0, 2_000), max_size=900))
def test_likeness_is_the_part_of_the_smaller_table_that_is_in_both(
    one: list[int], other: list[int]
) -> None:
    sketchers = Sketcher(), Sketcher()
    for sketcher, rows in zip(sketchers, (one, other), strict=True):
        for row in rows:
            sketcher.add(b"%d" % row)
    smaller = min(len(one), len(other))
    both = sum((Counter(one) & Counter(other)).values()) / smaller if smaller else 0.0
    found = shared(sketchers[0].sketch, sketchers[1].sketch)
    assert found == shared(sketchers[1].sketch, sketchers[0].sketch)
    near = 1e-9 if len(set(one)) <= KEPT and len(set(other)) <= KEPT else 0.25
    assert found == pytest.approx(both, abs=near)


# Numbers from records


def test_numbers_from_records_are_replaced_and_withdrawn(desk: Desk) -> None:
    take(desk, xlsx(PCI), "PCI", "hard")
    assert [one.value for one in desk.store.hard_data(2026)] == [1204.0, 96.3]
    take(desk, xlsx(PCI[:3]), "PCI", "hard")
    [one] = desk.store.hard_data(2026)
    assert (one.year, one.sub_index, one.unit) == (2025, "land_access", "%")
    assert desk.store.hard_data(2024) == []
    desk.withdraw("PCI", "lan")
    assert desk.store.hard_data(2026) == []


# Properties

FORMS: dict[str, Callable[[list[tuple[Any, ...]]], bytes]] = {
    "comma": lambda table: csv(table).encode(),
    "semicolon": lambda table: csv(table, ";").encode("utf-8-sig"),
    "tab": lambda table: csv(table, "\t").encode("utf-16"),
    "1258": lambda table: windows_1258(csv(table, ";")),
    "tcvn3": lambda table: tcvn3(csv(table, ";")).encode("latin-1"),
    "vni": lambda table: vni(csv(table, ";")).encode("latin-1"),
    "xlsx": xlsx,
    "ods": ods,
}
ROW = st.tuples(
    st.dates(date(2026, 9, 1), date(2026, 11, 22)).map(lambda day: day.strftime("%d/%m/%Y")),
    st.sampled_from(["Sở Y tế", "Sở Tư pháp", "Sở Nội vụ", ""]),
    st.just(""),
    st.sampled_from(
        ["Rất hài lòng", "Hài lòng", "Bình thường", "Không hài lòng", "Rất không hài lòng"]
    ),
)


DOSSIER = st.tuples(
    st.sampled_from(["20/11/2026", "21/11/2026"]),
    st.sampled_from(["Sở Y tế", "Sở Tư pháp"]),
    st.sampled_from(["5,5", "3", ""]),
    st.sampled_from(["2,5", "4", ""]),
    st.sampled_from(["0", "1", "2", ""]),
    st.sampled_from(["Không", "Có", ""]),
)


@pytest.fixture
def quick(migrated_sqlite: str, surveys: dict[str, Survey], centre: Centre) -> Iterator[Desk]:
    store = Store(migrated_sqlite)
    yield Desk(store, Ingest(store, surveys, centre), centre, "vi", NOW)
    store.close()


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ROW, min_size=1, max_size=12), st.data())
def test_reordered_and_written_otherwise_it_is_the_same_batch(
    quick: Desk, rows: list[tuple[Any, ...]], data: st.DataObject
) -> None:
    kind = kind_of("ratings", quick.ingest.definition("in_centre", None))

    def contents(form: str, some: Sequence[tuple[Any, ...]]) -> Any:
        sheet = read_sheet(FORMS[form]([HEAD, *some]))
        taken, reading = quick.read(sheet, kind, quick.columns(sheet, kind))
        assert not reading.problems
        return taken.contents

    whole = contents("comma", rows)
    other = data.draw(st.permutations(rows))
    forms = st.sampled_from(sorted(FORMS))
    assert contents(data.draw(forms), other) == whole
    cut = data.draw(st.integers(0, len(rows)))
    parts = [part for part in (rows[:cut], rows[cut:]) if part]
    halves = [contents(data.draw(forms), part) for part in parts]
    assert sum(halves[1:], halves[0]) == whole


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(DOSSIER, min_size=1, max_size=9), st.data())
def test_dossiers_in_several_files_count_as_in_one(
    quick: Desk, rows: list[tuple[str, ...]], data: st.DataObject
) -> None:
    """Parts of a day in batches of their own are added up, and one that goes takes its own."""

    def counted() -> Any:
        found = quick.store.handling.dossiers(
            ["so_y_te", "so_tu_phap"], date(2026, 11, 1), date(2026, 11, 30)
        )
        return {name: dict(by) for name, by in found.items()}

    def put(name: str, some: Sequence[tuple[str, ...]]) -> None:
        form = data.draw(st.sampled_from(sorted(FORMS)))
        take(quick, FORMS[form]([CIRCULAR[0], *some]), name, "dossiers")

    cut = data.draw(st.integers(0, len(rows)))
    parts = {f"Phần {n}": part for n, part in enumerate((rows[:cut], rows[cut:])) if part}
    put("Cả", rows)
    whole = counted()
    quick.withdraw("Cả", "lan")
    assert counted() == {}
    for name, part in parts.items():
        put(name, data.draw(st.permutations(part)))
    assert counted() == whole
    for name in parts:
        quick.withdraw(name, "lan")
    assert counted() == {}


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(ROW, max_size=6), min_size=1, max_size=4))
def test_whatever_versions_a_batch_had_the_tallies_are_those_of_the_last(
    quick: Desk, surveys: dict[str, Survey], versions: list[list[tuple[Any, ...]]]
) -> None:
    for number, rows in enumerate(versions):
        if rows:
            take(quick, csv([HEAD, *rows, ("Tổng cộng", number)]).encode(), "Lô")
            last = rows
        else:
            quick.withdraw("Lô", "lan")
            last = []
    found = tallies(quick.store)
    assert found == rebuilt(quick.store, surveys)
    assert sum(n for (n,) in found["tally"].values()) == len(last)
    assert len(stored(quick.store)) == len(last)
    quick.withdraw("Lô", "lan")
    assert not any(tallies(quick.store).values())
