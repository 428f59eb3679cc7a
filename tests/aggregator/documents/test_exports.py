"""Exports: every format holds the same answers, filtered and screened, in constant memory."""

import csv
import io
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import openpyxl
import pyarrow.parquet as pq
import pyreadstat
import pytest

from aggregator.__main__ import main
from aggregator.documents.exports.codebook import codebook
from aggregator.documents.exports.columns import joined_columns, typed_columns
from aggregator.documents.exports.joined import (
    EXPORT_FORMATS,
    STREAMED,
    ExportFormat,
    JoinedTable,
    header,
)
from aggregator.documents.exports.office import headings
from aggregator.documents.exports.writing import write_export
from aggregator.documents.worker import Worker, environment
from aggregator.figures.figures import figure_rows
from aggregator.intake.files import FileError
from aggregator.intake.importing import import_file
from aggregator.intake.ingest import Ingest, Offer
from aggregator.organisation import acts
from aggregator.organisation.seen import SEEN, Seen, merged_into
from aggregator.storage.devices import Device
from aggregator.storage.flag_rules import FLAG_RULES
from aggregator.storage.migrations import migrate
from aggregator.storage.store import Selection, Store
from aggregator.storage.submissions import Filters
from aggregator.wording.screening import MASK
from surveys.centre import Centre, load_centre
from surveys.definition import Survey, Text, load_surveys
from surveys.messages import LANGUAGES, Language
from tests.aggregator.conftest import CENTRE, NOW, PASSWORD, ROOT, Intake, Room, sipas, submission

PHONE = "Xin gọi 0912 345 678, phí 1.414.812.973 đồng"
SENT = [
    submission(answers={"rating": 4, "reasons": [1, 3]}, comment="tốt,\nnhanh"),
    sipas([5, 0, 3] + [4] * 19, department=None, counter=None, channel="qr"),
    submission(
        survey="business",
        answers={"b1_2": 365, "sector": 3},
        comment=PHONE,
        language="en",
        answered_at="2026-11-20T23:30:00+07:00",
    ),
]
Write = Callable[..., Path]


@pytest.fixture
def write(intake: Intake, surveys: dict[str, Survey], centre: Centre, tmp_path: Path) -> Write:
    """Writes what was sent to a file of a format and gives its path."""
    intake(SENT)

    def run(form: ExportFormat, filters: Filters = Filters(), **changes: Any) -> Path:  # noqa: B008
        path = tmp_path / f"out.{form}"  # of a name that tells rows_of the format
        table = JoinedTable(intake.store.database, centre, surveys, filters, **changes)
        write_export(path, form, table, language="vi", now=NOW, advance=lambda more: None)
        return path

    return run


@cache
def names_of_headings() -> dict[str, str]:
    """The names of typed columns by what stands above them in a file for an office."""
    centre, surveys = load_centre(CENTRE), load_surveys().values()
    return {
        heading: column.name
        for organisation in SEEN
        for columns in [typed_columns(centre, surveys, organisation)]
        for language in LANGUAGES
        for heading, column in zip(headings(columns, language), columns, strict=True)
    }


def rows_of(path: Path) -> list[dict[str, Any]]:
    """What another program reads of a file: None where nothing is."""
    if path.read_bytes().startswith(b"PK"):
        with closing(openpyxl.load_workbook(path, read_only=True)) as book:
            heading, *lines = book.worksheets[0].values
        names = [names_of_headings().get(str(one), str(one)) for one in heading]
        return [dict(zip(names, line, strict=True)) for line in lines]
    if ".csv" in path.suffix and b";" in path.read_bytes().partition(b"\n")[0]:
        assert path.read_bytes().startswith(b"\xef\xbb\xbf")
        with path.open(encoding="utf-8-sig", newline="") as file:
            heading, *cells = csv.reader(file, delimiter=";")
        names = [names_of_headings().get(one, one) for one in heading]
        return [
            {name: cell or None for name, cell in zip(names, line, strict=True)} for line in cells
        ]
    if path.suffix == ".csv":
        assert path.read_bytes().startswith(b"\xef\xbb\xbf")
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))
    if path.suffix == ".json":
        found: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))
        return found
    if path.suffix == ".parquet":
        rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
        return rows
    frame, _ = pyreadstat.read_sav(path)
    return [
        {str(name): None if value != value or value == "" else value for name, value in row.items()}
        for row in frame.to_dict("records")
    ]


