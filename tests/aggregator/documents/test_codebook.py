"""The codebook: every column of the file beside it is explained, and the file as a whole."""

import csv
import io
from dataclasses import replace
from datetime import date

import pytest

from aggregator.documents.exports.codebook import codebook
from aggregator.documents.exports.joined import EXPORT_FORMATS, ExportFormat, JoinedTable, header
from aggregator.storage.submissions import Filters
from aggregator.wording.messages import MESSAGES
from surveys.centre import Centre
from surveys.definition import Survey
from surveys.messages import LANGUAGES, Language
from tests.aggregator.conftest import NOW, Intake, Room, submission

Row = dict[str, str]


@pytest.fixture
def table(intake: Intake, centre: Centre, surveys: dict[str, Survey]) -> JoinedTable:
    return JoinedTable(intake.store.database, centre, surveys)


def read(table: JoinedTable, form: ExportFormat = "csv", language: Language = "vi") -> list[Row]:
    return list(csv.DictReader(io.StringIO(codebook(table, form, 3_565, NOW, language))))


def columns(rows: list[Row]) -> dict[str, Row]:
    """The rows about columns; those before tell of the whole file."""
    first = next(place for place, row in enumerate(rows) if row["column"])
    assert all(row["column"] for row in rows[first:])
    return {row["column"]: row for row in rows[first:]}


@pytest.mark.parametrize("form", EXPORT_FORMATS)
def test_every_column_of_the_file_has_its_row_in_order(
    table: JoinedTable, form: ExportFormat
) -> None:
    told = [name.removeprefix("answers.") for name in columns(read(table, form))]
    assert told == header(table.columns(form))
    assert all(row["label_vi"] and row["label_en"] and row["type"] for row in read(table)[15:])


def test_a_question_is_told_with_all_that_its_definition_says(
    table: JoinedTable, surveys: dict[str, Survey]
) -> None:
    told = columns(read(table))
    q3 = told["q3"]
    assert q3["label_vi"] == "Trang thiết bị phục vụ hiện đại"
    assert q3["values_vi"].startswith("5 = Rất hài lòng; 4 = Hài lòng")
    assert q3["values_en"].endswith("1 = Very dissatisfied")
    assert q3["survey"] == "sipas_2020"
    assert q3["fingerprint"] == surveys["sipas_2020"].fingerprint
    assert q3["measures"] == "very_satisfied = 5; satisfied_or_better = 4, 5"
    assert q3["direction"] == "càng cao càng tốt"
    assert q3["wording"] == "câu chữ chưa được xác minh"
    assert q3["factor"] == surveys["sipas_2020"].factors[0].name.vi
    days = told["b1_2"]
    assert (days["values_vi"], days["unit"], days["direction"]) == (
        "0-365",
        "ngày",
        "càng thấp càng tốt",
    )
    gender = told["gender"]
    assert (gender["measures"], gender["direction"]) == ("", "")  # names have no direction
    assert gender["factor"] == "Thông tin người trả lời"
    sensitive = {q.id for survey in surveys.values() for q in survey.all_questions() if q.sensitive}
    assert {name for name, row in told.items() if row["sensitive"]} == sensitive
    assert sensitive


def test_places_and_channels_are_told_by_name(table: JoinedTable, centre: Centre) -> None:
    told = columns(read(table))
    assert (
        f"so_tu_phap = {centre.department['so_tu_phap'].name.vi}" in told["department"]["values_vi"]
    )
    assert "qr = Mã QR" in told["channel"]["values_vi"]
    assert "in_centre = Đánh giá tại Trung tâm" in told["survey"]["values_vi"]


def test_the_file_as_a_whole_is_told_first(
    intake: Intake, centre: Centre, surveys: dict[str, Survey]
) -> None:
    filters = Filters(date(2026, 7, 1), date(2026, 9, 30), "in_centre", "qr", "so_tu_phap")
    table = JoinedTable(intake.store.database, centre, surveys, filters)
    told = {row["label_en"]: row for row in read(table, "sav") if not row["column"]}
    shown = {name: row["values_en"] for name, row in told.items()}
    assert shown["From"] == "2026-07-01"
    assert shown["To, included"] == "2026-09-30"
    assert shown["Survey"] == "Rating at the centre"
    assert shown["Channel"] == "QR code"
    assert shown["Department"] == centre.department["so_tu_phap"].name.en
    assert shown["Submissions"] == "3565"
    assert shown["Exported at"] == "2026-11-23T08:15:00+07:00"
    assert shown["Format"] == "sav"
    assert "masked" in shown["Comments"]
    assert told["Centre"]["values_vi"] == centre.name.vi
    everything = JoinedTable(intake.store.database, centre, surveys, raw_comments=True)
    whole = [row for row in read(everything) if not row["column"]]
    shown = {row["label_en"]: row["values_en"] for row in whole}
    assert shown["From"] == shown["Survey"] == shown["Department"] == "all"
    assert "personal data" in shown["Comments"]


def test_notes_follow_the_format(table: JoinedTable) -> None:
    notes = {
        form: {name: row["note"] for name, row in columns(read(table, form, "en")).items()}
        for form in EXPORT_FORMATS
    }
    assert "semicolons" in notes["csv"]["reasons"]
    assert notes["json"]["answers.reasons"] == "A list of codes"
    assert "formula" in notes["csv"]["comment"]
    assert notes["sav"]["comment"] == notes["json"]["comment"] == ""
    assert "SPSS keeps no time zone" in notes["sav"]["answered_at"]
    assert "time zone" in notes["parquet"]["answered_at"]
    assert "offset" in notes["csv"]["answered_at"]
    assert "1 where it was chosen" in notes["sav"]["reasons_1"]


def test_every_note_is_of_a_column_or_kind_that_there_is(table: JoinedTable) -> None:
    now = replace(table, organisation="now")
    known = {column.name for one in (table, now) for column in one.columns("csv")}
    known |= {"many", "ticked"}
    for language in LANGUAGES:
        for key in MESSAGES.texts[language]:
            if key.startswith("codebook.note_"):
                about = key.removeprefix("codebook.note_")
                form = next((form for form in EXPORT_FORMATS if about.endswith(f"_{form}")), "")
                assert about.removesuffix(f"_{form}") in known


def test_a_column_that_surveys_share_has_a_row_for_each(
    intake: Intake, centre: Centre, surveys: dict[str, Survey]
) -> None:
    twins = {**surveys, "sipas_2025": surveys["sipas_2020"].model_copy(update={"id": "sipas_2025"})}
    shared = [
        row
        for row in read(JoinedTable(intake.store.database, centre, twins))
        if row["column"] == "q1"
    ]
    assert [row["survey"] for row in shared] == ["sipas_2020", "sipas_2025"]


def test_managers_fetch_it_for_what_they_chose(room: Room) -> None:
    room.take([submission(), submission(channel="qr")])
    room.sign_in()
    answer = room.client.get("/exports/codebook.csv?format=sav&channel=qr&lang=en")
    assert answer.status_code == 200
    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert answer.headers["content-disposition"].endswith('.codebook.csv"')
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    shown = {row["label_en"]: row["values_en"] for row in rows if not row["column"]}
    assert (shown["Submissions"], shown["Channel"]) == ("1", "QR code")
    assert "reasons_1" in columns(rows)
    plain = room.client.get("/exports/codebook.csv").text
    assert "\nreasons," in plain
