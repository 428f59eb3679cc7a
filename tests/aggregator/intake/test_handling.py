"""Dossiers and departments' facts: from a CSV file over the database to the page."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import text

from aggregator.demo import simulate
from aggregator.figures.handling import department_scores
from aggregator.indices.circular_01_2018 import BY_DOSSIER, Counts, DepartmentScore, Facts
from aggregator.intake.files import FileError
from aggregator.intake.handling import DOSSIER_COLUMNS, FACTS_COLUMNS, read_dossiers, read_facts
from aggregator.storage.migrations import _config, is_current, migrate
from aggregator.storage.store import Store
from surveys.centre import Centre
from tests.aggregator.commands.test_command_line import Program, opened, program, ready
from tests.aggregator.conftest import NOW, Intake, Room, stored, submission

__all__ = ["program", "ready"]  # fixtures

TODAY = date(2026, 11, 23)
DAY = date(2026, 11, 20)
JUSTICE, HEALTH = "so_tu_phap", "so_y_te"
GOOD = {
    "days_allowed": "5",
    "days_taken": "4",
    "agencies_early": "2",
    "agencies_on_time": "0",
    "agencies_late": "0",
    "desk_contacts": "0",
    "agencies_contacted": "0",
    "complaint": "none",
}
FULL = {
    "decided_at_desk": "full",
    "posted": "yes",
    "published_online": "yes",
    "feedback": "0",
    "feedback_on_time": "",
    "online": "full",
}


def row(given: dict[str, str], **changes: str) -> dict[str, str]:
    return {"day": "2026-11-20", "department": JUSTICE, **given, **changes}


def dossier(**changes: str) -> dict[str, str]:
    """A row of a dossier with 2 points throughout."""
    return row(GOOD, **changes)


def facts(**changes: str) -> dict[str, str]:
    """A row of facts with 2 points throughout."""
    return row(FULL, **changes)


def write(path: Path, *rows: dict[str, str]) -> Path:
    lines = [",".join(rows[0])]
    lines += [",".join(f'"{cell}"' if "," in cell else cell for cell in r.values()) for r in rows]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def take(store: Store, centre: Centre, path: Path, *rows: dict[str, str]) -> None:
    """Store rows of dossiers, or of facts; all must be read."""
    if "complaint" in rows[0]:
        cells, taken, problems = read_dossiers(write(path, *rows), centre, TODAY, "en")
        store.handling.set_dossiers(cells)
        assert taken == len(rows)
    else:
        given, problems = read_facts(write(path, *rows), centre, TODAY, "en")
        store.handling.set_facts(given)
        assert len(given) == len(rows)
    assert problems == []


def kept(store: Store) -> dict[str, dict[int, Counts]]:
    """All counts of the two departments in the year."""
    return store.handling.dossiers((JUSTICE, HEALTH), date(2026, 1, 1), TODAY)


def scores(store: Store, centre: Centre) -> dict[str, DepartmentScore]:
    return department_scores(store, centre, date(2026, 11, 1), date(2026, 11, 30), NOW)


# Files


def test_a_file_of_dossiers_becomes_counts_by_day_and_department(
    tmp_path: Path, centre: Centre
) -> None:
    path = write(
        tmp_path / "d.csv",
        dossier(),
        dossier(days_taken="5,0", complaint="upheld"),
        dossier(desk_contacts="", agencies_late="1"),
        dossier(department=HEALTH, days_allowed="2.5", days_taken="3"),
    )
    cells, taken, problems = read_dossiers(path, centre, TODAY, "en")
    assert (taken, problems) == (4, [])
    assert cells == {
        (DAY, JUSTICE): {
            1: Counts(0, 0, 1, 2),
            2: Counts(0, 1, 0, 2),
            3: Counts(1, 0, 0, 2),
            4: Counts(0, 0, 0, 3),
            7: Counts(0, 1, 0, 2),
        },
        (DAY, HEALTH): {
            1: Counts(0, 1, 0, 0),
            2: Counts(0, 0, 0, 1),
            3: Counts(0, 0, 0, 1),
            4: Counts(0, 0, 0, 1),
            7: Counts(0, 1, 0, 0),
        },
    }


def test_a_column_that_is_missing_is_unanswered(tmp_path: Path, centre: Centre) -> None:
    path = tmp_path / "d.csv"
    path.write_text(f"\ufeffday,department\n2026-11-20,{JUSTICE}\n", "utf-8")
    cells, taken, _ = read_dossiers(path, centre, TODAY, "en")
    assert taken == 1
    assert set(cells[DAY, JUSTICE].values()) == {Counts(unanswered=1)}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"department": ""}, "department"),
        ({"department": "nowhere"}, "department"),
        ({"day": ""}, "day"),
        ({"day": "20/11/2026"}, "day"),
        ({"day": "1999-12-31"}, "day"),
        ({"day": "2026-11-24"}, "day"),  # tomorrow
        ({"days_allowed": "-1"}, "days_allowed"),
        ({"days_taken": "five"}, "days_taken"),
        ({"days_taken": "1e5"}, "days_taken"),
        ({"days_taken": "٤"}, "days_taken"),
        ({"days_taken": "9" * 400}, "days_taken"),
        ({"agencies_early": "1.5"}, "agencies_early"),
        ({"agencies_on_time": "-0"}, "agencies_on_time"),
        ({"agencies_late": "1000001"}, "agencies_late"),
        ({"desk_contacts": "=1"}, "desk_contacts"),
        ({"agencies_contacted": "none"}, "agencies_contacted"),
        ({"complaint": "maybe"}, "complaint"),
    ],
)
def test_a_bad_row_is_named_and_the_others_are_taken(
    tmp_path: Path, centre: Centre, changes: dict[str, str], field: str
) -> None:
    path = write(tmp_path / "d.csv", dossier(), dossier(**changes), dossier())
    cells, taken, [(line, reason)] = read_dossiers(path, centre, TODAY, "en")
    assert (line, taken) == (3, 2)
    assert reason.startswith(f"{field}: ")
    assert cells[DAY, JUSTICE][1] == Counts(0, 0, 0, 2)


@pytest.mark.parametrize(
    "column", ["dossier_number", "ma_ho_so", "Mã hồ sơ", "name", "phone", "id", "note"]
)
@pytest.mark.parametrize("read", [read_dossiers, read_facts])
def test_a_file_with_a_column_of_its_own_is_not_taken(
    tmp_path: Path, centre: Centre, column: str, read: Callable[..., object]
) -> None:
    path = write(tmp_path / "d.csv", row({column: "H12.34-261120-0001"}))
    with pytest.raises(FileError, match="No dossier number") as caught:
        read(path, centre, TODAY, "en")
    assert column in str(caught.value)
    assert "H12.34" not in str(caught.value)
    with pytest.raises(FileError, match="Không ghi mã hồ sơ"):
        read(path, centre, TODAY, "vi")


def test_a_file_of_facts(tmp_path: Path, centre: Centre) -> None:
    path = write(
        tmp_path / "f.csv",
        facts(),
        facts(department=HEALTH, feedback="10", feedback_on_time="9", posted="no", online=""),
    )
    given, problems = read_facts(path, centre, TODAY, "en")
    assert problems == []
    assert given == {
        (DAY, JUSTICE): Facts("full", True, True, 0, 0, "full"),
        (DAY, HEALTH): Facts("full", False, True, 10, 9, None),
    }


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"decided_at_desk": "yes"}, "decided_at_desk"),
        ({"posted": "full"}, "posted"),
        ({"published_online": "1"}, "published_online"),
        ({"feedback": "3"}, "feedback_on_time"),
        ({"feedback": "", "feedback_on_time": "3"}, "feedback_on_time"),
        ({"feedback": "3", "feedback_on_time": "4"}, "feedback_on_time"),
        ({"feedback": "-1"}, "feedback"),
        ({"online": "2"}, "online"),
        ({"department": JUSTICE}, "day"),  # the first row again
    ],
)
def test_bad_facts_are_named(
    tmp_path: Path, centre: Centre, changes: dict[str, str], field: str
) -> None:
    path = write(tmp_path / "f.csv", facts(), facts(**{"department": HEALTH, **changes}))
    given, [(line, reason)] = read_facts(path, centre, TODAY, "en")
    assert (line, len(given)) == (3, 1)
    assert reason.startswith(f"{field}: ")


# Stored


def test_the_same_file_twice_changes_nothing_and_a_new_one_replaces_its_cells(
    store: Store, centre: Centre, tmp_path: Path
) -> None:
    path = tmp_path / "d.csv"
    first = [dossier(), dossier(), dossier(day="2026-11-19"), dossier(department=HEALTH)]
    take(store, centre, path, *first)
    once = kept(store)
    take(store, centre, path, *first)
    assert kept(store) == once
    assert once[JUSTICE][1] == Counts(0, 0, 0, 3)
    take(store, centre, path, dossier(days_taken="9"))
    found = kept(store)
    assert found[JUSTICE][1] == Counts(0, 1, 0, 1)  # the day before is still there
    assert found[HEALTH] == once[HEALTH]
    take(store, centre, path, facts(feedback="4", feedback_on_time="4"))
    take(store, centre, path, facts())
    assert store.handling.facts(DAY, DAY) == {JUSTICE: [Facts("full", True, True, 0, 0, "full")]}
    store.handling.set_dossiers({})
    store.handling.set_facts({})
    assert kept(store) == found


def test_two_files_at_once_leave_one_of_them_in_each_cell(store: Store) -> None:
    days = [date(2026, 11, day) for day in range(1, 21)]
    places = [(day, at) for day in days for at in (JUSTICE, HEALTH)]
    files = [
        {place: {number: Counts(two=n) for number in BY_DOSSIER} for place in order}
        for n, order in ((1, places), (100, places[::-1]))
    ]
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(store.handling.set_dossiers, files * 5))
    for day in days:
        found = store.handling.dossiers((JUSTICE, HEALTH), day, day)
        assert {counts.two for one in found.values() for counts in one.values()} in ({1}, {100})


def test_facts_come_back_as_they_were_in_the_order_of_days(store: Store) -> None:
    early, late = (
        Facts(None, None, None, None, None, None),
        Facts("none", False, True, 9, 0, "part"),
    )
    store.handling.set_facts({(TODAY, JUSTICE): late, (DAY, JUSTICE): early})
    assert store.handling.facts(DAY, TODAY) == {JUSTICE: [early, late]}
    assert store.handling.facts(TODAY, TODAY) == {JUSTICE: [late]}
    assert store.handling.facts(date(2026, 1, 1), date(2026, 1, 2)) == {}


def test_a_departments_score_from_files(store: Store, centre: Centre, tmp_path: Path) -> None:
    """1: (2+1)/2, 2: 2, 3: 1 of 2 with one blank, 4: 2, 7: (2+1)/2, and facts of 1, 2, 1, 2."""
    take(store, centre, tmp_path / "d.csv", dossier(), dossier(days_taken="5", desk_contacts=""))
    take(
        store,
        centre,
        tmp_path / "f.csv",
        facts(decided_at_desk="part", feedback="10", feedback_on_time="9"),
    )
    found = scores(store, centre)
    assert list(found) == [department.id for department in centre.departments]
    score = found[JUSTICE]
    points = [one.points for one in score.indicators]
    assert points == [Decimal(p) for p in ("1.5", "2", "1", "2", "1", "2", "1.5", "1", "2")]
    assert (score.total, score.band) == (Decimal("14.0"), "good")
    assert score.reachable == 17
    assert {other.band for id_, other in found.items() if id_ != JUSTICE} == {None}
    outside = department_scores(store, centre, date(2026, 10, 1), date(2026, 10, 31), NOW)
    assert {other.band for other in outside.values()} == {None}


def handled(answers: dict[str, int], **changes: str) -> dict[str, object]:
    return submission(survey="circular_01_2018", answers=answers, **changes)


def test_answers_of_citizens_fill_what_the_records_leave_open(
    intake: Intake, centre: Centre, tmp_path: Path
) -> None:
    receipts = intake(
        [
            handled({"desk_contacts": 2, "agencies_contacted": 1, "staff_attitude": 2}),
            handled({"desk_contacts": 1}),
            handled({"desk_contacts": 0}, department=HEALTH, counter="q09"),
            handled({"desk_contacts": 0}, answered_at="2026-10-31T10:00:00+07:00"),
        ]
    )
    assert {receipt.status for receipt in receipts} == {"accepted"}
    before = {one.indicator: one for one in scores(intake.store, centre)[JUSTICE].indicators}
    assert [before[number].points for number in (1, 3, 4, 7)] == [
        None,
        Decimal("1.5"),
        Decimal("0.5"),
        1,
    ]
    assert before[4].unanswered == 1
    assert {before[number].source for number in (3, 4, 7)} == {"answers"}
    take(intake.store, centre, tmp_path / "d.csv", dossier(agencies_contacted=""))
    after = {one.indicator: one for one in scores(intake.store, centre)[JUSTICE].indicators}
    assert [after[number].source for number in (3, 4, 7)] == ["records", "answers", "records"]
    assert after[3].points == 2  # the dossier alone: never both
    assert after[4].points == Decimal("0.5")


def test_migration_keeps_what_was_there(database_url: str) -> None:
    """A database of the first version, with answers: the second adds its tables beside."""
    store = Store(database_url)
    with (
        store.engine.connect().execution_options(hailong_write=True) as connection,
        connection.begin(),
    ):
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    with store.engine.begin() as connection:
        insert = "INSERT INTO transactions (day, department, dossiers) VALUES (:day, :at, 7)"
        connection.execute(text(insert), {"day": "2026-11-20", "at": JUSTICE})
    assert not is_current(store.engine)
    migrate(store.engine)
    assert is_current(store.engine)
    assert store.transactions(DAY, DAY)["dossiers"].tolist() == [7]
    assert kept(store) == {}
    counts = {number: Counts(1, 2, 3, number) for number in BY_DOSSIER}
    store.handling.set_dossiers({(DAY, JUSTICE): counts})
    assert kept(store) == {JUSTICE: counts}
    store.close()


# Commands


def test_the_commands_take_files_and_tell_what_they_refused(
    ready: Program, tmp_path: Path, centre: Centre
) -> None:
    path = write(tmp_path / "d.csv", *[dossier(day="2026-01-20")] * 3, dossier(day="x"))
    done = ready("--lang", "en", "dossiers", str(path))
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "accepted 3, refused 1"
    assert "line 5: day: " in done.stderr.lower()
    path = write(tmp_path / "f.csv", facts(day="2026-01-20"))
    done = ready("handling-facts", str(path))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "accepted 1, refused 0"
    store = opened(tmp_path)
    month = date(2026, 1, 1), date(2026, 1, 31)
    score = department_scores(store, centre, *month, NOW)[JUSTICE]
    assert score.total == 18
    assert (score.dossiers, score.band) == (3, "excellent")
    store.close()
    path.write_bytes(b"\xff\xfeday")
    for command_ in ("dossiers", "handling-facts"):
        broken = ready(command_, str(path))
        assert (broken.returncode, broken.stdout) == (1, "")
        assert "UTF-8" in broken.stderr


@pytest.mark.parametrize("lang", ["vi", "en"])
@pytest.mark.parametrize(
    ("name", "columns"), [("dossiers", DOSSIER_COLUMNS), ("handling-facts", FACTS_COLUMNS)]
)
def test_the_help_names_every_column(
    capsys: pytest.CaptureFixture[str],
    program: Program,
    lang: str,
    name: str,
    columns: tuple[str, ...],
) -> None:
    with pytest.raises(SystemExit) as left:
        program("--lang", lang, name, "--help")
    assert left.value.code == 0
    said = capsys.readouterr().out
    assert [column for column in columns if column not in said] == []


# The page


def cells(html: str, department: str) -> list[str]:
    """The texts of a department's row: dossiers, nine indicators, total and band."""
    [found] = re.findall(rf'<th scope="row">{department}</th>(.*?)</tr>', html, re.DOTALL)
    plain = [re.sub(r"<[^>]+>", " ", cell) for cell in re.findall(r"<td.*?</td>", found, re.DOTALL)]
    return [" ".join(cell.split()) for cell in plain]


