"""The SPSS files that we write, read back by another program's library."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyreadstat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.documents.exports.sav import write_sav
from aggregator.documents.exports.sav_variables import SavValue, Variable

NOW = datetime(2026, 11, 23, 8, 15, 9)
LONG_LABEL = "Nội dung câu hỏi " * 30
VARIABLES = [
    Variable("id", "text", "Mã phiếu", width=36),
    Variable("channel", "text", "Kênh", {"kiosk": "Màn hình cảm ứng", "qr": "Mã QR"}, width=6),
    Variable("department", "text", "Cơ quan", {"so_tu_phap": "Sở Tư pháp"}, width=40),
    Variable("answered_at", "moment", "Trả lời lúc", measure="scale"),
    Variable("day", "day", "Ngày", measure="scale"),
    Variable("comment", "text", "Ý kiến khác", width=6_000),
    Variable("rating", "number", LONG_LABEL, {5: "Rất hài lòng", 1: "Kém"}, "ordinal"),
    Variable("a_question_whose_name_takes_all_the_forty_bytes", "number", measure="scale"),
]
Row = Sequence[SavValue]


def read(path: Path) -> tuple[list[dict[str, Any]], Any]:
    frame, told = pyreadstat.read_sav(path, disable_datetime_conversion=False)
    rows: Any = frame.to_dict("records")
    return rows, told


def written(path: Path, rows: Sequence[Row], variables: Sequence[Variable] = VARIABLES) -> Path:
    with path.open("wb") as file:
        write_sav(file, variables, len(rows), rows, title="Thử nghiệm", now=NOW)
    return path


def row(**changes: SavValue) -> Row:
    values: dict[str, SavValue] = {
        "id": "0190a0c0-0000-7000-8000-000000000001",
        "channel": "kiosk",
        "department": "so_tu_phap",
        "answered_at": datetime(2026, 11, 23, 8, 10, 5, tzinfo=UTC),
        "day": date(2026, 11, 23),
        "comment": "Cảm ơn",
        "rating": 5,
        "a_question_whose_name_takes_all_the_forty_bytes": 365,
    }
    return list((values | changes).values())


BLANK: Row = [None] * len(VARIABLES)


def test_values_dates_and_vietnamese_come_back(tmp_path: Path) -> None:
    [first, second], told = read(written(tmp_path / "a.sav", [row(), BLANK]))
    assert first == dict(zip([v.name for v in VARIABLES], row(), strict=True)) | {
        "answered_at": datetime(2026, 11, 23, 8, 10, 5)  # local time, as SPSS has no zones
    }
    texts = [v.name for v in VARIABLES if v.type == "text"]
    assert all(second[name] == "" for name in texts)
    assert all(value != value for name, value in second.items() if name not in texts)  # NaN, NaT
    assert told.file_encoding == "UTF-8"
    assert told.number_rows == 2
    assert told.file_label == "Thử nghiệm"
    assert told.creation_time == NOW


def test_labels_formats_and_measures_come_back(tmp_path: Path) -> None:
    _, told = read(written(tmp_path / "a.sav", [row()]))
    assert told.column_names == [v.name for v in VARIABLES]
    labels = told.column_names_to_labels
    assert labels["comment"] == "Ý kiến khác"
    assert LONG_LABEL.startswith(labels["rating"])
    assert 250 <= len(labels["rating"].encode()) <= 255
    assert told.variable_value_labels == {
        "channel": {"kiosk": "Màn hình cảm ứng", "qr": "Mã QR"},
        "department": {"so_tu_phap": "Sở Tư pháp"},
        "rating": {1.0: "Kém", 5.0: "Rất hài lòng"},
    }
    assert told.variable_measure == {v.name: v.measure for v in VARIABLES}
    formats = told.original_variable_types
    assert (formats["answered_at"], formats["day"]) == ("DATETIME20", "DATE11")
    assert (formats["rating"], formats["id"], formats["comment"]) == ("F8.0", "A36", "A6000")
    assert told.missing_ranges == {}


@pytest.mark.parametrize("size", [0, 1, 254, 255, 256, 504, 505, 510, 511, 1_999, 2_000])
def test_a_long_comment_is_whole(tmp_path: Path, size: int) -> None:
    for comment in ("ự" * size, "x" * size, " " * (size // 2) + "y" * (size // 2), "a\n" * size):
        [found], _ = read(written(tmp_path / "a.sav", [row(comment=comment)]))
        assert found["comment"] == comment
        assert found["rating"] == 5


@pytest.mark.parametrize("width", [1, 7, 8, 9, 255, 256, 504, 505, 756, 757, 20_000, 32_767])
def test_every_width_of_a_text_can_be_filled(tmp_path: Path, width: int) -> None:
    variables = [Variable("a", "text", width=width), Variable("b", "number")]
    full = ("0123456789" * 3_277)[:width]
    [found, none], told = read(written(tmp_path / "a.sav", [(full, 1), ("", None)], variables))
    assert (found["a"], found["b"], none["a"]) == (full, 1, "")
    assert told.original_variable_types["a"] == f"A{width}"
    cut = [(full + "more", 1)]
    assert read(written(tmp_path / "b.sav", cut, variables))[0][0]["a"] == full


def test_a_text_is_cut_between_characters(tmp_path: Path) -> None:
    variables = [Variable("a", "text", width=4)]  # ự takes three bytes
    [found], _ = read(written(tmp_path / "a.sav", [["ựự"]], variables))
    assert found["a"] == "ự"


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9])
def test_blocks_of_eight_go_over_rows_of_any_size(tmp_path: Path, count: int) -> None:
    variables = [Variable(f"v{n}", "number") for n in range(count)] + [Variable("t", "text")]
    variables[-1] = replace(variables[-1], width=9)
    rows = [[*range(number, number + count), f"text {number}"] for number in range(20)]
    found, _ = read(written(tmp_path / "a.sav", rows, variables))
    assert [list(each.values()) for each in found] == rows


def test_thousands_of_rows_come_back(tmp_path: Path) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    rows = [
        row(
            comment=f"ý kiến {n} " * (n % 40) or None,
            answered_at=start + timedelta(minutes=n),
            rating=None if n % 7 == 0 else n % 5 + 1,
        )
        for n in range(5_000)
    ]
    found, told = read(written(tmp_path / "a.sav", rows))
    assert told.number_rows == 5_000
    place = [v.name for v in VARIABLES].index("comment")
    assert [each["comment"] for each in found] == [str(r[place] or "").rstrip() for r in rows]
    assert found[4_321]["rating"] == 4_321 % 5 + 1
    assert found[4_321]["answered_at"] == (start + timedelta(minutes=4_321)).replace(tzinfo=None)
    assert sum(each["rating"] != each["rating"] for each in found) == len(range(0, 5_000, 7))


values = st.none() | st.integers(-1_000_000, 1_000_000)
texts = st.text("aự €\n", max_size=200).map(str.rstrip)


@given(st.lists(st.tuples(values, texts, values, texts), max_size=30))
def test_any_numbers_and_texts_come_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int | None, str, int | None, str]]
) -> None:
    variables = [
        Variable("a", "number"),
        Variable("b", "text", width=600),
        Variable("c", "number"),
        Variable("d", "text", width=600),
    ]
    path = written(tmp_path_factory.mktemp("sav") / "a.sav", rows, variables)
    found, _ = read(path)
    blank = [tuple(None if v != v else v for v in each.values()) for each in found]
    assert blank == rows


def test_rows_are_taken_while_they_are_written(tmp_path: Path) -> None:
    """Memory does not grow with the cases: what was taken is soon in the file."""
    path = tmp_path / "a.sav"
    sizes: list[int] = []

    def rows() -> Iterator[Row]:
        for n in range(3_000):
            if n % 1_000 == 0:
                file.flush()
                sizes.append(path.stat().st_size)
            yield row(comment="ý kiến " * 100)

    with path.open("wb") as file:
        write_sav(file, VARIABLES, 3_000, rows(), title="", now=NOW)
    assert sizes[0] < 30_000
    assert sizes[1] > 500 * 700
    assert sizes[2] > 1_500 * 700