@pytest.mark.parametrize("form", ["parquet", "sav"])
def test_a_typed_file_holds_every_answer_with_its_type(
    write: Write, form: ExportFormat, centre: Centre, surveys: dict[str, Survey]
) -> None:
    rating, survey, firm = rows_of(write(form))
    assert list(rating) == [column.name for column in typed_columns(centre, surveys.values())]
    assert rating["id"] == SENT[0]["id"]
    assert rating["department"] == "so_tu_phap"
    assert rating["comment"] == "tốt,\nnhanh"
    assert (rating["rating"], rating["q1"], rating["b1_2"]) == (4, None, None)
    assert [rating[f"reasons_{code}"] for code in range(1, 6)] == [1, 0, 1, 0, 0]
    assert [survey[name] for name in ("q1", "q2", "q3", "q22")] == [5, None, 3, 4]
    assert [survey[f"reasons_{code}"] for code in range(1, 6)] == [None] * 5
    assert (survey["department"], survey["channel"]) == (None, "qr")
    assert (firm["b1_2"], firm["sector"], firm["language"]) == (365, 3, "en")
    assert firm["day"] == date(2026, 11, 20)
    local = datetime(2026, 11, 20, 23, 30)
    moment = firm["answered_at"]
    assert moment == local.replace(tzinfo=centre.zone) if form == "parquet" else moment == local


def test_json_is_an_array_of_submissions_as_they_were_sent(write: Write) -> None:
    rows = rows_of(write("json"))
    for row, sent in zip(rows, SENT, strict=True):
        assert row["answers"] == sent["answers"]
        assert {name: row[name] for name in ("id", "survey", "department", "channel")} == {
            name: sent[name] for name in ("id", "survey", "department", "channel")
        }
    assert rows[2]["answered_at"] == "2026-11-20T23:30:00+07:00"
    assert rows[2]["received_at"] == "2026-11-23T08:15:00+07:00"
    assert rows[2]["day"] == "2026-11-20"


@pytest.mark.parametrize("n", [0, 1, 499, 500, 501])
def test_json_is_whole_at_any_length(
    intake: Intake, surveys: dict[str, Survey], centre: Centre, n: int
) -> None:
    intake([submission() for _ in range(n)])
    text = "".join(JoinedTable(intake.store.database, centre, surveys).lines("json"))
    assert len(json.loads(text)) == n


def test_personal_numbers_are_masked_in_every_format(write: Write) -> None:
    masked = f"Xin gọi {MASK}, phí 1.414.812.973 đồng"
    for form in EXPORT_FORMATS:
        assert rows_of(write(form))[2]["comment"] == masked
        assert rows_of(write(form, raw_comments=True))[2]["comment"] == PHONE


@pytest.mark.parametrize(
    ("filters", "kept"),
    [
        (Filters(), [0, 1, 2]),
        (Filters(since=date(2026, 11, 21)), [0, 1]),
        (Filters(until=date(2026, 11, 20)), [2]),
        (Filters(survey="sipas_2020"), [1]),
        (Filters(channel="qr"), [1]),
        (Filters(department="so_tu_phap"), [0, 2]),
        (Filters(department="so_tu_phap", since=date(2026, 11, 21)), [0]),
        (Filters(channel="paper"), []),
    ],
    ids=str,
)
def test_filters_keep_what_they_say(write: Write, filters: Filters, kept: list[int]) -> None:
    for form in EXPORT_FORMATS:
        rows = rows_of(write(form, filters))
        assert [row["id"] for row in rows] == [SENT[place]["id"] for place in kept]
        if rows and filters.survey and form != "json":  # only the survey's own columns
            assert ("q1" in rows[0], "rating" in rows[0]) == (True, False)


def test_parquet_carries_labels_and_codes(write: Write) -> None:
    schema = pq.read_schema(write("parquet"))
    assert str(schema.field("answered_at").type) == "timestamp[us, tz=Asia/Ho_Chi_Minh]"
    assert str(schema.field("survey").type).startswith("dictionary")
    told = schema.field("q1").metadata
    assert told[b"label_vi"].decode().startswith("Nơi ngồi chờ")
    assert json.loads(told[b"values_en"])["5"] == "Very satisfied"
    assert schema.metadata[b"rows_en"] == b"3"
    assert schema.metadata[b"centre_vi"].decode().startswith("Trung tâm")