def test_an_empty_page_tells_how_to_supply_the_data(room: Room) -> None:
    assert room.client.get("/handling").status_code == 303
    room.sign_in()
    html = room.client.get("/handling").text
    for wanted in ("dossiers", "handling-facts", *DOSSIER_COLUMNS, *FACTS_COLUMNS):
        assert wanted in html
    assert "circular_01_2018" in html
    assert 'class="places nine"' not in html


def test_the_page_shows_points_total_band_and_what_is_missing(
    any_room: Room, tmp_path: Path
) -> None:
    context = any_room.context
    store, centre = context.store, context.centre
    take(store, centre, tmp_path / "d.csv", dossier(), dossier(days_taken="5", desk_contacts=""))
    take(store, centre, tmp_path / "f.csv", facts(online=""))
    any_room.take([handled({"desk_contacts": 2}, department=HEALTH, counter="q09")])
    any_room.sign_in()
    html = any_room.client.get("/handling?period=quarter").text
    assert cells(html, "Sở Tư pháp") == [
        *("2", "1,5", "2,0", "1,0 thiếu 1", "2,0", "2,0", "2,0", "1,5", "2,0", "–"),
        "14,0 15,0",
        "Tốt thiếu 1 chỉ số",
    ]
    assert cells(html, "Sở Y tế")[3] == "2,0 theo công dân"
    assert cells(html, "Sở Y tế")[-1] == "Yếu thiếu 8 chỉ số"
    assert cells(html, "Sở Nội vụ")[-2:] == ["– 0,0", "chưa có số liệu"]
    assert "quý IV năm 2026" in html
    other = any_room.client.get("/handling?period=quarter&date=2026-09-30").text
    assert 'class="places nine"' not in other
    english = any_room.client.get("/handling?lang=en").text
    assert cells(english, "Department of Justice")[-1] == "Good 1 indicators missing"


