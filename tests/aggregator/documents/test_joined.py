"""The joined CSV table: its columns and times, comments screened and never run as formulas."""

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest

from aggregator.documents.exports.columns import joined_columns
from aggregator.documents.exports.joined import csv_lines, header, records
from aggregator.wording.screening import MASK
from surveys.centre import Centre
from surveys.definition import Survey
from tests.aggregator.conftest import Intake, Room, ratings, sipas, submission

SUBMISSIONS_CSV = "/api/v1/submissions.csv"


def table(room: Room, **parameters: str) -> list[dict[str, str]]:
    answer = room.get(SUBMISSIONS_CSV, **parameters)
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.text)))


def columns(room: Room) -> list[str]:
    return header(joined_columns(room.context.centre, room.context.surveys.values()))


def test_one_row_a_submission_with_every_question_as_a_column(any_room: Room) -> None:
    sent = [
        submission(answers={"rating": 4, "reasons": [1, 3]}, comment="tốt,\nnhanh"),
        sipas([5, 0, 3], department=None, counter=None),
    ]
    any_room.take(sent)
    rating, survey = table(any_room)
    assert list(rating) == columns(any_room)
    assert (rating["id"], rating["rating"], rating["reasons"]) == (sent[0]["id"], "4", "1;3")
    assert (rating["comment"], rating["q1"]) == ("tốt,\nnhanh", "")
    assert [survey[name] for name in ("q1", "q2", "q3", "department", "rating")] == [
        "5",
        "",
        "3",
        "",
        "",
    ]


def test_times_are_the_centres_with_their_offset(any_room: Room) -> None:
    any_room.take([submission(answered_at="2026-11-22T18:30:00Z")])
    [row] = table(any_room)
    assert row["answered_at"] == "2026-11-23T01:30:00+07:00"
    assert row["received_at"] == "2026-11-23T08:15:00+07:00"
    assert row["day"] == "2026-11-23"


def test_from_and_to_choose_local_days_both_included(any_room: Room) -> None:
    for day in ("19", "20", "21", "22"):
        any_room.take([submission(answered_at=f"2026-11-{day}T23:00:00+07:00")])
    days = [row["day"] for row in table(any_room, from_="2026-11-20", to="2026-11-21")]
    assert days == ["2026-11-20", "2026-11-21"]
    assert any_room.get(SUBMISSIONS_CSV, from_="2026-11-22", to="2026-11-21").status_code == 400
    assert any_room.get(SUBMISSIONS_CSV, from_="x").json()["error"].startswith("from:")


def test_an_empty_table_has_its_header(any_room: Room) -> None:
    answer = any_room.get(SUBMISSIONS_CSV)
    assert answer.text == ",".join(columns(any_room)) + "\n"


@pytest.mark.parametrize(
    "comment",
    [
        "=1+1",
        "+1",
        "-1",
        "@x",
        "\tx",
        "\n=x",
        "'x",
        "  =1",
        "＝1",
        "＋1",
        "－1",
        "＠x",
        "=cmd|' /C'!A0",
    ],
)
def test_a_comment_that_a_spreadsheet_would_run_is_quoted(room: Room, comment: str) -> None:
    room.take([submission(comment=comment)])
    [row] = table(room)
    assert row["comment"] == f"'{comment}"


def test_personal_numbers_in_comments_are_masked(any_room: Room) -> None:
    any_room.take([submission(comment="=Gọi 0912 345 678, phí 1.414.812.973 đồng")])
    [row] = table(any_room)
    assert row["comment"] == f"'=Gọi {MASK}, phí 1.414.812.973 đồng"


def test_rows_are_read_while_they_are_written(
    intake: Intake, surveys: dict[str, Survey], centre: Centre
) -> None:
    """The first piece comes before the last row is read: memory does not grow with the table."""
    intake(ratings([5] * 1_800))
    read = 0

    def counted() -> Iterator[Any]:
        nonlocal read
        for row in intake.store.submissions(None, None):
            read += 1
            yield row

    pieces = csv_lines(
        records(counted(), centre.zone, lambda row: ()), joined_columns(centre, surveys.values())
    )
    first = next(pieces)
    assert read == 500
    assert first.count("\n") == 501
    assert sum(piece.count("\n") for piece in pieces) == 1_300