def test_spss_shows_labels_in_the_language_asked_for(
    intake: Intake, surveys: dict[str, Survey], centre: Centre, tmp_path: Path
) -> None:
    intake(SENT)
    table = JoinedTable(intake.store.database, centre, surveys)
    shown: dict[Language, str] = {"vi": "Rất hài lòng", "en": "Very satisfied"}
    for language in LANGUAGES:
        path = tmp_path / f"{language}.sav"
        write_export(path, "sav", table, language=language, now=NOW, advance=lambda more: None)
        _, told = pyreadstat.read_sav(path)
        assert told.variable_value_labels["rating"][5.0] == shown[language]
        question = surveys["in_centre"].questions["rating"]
        assert told.column_names_to_labels["rating"] == question.text.get(language)
        names: Any = told.variable_value_labels["department"]
        assert names["so_tu_phap"] == centre.department["so_tu_phap"].name.get(language)
        measures = told.variable_measure
        assert [measures[name] for name in ("rating", "gender", "b1_2", "reasons_1")] == [
            "ordinal",
            "nominal",
            "scale",
            "nominal",
        ]


def remade(survey: Survey, **changes: Any) -> Survey:
    fields = {name: getattr(survey, name) for name in Survey.model_fields}
    return Survey.model_validate(fields | changes)


@pytest.fixture
def twins(surveys: dict[str, Survey]) -> dict[str, Survey]:
    """The surveys, and one more whose questions have the ids of another's and other levels."""
    scale = surveys["paper_ballot_2020"].scales["favourable"]
    sipas_2020 = surveys["sipas_2020"]
    scales = {**sipas_2020.scales, "satisfaction": scale}
    twin = remade(sipas_2020, id="sipas_2025", scales=scales)
    return {**surveys, "sipas_2025": twin}


def test_two_surveys_with_the_same_question_ids_do_not_mix(
    intake: Intake, twins: dict[str, Survey], centre: Centre, tmp_path: Path
) -> None:
    joined, typed = joined_columns(centre, twins.values()), typed_columns(centre, twins.values())
    assert header(joined).count("q1") == 1
    names = [column.name for column in typed]
    assert len(set(names)) == len(names)
    assert {"sipas_2020_q1", "sipas_2025_q1", "rating"} <= set(names)
    assert "q1" not in names
    values = {column.name: [value for value, _ in column.values] for column in typed}
    assert (values["sipas_2020_q1"], values["sipas_2025_q1"]) == ([5, 4, 3, 2, 1], [1, 0])
    ingest = intake.ingest
    ingest._surveys = twins
    other = submission(survey="sipas_2025", answers={"q1": 0})
    intake([sipas([5] * 22), other])
    table = JoinedTable(intake.store.database, centre, twins)
    path = tmp_path / "out.parquet"
    write_export(path, "parquet", table, language="vi", now=NOW, advance=lambda more: None)
    first, second = rows_of(path)
    assert (first["sipas_2020_q1"], first["sipas_2025_q1"]) == (5, None)
    assert (second["sipas_2020_q1"], second["sipas_2025_q1"]) == (None, 0)
    text = "".join(table.lines("csv"))
    assert [row["q1"] for row in csv.DictReader(io.StringIO(text))] == ["5", "0"]
    (tmp_path / "out.csv").write_text(text, "utf-8")
    again = import_file(tmp_path / "out.csv", ingest, "en")
    assert again.summary() == "accepted 0, duplicate 2, conflict 0, refused 0"


@pytest.mark.parametrize("form", EXPORT_FORMATS)
def test_answers_to_a_question_that_was_of_another_kind_break_no_export(
    write: Write, intake: Intake, surveys: dict[str, Survey], form: ExportFormat
) -> None:
    with intake.store.engine.begin() as connection:
        odd = '{"rating": [4, 5], "reasons": 3, "gone": 1}'
        update = f"UPDATE submission SET answers = '{odd}' WHERE survey = 'in_centre'"
        connection.exec_driver_sql(update)
    row = rows_of(write(form))[0]
    if form in ("parquet", "sav"):
        assert row["rating"] is None
        assert [row[f"reasons_{code}"] for code in range(1, 6)] == [0, 0, 1, 0, 0]
    elif form == "csv":
        assert (row["rating"], row["reasons"]) == ("4;5", "3")