def test_dossiers_that_say_nothing_are_counted(room: Room, tmp_path: Path) -> None:
    context = room.context
    blank = dict.fromkeys(GOOD, "")
    take(context.store, context.centre, tmp_path / "d.csv", row(blank), row(blank))
    room.sign_in()
    found = cells(room.client.get("/handling").text, "Sở Tư pháp")
    assert found[:2] == ["2", "– thiếu 2"]
    assert found[-1] == "chưa có số liệu"


def test_a_figure_tells_how_it_was_computed(room: Room, tmp_path: Path) -> None:
    context = room.context
    take(context.store, context.centre, tmp_path / "d.csv", dossier(), dossier(desk_contacts=""))
    room.sign_in()
    html = room.client.get(f"/handling?how={JUSTICE}.3").text
    told = re.sub(r"<[^>]+>", " ", html[html.index('id="how"') :])
    for wanted in ("1,00", "Sở Tư pháp", "Chưa trả lời 1", "Đạt 2 điểm 1", "01/2018/TT-VPCP"):
        assert wanted in " ".join(told.split())
    total = room.client.get(f"/handling?how={JUSTICE}.total").text
    told = " ".join(re.sub(r"<[^>]+>", " ", total[total.index('id="how"') :]).split())
    assert "9,00" in told
    assert "5, 6, 8, 9" in told


def test_pages_that_list_surveys_have_this_one_too(room: Room) -> None:
    room.take([handled({"desk_contacts": 2, "staff_attitude": 0})])
    room.sign_in()
    html = room.client.get("/?survey=circular_01_2018&date=2026-11-23").text
    assert "Không phải liên hệ thêm lần nào" in html
    assert "desk_contacts" in room.get("/api/v1/submissions.csv").text.splitlines()[0]
    rows = room.get("/api/v1/satisfaction", survey="circular_01_2018", by="question").json()["rows"]
    assert {one["key"]: one["counts"] for one in rows}["desk_contacts"] == {"2": 1, "1": 0, "0": 0}


def test_the_demo_has_departments_in_more_than_one_band(room: Room) -> None:
    context = room.context
    ingest = context.commits._ingest
    simulate(context.store, ingest, context.centre, context.surveys, NOW)
    assert stored(context.store)
    since = date(2026, 8, 1)
    found = department_scores(context.store, context.centre, since, TODAY, NOW)
    dossiers = context.store.transactions(since, TODAY)["dossiers"].sum()
    assert sum(score.dossiers for score in found.values()) == dossiers
    assert len({score.band for score in found.values()}) > 1
    assert all(score.total < score.reachable <= 18 for score in found.values())
