"""Exports for an office: words and dates, and one row a visit."""

import csv
import io
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import openpyxl
import pyarrow.parquet as pq
import pyreadstat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.documents.exports.columns import FIXED
from aggregator.documents.exports.joined import ExportFormat, JoinedTable
from aggregator.documents.exports.visits import COMMENT, KEPT, RECEIVED, VISIT, visits
from aggregator.documents.exports.writing import write_export
from surveys.centre import Centre
from surveys.definition import Survey
from tests.aggregator.conftest import NOW, Intake, Room, sipas, submission

VISIT_ID = "019b0000-0000-7000-8000-00000000000a"
FORMULA = '=HYPERLINK("http://evil.example")'


@pytest.fixture
def taken(intake: Intake) -> Intake:
    """A visit in three submissions, with a stranger's between them."""
    intake(
        [
            submission(visit=VISIT_ID, answered_at="2026-11-23T08:10:00+07:00"),
            submission(answers={"rating": 2}, visit=None),
            submission(
                visit=VISIT_ID,
                answers={"reasons": [1, 3]},
                comment=FORMULA,
                answered_at="2026-11-23T08:10:30+07:00",
            ),
            sipas([4] * 22, visit=VISIT_ID, answered_at="2026-11-23T08:13:00+07:00"),
        ]
    )
    return intake


def written(
    taken: Intake,
    centre: Centre,
    surveys: dict[str, Survey],
    path: Path,
    form: ExportFormat,
    **changes: Any,
) -> Path:
    table = JoinedTable(taken.store.database, centre, surveys, **changes)
    write_export(path, form, table, language="vi", now=NOW, advance=lambda more: None)
    return path


def test_a_spreadsheet_has_words_dates_and_its_codebook(
    taken: Intake, centre: Centre, surveys: dict[str, Survey], tmp_path: Path
) -> None:
    path = written(taken, centre, surveys, tmp_path / "out.xlsx", "xlsx")
    with closing(openpyxl.load_workbook(path, read_only=True)) as book:
        assert book.sheetnames == ["Số liệu", "Bảng mã"]
        heading, first, _, third, _ = book["Số liệu"].values
        row = dict(zip(heading, first, strict=True))
        assert row["Cơ quan"] == "Sở Tư pháp"
        assert row[surveys["in_centre"].questions["rating"].text.vi] == "Rất hài lòng"
        assert row["Thời điểm trả lời"] == datetime(2026, 11, 23, 8, 10)
        assert row["Ngày trả lời"] == datetime(2026, 11, 23)
        assert FORMULA in third  # a text: openpyxl reads formulas as such where there are any
        told = dict(line[:2] for line in book["Bảng mã"].values if line[0])
    assert told["department"] == "Cơ quan"


def test_a_file_for_vietnamese_excel_has_semicolons_local_dates_and_no_formula(
    taken: Intake, centre: Centre, surveys: dict[str, Survey], tmp_path: Path
) -> None:
    path = written(taken, centre, surveys, tmp_path / "out.csv", "csv_excel")
    raw = path.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    assert raw.count(b"\r\n") == 5
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    assert rows[0]["Thời điểm trả lời"] == "23/11/2026 08:10:00"
    assert rows[0]["Ngày trả lời"] == "23/11/2026"
    assert rows[2]["Ý kiến viết thêm"] == "'" + FORMULA


@pytest.mark.parametrize("form", ["xlsx", "csv_excel", "parquet", "sav"])
def test_a_row_a_visit_has_rating_reasons_comment_and_survey_together(
    taken: Intake, centre: Centre, surveys: dict[str, Survey], tmp_path: Path, form: ExportFormat
) -> None:
    path = written(taken, centre, surveys, tmp_path / f"out.{form}", form, each="visit")
    if form == "parquet":
        visit, other = pq.read_table(path).to_pylist()
        assert (visit["rating"], visit["reasons_1"], visit["reasons_2"]) == (5, 1, 0)
        assert (visit["visit"], visit["q22"], visit["comment"]) == (VISIT_ID, 4, FORMULA)
        assert (other["rating"], other["q22"], other["visit"]) == (2, None, None)
        assert {"id", "survey", "fingerprint"}.isdisjoint(visit)
    elif form == "sav":
        frame, _ = pyreadstat.read_sav(path)
        assert frame["rating"].tolist() == [5, 2]
        assert frame["q1"].tolist()[0] == 4
    elif form == "xlsx":
        with closing(openpyxl.load_workbook(path, read_only=True)) as book:
            _, *rows = book.worksheets[0].values
        assert [{"Rất hài lòng", "Hài lòng", FORMULA} <= set(row) for row in rows] == [True, False]
    else:
        assert path.read_bytes().count(b"\r\n") == 3
    codebook = path.with_suffix(".codebook.csv").read_text("utf-8-sig")
    assert "một lượt đến, gồm mọi phiếu của lượt đó" in codebook


Answers = list[int | None]


def row(visit: str | None, minutes: int, comment: str | None, answers: Answers) -> list[Any]:
    fixed: list[Any] = [None] * len(FIXED)
    fixed[0], fixed[VISIT], fixed[COMMENT] = str(uuid4()), visit, comment
    fixed[RECEIVED] = datetime(2026, 11, 23, tzinfo=UTC) + timedelta(minutes=minutes)
    return [*fixed, *answers]


ROWS = st.lists(
    st.builds(
        row,
        st.sampled_from([None, "a", "b", "c"]),
        st.integers(0, 9),
        st.sampled_from([None, "", "tốt", "chậm"]),
        st.lists(st.sampled_from([None, 1, 2]), min_size=4, max_size=4),
    ),
    max_size=12,
)


@given(ROWS)
def test_no_answer_and_no_comment_is_left_out_or_made_up(rows: list[list[Any]]) -> None:
    grouped = sorted(rows, key=lambda one: one[VISIT] or "")
    place = KEPT.index(VISIT)
    made = list(visits(grouped))
    found = {(one[place], key) for one in made for key in _answers(one, len(KEPT))}
    assert found == {(one[VISIT], key) for one in grouped for key in _answers(one, len(FIXED))}
    texts = sorted(
        text for one in made for text in (one[KEPT.index(COMMENT)] or "").split("\n") if text
    )
    assert texts == sorted(one[COMMENT] for one in rows if one[COMMENT])
    assert sum(one[place] is None for one in made) == sum(one[VISIT] is None for one in rows)
    assert len(made) <= len(rows)


def _answers(row: Sequence[Any], start: int) -> list[tuple[int, int]]:
    return [(place, value) for place, value in enumerate(row[start:]) if value is not None]


def test_the_page_offers_visits_and_says_where_there_are_none(room: Room) -> None:
    room.take([submission(visit=VISIT_ID), sipas(visit=VISIT_ID)])
    room.sign_in()
    assert 'name="rows"' in room.client.get("/documents").text
    answer = room.client.get("/exports/submissions.parquet?rows=visit")
    assert "visits-2026-11-23.parquet" in answer.headers["content-disposition"]
    assert pq.read_table(io.BytesIO(answer.content)).num_rows == 1
    refused = room.client.get("/exports/submissions.csv?rows=visit")
    assert refused.status_code == 400
    assert "chọn XLSX" in refused.text
    assert room.client.get("/exports/submissions.xlsx?rows=person").status_code == 400