def test_names_are_ones_that_spss_takes(centre: Centre, surveys: dict[str, Survey]) -> None:
    survey = surveys["in_centre"]
    asked = survey.questions["rating"]
    long = "a" * 40
    questions = [
        asked.model_copy(update={"id": name, "text": Text(vi=name, en=name)})
        for name in ("not", "all", "x_1", "x_2", long)
    ]
    many = survey.questions["reasons"].model_copy(update={"id": "x"})
    factor = survey.factors[0].model_copy(update={"questions": (*questions, many)})
    odd = {name: remade(survey, id=name, factors=(factor,)) for name in ("b" * 40, "b" * 39 + "c")}
    names = [column.name for column in typed_columns(centre, odd.values())]
    assert len(set(names)) == len(names)
    assert all(len(name) <= 64 for name in names)
    single = [column.name for column in typed_columns(centre, [odd["b" * 40]])]
    assert {"q_not", "q_all", "x_1", "x_1_2", "x_3", long} <= set(single)
    assert {"not", "all"}.isdisjoint(single)


# The command


@pytest.fixture
def command(intake: Intake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    intake(SENT)
    monkeypatch.setenv("HAILONG_CENTRE", str(CENTRE))
    monkeypatch.setenv("HAILONG_VAR", str(tmp_path / "var"))
    url = intake.store.engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("HAILONG_DATABASE_URL", url)
    return lambda *arguments: main(["export", *map(str, arguments)])


def test_the_suffix_says_the_format_and_a_codebook_lies_beside(
    command: Callable[..., int], tmp_path: Path
) -> None:
    for form in EXPORT_FORMATS:
        path = tmp_path / f"so_lieu.{form}"
        assert command(path) == 0
        assert len(rows_of(path)) == 3
        book = (tmp_path / "so_lieu.codebook.csv").read_text("utf-8-sig")
        assert ("reasons_1" in book) == (form not in STREAMED)
    other = tmp_path / "so_lieu.dat"
    assert command("--format", "sav", other) == 0
    assert other.read_bytes().startswith(b"$FL2")
    assert not list(tmp_path.glob("*.part"))


def test_the_command_filters_and_leaves_comments_raw_when_told(
    command: Callable[..., int], tmp_path: Path
) -> None:
    path = tmp_path / "out.csv"
    assert command(path, "--from", "2026-11-20", "--to", "2026-11-20", "--survey", "business") == 0
    [row] = rows_of(path)
    assert MASK in row["comment"]
    assert command(path, "--department", "so_tu_phap", "--channel", "kiosk", "--raw-comments") == 0
    assert [row["comment"] for row in rows_of(path)] == ["tốt,\nnhanh", PHONE]


def test_an_impossible_wish_is_refused_by_name_and_nothing_is_written(
    command: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "out.csv"
    for wish in (
        ("--survey", "census"),
        ("--channel", "fax"),
        ("--department", "so_x"),
        ("--from", "2026-11-21", "--to", "2026-11-20"),
    ):
        assert command(path, *wish, "--lang", "en") == 1
        said = capsys.readouterr().err
        assert said.startswith(wish[0])
    assert command("-", "--format", "parquet") == 1
    assert command(tmp_path / "nowhere" / "out.sav") == 1
    with pytest.raises(SystemExit):
        command(path, "--from", "20/11/2026")
    assert not path.exists()
    assert not list(tmp_path.glob("*.part"))


def test_an_export_that_breaks_leaves_the_old_file_whole(
    write: Write, intake: Intake, centre: Centre, surveys: dict[str, Survey], tmp_path: Path
) -> None:
    path = write("csv")
    before = path.read_bytes()
    told = (tmp_path / "out.codebook.csv").read_bytes()
    table = JoinedTable(intake.store.database, centre, surveys)

    def broken(more: int) -> None:
        raise RuntimeError("in the middle")

    for form in EXPORT_FORMATS:
        with pytest.raises(RuntimeError, match="in the middle"):
            write_export(path, form, table, language="vi", now=NOW, advance=broken)
    assert path.read_bytes() == before
    assert (tmp_path / "out.codebook.csv").read_bytes() == told
    assert not list(tmp_path.glob("*.part"))


def test_a_raw_export_comes_back_whole_and_a_masked_one_conflicts(
    write: Write, intake: Intake, surveys: dict[str, Survey]
) -> None:
    raw = import_file(write("csv", raw_comments=True), intake.ingest, "en")
    assert raw.summary() == "accepted 0, duplicate 3, conflict 0, refused 0"
    masked = import_file(write("csv"), intake.ingest, "en")
    assert masked.summary() == "accepted 0, duplicate 2, conflict 1, refused 0"


# Flags


def burst(begin: str, **said: Any) -> list[dict[str, Any]]:
    """Five taps of one visit each, a second after one another."""
    start = datetime.fromisoformat(begin)
    return [
        submission(
            **said, visit=str(uuid4()), answered_at=(start + timedelta(seconds=n)).isoformat()
        )
        for n in range(5)
    ]


@pytest.fixture
def watched(make_room: Callable[..., Room], migrated_url: str) -> Room:
    """An aggregator that got a burst, one of them in the evening, and what is no burst."""
    room = make_room(migrated_url, centre=CENTRE)
    first, *more = burst("2026-11-20T09:00:00+07:00")
    reasons = submission(visit=first["visit"], answers={"reasons": [1]})
    reasons |= {"answered_at": first["answered_at"]}
    evening = burst("2026-11-20T22:00:00+07:00")
    room.take([first, *more, reasons, *evening, submission()])
    ingest = Ingest(room.context.store, room.context.surveys, room.context.centre)
    ingest.accept([Offer(burst("2026-11-20T10:00:00+07:00"), "en")])  # of a file, not of a device
    return room


@pytest.mark.parametrize("form", EXPORT_FORMATS)
def test_each_answer_names_the_rules_by_which_it_has_a_flag(
    watched: Room, tmp_path: Path, form: ExportFormat
) -> None:
    context = watched.context
    table = JoinedTable(context.store.database, context.centre, context.surveys)
    path = tmp_path / f"out.{form}"
    write_export(path, form, table, language="vi", now=NOW, advance=lambda more: None)
    found = [row["flags"] for row in rows_of(path)]
    if form == "json":
        expected: list[Any] = [["burst"]] * 6 + [["burst", "closed"]] * 5 + [[]] * 6
    elif form in ("xlsx", "csv_excel"):
        expected = ["Dồn dập"] * 6 + ["Dồn dập; Ngoài giờ làm việc"] * 5 + [None] * 6
    else:
        nothing = "" if form == "csv" else None
        expected = ["burst"] * 6 + ["burst;closed"] * 5 + [nothing] * 6
    assert found == expected


def test_a_file_has_the_flags_that_the_figures_have(watched: Room, tmp_path: Path) -> None:
    context = watched.context
    selection = Selection("in_centre", since=date(2026, 11, 20), until=date(2026, 11, 23))
    survey = context.surveys["in_centre"]
    [row] = figure_rows(context.store, survey, context.centre, selection, "centre")
    assert row.flagged is not None
    lines = "".join(
        JoinedTable(context.store.database, context.centre, context.surveys).lines("csv")
    )
    given: Counter[str] = Counter()
    for one in csv.DictReader(io.StringIO(lines)):
        given.update(one["flags"].split(";") if one["rating"] and one["flags"] else ())
    assert given == row.flagged.rules == {"burst": 10, "closed": 5}


def test_a_visit_has_the_flags_of_all_that_was_said_in_it(watched: Room, tmp_path: Path) -> None:
    context = watched.context
    table = JoinedTable(context.store.database, context.centre, context.surveys, each="visit")
    found = [
        row[[c.name for c in table.columns("parquet")].index("flags")] for row in table.typed_rows()
    ]
    assert found == ["burst"] * 5 + ["burst;closed"] * 5 + [None] * 6


def test_other_limits_give_other_flags_and_the_codebook_tells_them(watched: Room) -> None:
    context = watched.context
    flags = context.centre.flags.model_copy(update={"burst_ratings": 6, "outside_hours": False})
    centre = context.centre.model_copy(update={"flags": flags})
    table = JoinedTable(context.store.database, centre, context.surveys)
    assert all(row["flags"] == [] for row in json.loads("".join(table.lines("json"))))
    book = csv.DictReader(io.StringIO(codebook(table, "csv", 17, NOW, "en")))
    [told] = [row for row in book if row["column"] == "flags"]
    assert "burst: 6 or more at one place within 20 seconds" in told["note"]
    assert "closed: is turned off." in told["note"]
    assert "burst = Burst; run = One face again and again" in told["values_en"]
    assert [rule for rule in FLAG_RULES if f" {rule}: " not in told["note"]] == []


def test_flags_of_a_file_are_never_believed(watched: Room, tmp_path: Path) -> None:
    """They come back by the rules alone: an import takes the answers and leaves the flags."""
    context = watched.context
    lines = "".join(
        JoinedTable(context.store.database, context.centre, context.surveys).lines("csv")
    )
    path = tmp_path / "in.csv"
    path.write_text(lines.replace("burst;closed", "=made;up").replace("burst", "network"), "utf-8")
    other = Store(f"sqlite:///{tmp_path / 'other.db'}")
    migrate(other.engine)
    outcome = import_file(path, Ingest(other, context.surveys, context.centre), "en")
    assert outcome.summary() == "accepted 17, duplicate 0, conflict 0, refused 0"
    back = "".join(JoinedTable(other.database, context.centre, context.surveys).lines("csv"))
    given, got = (list(csv.DictReader(io.StringIO(text))) for text in (lines, back))
    known_here = ("flags", "device", "received_at")
    assert {row["flags"] for row in got} == {""}  # what is imported has no times to judge
    assert [{k: v for k, v in row.items() if k not in known_here} for row in got] == [
        {k: v for k, v in row.items() if k not in known_here} for row in given
    ]
    other.close()


def test_a_row_without_an_id_is_the_same_whatever_flags_it_is_said_to_have(
    intake: Intake, tmp_path: Path
) -> None:
    path = tmp_path / "in.csv"
    for flags, status in (("", "accepted"), ("burst", "duplicate")):
        row = f"in_centre,so_tu_phap,paper,2026-11-20T08:00:00+07:00,{flags},5"
        path.write_text(f"survey,department,channel,answered_at,flags,rating\n{row}\n", "utf-8")
        assert import_file(path, intake.ingest, "en").statuses == {status: 1}


# What an export takes

HEAVY = {"pandas", "numpy", "scipy", "statsmodels", "starlette", "uvicorn", "pyarrow"}
GROWTH = 20_000  # KB; 18,000 rows held at once would take twice as much

LEAN = """
import json, sys
from aggregator.__main__ import main
status = main(["export", sys.argv[1]])
print(json.dumps([status, sorted({name.partition(".")[0] for name in sys.modules})]))
"""

MEASURE = """
import resource, sys
from aggregator.__main__ import main
peaks = []
for wanted in ("--to=2026-01-01", "--from=2026-01-01"):
    assert main(["export", sys.argv[1], wanted]) == 0
    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
print(peaks[1] - peaks[0])
"""


def run(script: str, file: Path, room: Room) -> Any:
    """What a script prints, as JSON, that exports from the room's database to a file."""
    done = subprocess.run(
        [sys.executable, "-c", script, str(file)],
        env=environment(room.settings),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("form", ["csv", "json", "sav"])
def test_a_command_holds_no_library_that_it_does_not_need(
    room: Room, tmp_path: Path, form: str
) -> None:
    room.take(burst("2026-11-20T09:00:00+07:00"))  # or none would be judged
    status, modules = run(LEAN, tmp_path / f"out.{form}", room)
    assert status == 0
    assert HEAVY.isdisjoint(modules)


@pytest.fixture
def twenty_thousand(room: Room) -> Room:
    """2,000 submissions of one day, which count as 20,000 from that day on."""
    long = "Ý kiến viết thêm khá dài của người dân. " * 5
    day = {"answered_at": "2026-01-01T08:00:00+07:00"}
    room.take([sipas([4] * 22, **day) for _ in range(1_000)])
    room.take([submission(comment=long, **day) for _ in range(1_000)])
    with room.context.store.engine.begin() as connection:
        columns = [
            row[1]
            for row in connection.exec_driver_sql("PRAGMA table_info(submission)")
            if row[1] not in ("number", "id", "day")
        ]
        names = ", ".join(columns)
        connection.exec_driver_sql(
            f"INSERT INTO submission (id, day, {names}) "
            f"SELECT substr(id, 1, 24) || printf('%012d', n), '2026-01-02', {names} "
            "FROM submission, (WITH RECURSIVE c(n) AS "
            "(SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 9) SELECT n FROM c)"
        )
    return room


@pytest.mark.parametrize("form", EXPORT_FORMATS)
def test_memory_does_not_grow_with_the_rows(
    twenty_thousand: Room, tmp_path: Path, form: ExportFormat
) -> None:
    path = tmp_path / f"out.{form}"
    grown = run(MEASURE, path, twenty_thousand)
    assert len(rows_of(path)) == 20_000
    assert grown < GROWTH


# From the page


@pytest.mark.parametrize("form", EXPORT_FORMATS)
def test_managers_fetch_every_format(room: Room, tmp_path: Path, form: ExportFormat) -> None:
    room.take(SENT)
    room.sign_in()
    query = "from=2026-11-20&to=2026-11-21&survey=business&channel=kiosk&lang=en"
    answer = room.client.get(f"/exports/submissions.{form}?{query}")
    assert answer.status_code == 200
    disposition = answer.headers["content-disposition"]
    assert f"submissions-2026-11-20-2026-11-21.{form.partition('_')[0]}" in disposition
    path = tmp_path / f"got.{form}"
    path.write_bytes(answer.content)
    [row] = rows_of(path)
    assert (row["id"], MASK in row["comment"]) == (SENT[2]["id"], True)
    folder = room.settings.var / "documents"
    assert not folder.exists() or not list(folder.iterdir())


def test_without_days_everything_is_fetched(room: Room) -> None:
    room.take(SENT)
    room.sign_in()
    answer = room.client.get("/exports/submissions.json?from=&to=&survey=&channel=")
    assert len(answer.json()) == 3
    assert 'filename="submissions-2026-11-23.json"' in answer.headers["content-disposition"]
    assert len(room.client.get("/exports/submissions.json?to=2026-11-21").json()) == 1
    assert len(room.client.get("/exports/submissions.json?period=day").json()) == 2


@pytest.mark.parametrize("form", EXPORT_FORMATS)
def test_viewers_and_strangers_get_no_answers(room: Room, form: ExportFormat) -> None:
    paths = (f"/exports/submissions.{form}", f"/exports/codebook.csv?format={form}")
    assert [room.client.get(path).status_code for path in paths] == [303, 303]
    room.context.accounts.add_user("xem", "reader", PASSWORD)
    room.sign_in("xem")
    assert [room.client.get(path).status_code for path in paths] == [403, 403]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("submissions.xls", 404),
        ("submissions.sav?survey=census", 400),
        ("submissions.sav?channel=fax", 400),
        ("submissions.sav?department=--raw-comments", 400),
        ("submissions.sav?from=--raw-comments", 400),
        ("submissions.sav?from=2026-11-21&to=2026-11-20", 400),
        ("submissions.csv?period=decade", 400),
        ("codebook.csv?format=xls", 404),
    ],
)
def test_a_bad_wish_is_refused_before_anything_is_made(room: Room, query: str, status: int) -> None:
    room.sign_in()
    assert room.client.get(f"/exports/{query}").status_code == status


@pytest.mark.parametrize(
    "path", ["submissions.csv", "submissions.sav", "submissions", "codebook.csv"]
)
@pytest.mark.parametrize("query", ["chanel=qr", "from=2026-11-20&from=2026-11-21", "how=n"])
def test_an_export_says_which_parameter_it_does_not_take(room: Room, path: str, query: str) -> None:
    room.sign_in()
    answer = room.client.get(f"/exports/{path}?format=csv&{query}")
    assert answer.status_code == 400
    assert f"không nhận tham số “{query.partition('=')[0]}”" in answer.text


def test_a_document_that_cannot_be_made_says_so_and_leaves_nothing(
    make_room: Callable[..., Room], caplog: pytest.LogCaptureFixture
) -> None:
    room = make_room()
    room.sign_in()
    broken = room.settings.model_copy(update={"database_url": "sqlite:////proc/nowhere/a.db"})
    object.__setattr__(room.context, "worker", Worker(broken))
    answer = room.client.get("/exports/submissions.sav")
    assert answer.status_code == 503
    assert "Không tạo được tài liệu" in answer.text
    assert "nowhere" in caplog.text
    assert "nowhere" not in answer.text
    assert not list((room.settings.var / "documents").iterdir())


@pytest.mark.parametrize("form", EXPORT_FORMATS)
def test_each_answer_names_its_device_and_its_place_then_or_now(
    intake: Intake, surveys: dict[str, Survey], centre: Centre, tmp_path: Path, form: ExportFormat
) -> None:
    planning = submission(department="so_ke_hoach_dau_tu", counter="q08")
    finance = submission(department="so_tai_chinh", counter="q18")
    intake.ingest.accept([Offer([planning, finance], "en", Device(7, "=kiosk 7"))])
    intake([submission()])
    day = date(2026, 11, 23)
    merged = acts.merge(centre, "department", "so_ke_hoach_dau_tu", "so_tai_chinh", day)
    merged = acts.merge(merged, "counter", "q08", "q18", date(2026, 11, 24))

    def rows(organisation: Seen, department: str | None = None) -> list[dict[str, Any]]:
        into = merged_into(merged, organisation, department)
        filters = Filters(department=department, merged=into)
        table = JoinedTable(
            intake.store.database, merged, surveys, filters, organisation=organisation
        )
        path = tmp_path / f"{organisation}.{form}"
        write_export(path, form, table, language="vi", now=NOW, advance=lambda more: None)
        return rows_of(path)

    assert [str(row["device"] or "").removesuffix(".0") for row in rows("then")] == ["7", "7", ""]
    department, counter = "so_tai_chinh", "q18"
    if form in ("xlsx", "csv_excel"):  # in words
        department = centre.department["so_tai_chinh"].name.vi
        counter = centre.counter["q18"].name.vi
    assert [row["department"] for row in rows("then", "so_tai_chinh")] == [department]
    found = rows("now", "so_tai_chinh")
    assert [(row["department_now"], row["counter_now"]) for row in found] == [
        (department, counter)
    ] * 2
    assert {"department", "counter"}.isdisjoint(found[0])
    book = (tmp_path / "now.codebook.csv").read_text("utf-8-sig")
    assert "theo cơ cấu tổ chức hiện nay" in book
    assert "so_ke_hoach_dau_tu" not in book
    if form == "csv":
        # It would come back under other units, so it does not.
        with pytest.raises(FileError, match="department_now"):
            import_file(tmp_path / "now.csv", intake.ingest, "en", lambda more: None)
        rows("then")
        outcome = import_file(tmp_path / "then.csv", intake.ingest, "en", lambda more: None)
        assert outcome.statuses == {"duplicate": 3}


def test_todays_organisation_is_a_choice_of_who_sees_the_whole_centre(room: Room) -> None:
    organisation = room.context.organisation
    planning = submission(department="so_ke_hoach_dau_tu", counter="q08")
    room.take([planning, submission()])
    merging = acts.merge(
        organisation.stored, "department", "so_ke_hoach_dau_tu", "so_tai_chinh", NOW.date()
    )
    organisation.save(merging, "an", "", organisation.number)
    room.sign_in()
    assert 'name="organisation"' in room.client.get("/documents").text.split("/exports/")[1]
    asked = "organisation=now&department=so_tai_chinh"
    for form in ("json", "parquet"):
        answer = room.client.get(f"/exports/submissions.{form}?{asked}")
        assert answer.status_code == 200
        if form == "json":
            assert [one["department_now"] for one in answer.json()] == ["so_tai_chinh"]
        else:
            read = pq.read_table(io.BytesIO(answer.content)).to_pylist()
            assert [one["department_now"] for one in read] == ["so_tai_chinh"]
    merged = "organisation=now&department=so_ke_hoach_dau_tu"
    assert room.client.get(f"/exports/submissions.json?{merged}").status_code == 400
    assert "organisation=now" in room.client.get("/audit?kind=export").text
    room.context.accounts.add_user("dao", "head", department="so_tai_chinh")
    room.client.get(room.context.accounts.new_link("dao", ""))
    assert room.client.get("/exports/submissions.json").json() == []
    assert room.client.get(f"/exports/submissions.json?{asked}").status_code == 400
    assert room.client.get("/exports/submissions.sav?organisation=now").status_code == 400
