"""What stands in a report: its figures, what is withheld, its sentences; command and page."""

import io
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple, get_args

import pytest

from aggregator.__main__ import main
from aggregator.documents.reports.charts import drawing
from aggregator.documents.reports.decree_30_2020 import heads, in_parts
from aggregator.documents.reports.model import (
    WITHHELD,
    WITHHELD_PART,
    Intervals,
    Likert,
    Mark,
    Points,
    Printed,
    Range,
    Report,
    ReportKind,
    Trend,
)
from aggregator.documents.reports.written import ROMAN
from aggregator.wording.messages import MESSAGES
from surveys.centre import SeriesBreak
from surveys.definition import Text
from tests.aggregator.conftest import PASSWORD, Room, ratings
from tests.aggregator.documents.reporting import (
    GOOD,
    GUARD,
    QUARTER,
    SMALL,
    at,
    cells,
    fill,
    place,
    plain,
    printed_rows,
    report_of,
    table_of,
)

REPORTS: tuple[ReportKind, ...] = ("week", "month", "quarter")


@pytest.fixture
def filled(room: Room) -> Room:
    fill(room)
    return room


def name(room: Room, department: str) -> str:
    return room.context.centre.department[department].name.vi


def titles(report: Report) -> list[str]:
    return [section.title for section in report.sections]


def sentences(report: Report) -> str:
    blocks = [block for section in report.sections for block in section.blocks]
    return plain(" ".join(text for b in blocks if isinstance(b, Points) for text in b.texts))


# Figures


def test_a_department_has_the_figures_of_its_answers(filled: Room) -> None:
    row = cells(table_of(report_of(filled), "departments"), name(filled, "so_y_te"))
    # Seven weeks of 8 ratings: five very satisfied but one, one satisfied, …
    assert (row["n"], row["k_very_satisfied"], row["level_1"]) == (56, 28, 7)
    assert row["share_very_satisfied"] == pytest.approx(0.5)
    low, high = row["interval_very_satisfied"]
    assert (low, high) == pytest.approx((0.3733, 0.6267), abs=1e-4)  # Wilson, 28 of 56
    assert row["difference"] == pytest.approx(0.5 - 3355 / 3483)
    assert row["verdict"] == "Thấp hơn"


@pytest.mark.parametrize("kind", ["day", "week", "month", "quarter"])
def test_no_report_tells_how_the_people_of_small_departments_answered(
    room: Room, kind: ReportKind
) -> None:
    """Five of one person each, all very dissatisfied: the centre's row has five of these."""
    departments = [one for one in room.context.centre.departments if one.counters][:8]
    answers = [[1]] * 5 + [[5] * 30 + [4] * 2, [5] * 40 + [3] * 2, [5] * 43]
    for department, codes in zip(departments, answers, strict=True):
        room.take(ratings(codes, **place(department.id, department.counters[0].id)))
    day = room.context.today
    table = table_of(report_of(room, kind, day=day), "daily" if kind == "day" else "departments")
    centre = cells(table, "Toàn Trung tâm")
    assert (centre["n"], centre["level_1"]) == (122, 5)
    rows = [cells(table, str(row[0])) for row in table.rows[:-1]]
    shown = [row for row in rows if isinstance(row["n"], int) and row["n"]]
    assert sum(row["level_1"] for row in shown) == 0
    assert 122 - sum(row["n"] for row in shown) >= 5 + 4, "not five people, one in each"


def test_departments_stand_by_their_share_and_the_centre_last(filled: Room) -> None:
    table = table_of(report_of(filled), "departments")
    place = [column.key for column in table.columns].index("share_very_satisfied")
    known = [row[place] for row in table.rows[:-1] if isinstance(row[place], float)]
    assert len(known) >= 2
    assert known == sorted(known, key=float, reverse=True)  # type: ignore[arg-type]
    assert table.rows[-1][0] == "Toàn Trung tâm"
    assert table.strong == {len(table.rows) - 1}


def test_a_period_is_compared_with_those_before_it(filled: Room) -> None:
    table = table_of(report_of(filled), "changes")
    against = {(row[0], row[1]): row for row in table.rows}
    assert set(against) == {
        (measure, then)
        for measure in ("Rất hài lòng", "Hài lòng trở lên")
        for then in ("quý III năm 2026", "quý IV năm 2025")
    }
    assert {row[2] for row in against.values()} == {40}  # ratings in each of those quarters
    now = table_of(report_of(filled), "departments").rows[-1]
    row = against["Rất hài lòng", "quý III năm 2026"]
    assert row[3] == pytest.approx(0.75)
    assert row[5] == pytest.approx(float(row[4]) - 0.75)  # type: ignore[arg-type]
    assert row[4] in now


def test_sipas_stands_by_factor_and_criterion_with_its_projection(filled: Room) -> None:
    report = report_of(filled)
    index = cells(table_of(report, "sipas"), "Chỉ số SIPAS")
    assert (index["respondents"], index["answers"]) == (12, 12 * 22)
    points = table_of(report, "projection").rows[0][2]
    assert points == pytest.approx(10 * index["share"])
    assert isinstance(index["interval"], Range)
    assert index["design_effect"] > 0
    criteria = table_of(report, "criteria")
    assert len(criteria.rows) == 22 + 5
    assert len(criteria.groups) == 5
    likert = next(chart for chart in report.charts() if isinstance(chart, Likert))
    assert [sum(bar.counts.values()) for bar in likert.bars if bar.counts] == [12] * 22


def test_statements_of_firms_stand_beside_the_published_ones(filled: Room) -> None:
    report = report_of(filled)
    table = table_of(report, "business")
    questions = filled.context.surveys["business"].questions
    row = cells(table, questions["b3_1"].text.vi)
    assert (row["n"], row["k"], row["published"].share) == (8, 4, 0.38)
    assert row["side"] == "Tốt hơn"
    assert row["difference"] == pytest.approx(0.5 - 0.38)
    lower = cells(table, f"{questions['b3_3'].text.vi}\n(càng thấp càng tốt)")
    assert lower["side"] == "Kém hơn"
    assert lower["difference"] == pytest.approx(0.65 - lower["share"])
    days = cells(table, f"{questions['b1_2'].text.vi}\n(càng thấp càng tốt)")
    assert days["share"].startswith("3,5 ")  # a median
    assert "PCI" not in report.subject


def test_published_figures_keep_the_digits_and_notes_of_their_source(filled: Room) -> None:
    report = report_of(filled)
    printed = {row[0]: row for _, rows in printed_rows(report) for row in rows}
    assert "82,33%" in printed["SIPAS 2019 Lai Châu: hài lòng trở lên"]
    assert "84,45%" in printed["SIPAS 2019 cả nước: hài lòng trở lên"]
    assert "96,3%" in printed["Thiết bị đánh giá 2019-2020: rất hài lòng"]  # k of n
    assert printed["SIPAS năm 2019 của tỉnh"][1:3] == ["82,33%", "8,23"]
    statement = filled.context.surveys["business"].questions["b3_1"].text.vi
    assert "38%\n(hạng 61/63)" in printed[statement]
    sources = " ".join(
        text for s in report.annex for b in s.blocks for text in getattr(b, "texts", ())
    )
    assert "82,33%" in sources
    assert "82,3%" not in sources


def test_the_mode_of_the_answers_is_that_of_their_channels(room: Room) -> None:
    day = QUARTER + timedelta(days=3)
    room.take(ratings(GOOD, channel="import", answered_at=at(day)))
    [own] = own_modes(report_of(room))
    assert (
        own == "Cách thu tại Trung tâm: nhập từ tệp. Chênh lệch có thể chỉ do cách thu khác nhau."
    )
    room.take(ratings(GOOD, channel="kiosk", answered_at=at(day)))
    [own] = own_modes(report_of(room))
    assert "trên màn hình cảm ứng; nhập từ tệp." in own
    room.take(ratings(GOOD, channel="qr", answered_at=at(day)))
    [own] = own_modes(report_of(room))
    assert "trên màn hình cảm ứng hoặc qua mã QR; nhập từ tệp." in own


def own_modes(report: Report) -> list[str]:
    notes = table_of(report, "references").notes
    return [note for note in notes if note.startswith("Cách thu tại Trung tâm")]


@pytest.mark.parametrize("kind", REPORTS)
def test_each_kind_has_its_sections(filled: Room, kind: ReportKind) -> None:
    found = {title.partition(". ")[2] for title in titles(report_of(filled, kind))}
    say = MESSAGES.texts["vi"]
    always = {"summary", "headline", "departments", "changes", "taking_part"}
    assert found >= {say[f"report.section_{key}"] for key in always}
    assert (say["report.section_sipas"] in found) == (kind != "week")
    assert (say["report.section_standing"] in found) == (kind == "quarter")


def test_the_sections_are_numbered_without_a_gap_and_so_are_tables(filled: Room) -> None:
    report = report_of(filled)
    romans = [title.partition(".")[0] for title in titles(report)]
    assert romans == list(ROMAN[: len(romans)])
    numbers = [table.title.partition(".")[0] for table in report.tables()]
    assert numbers == [f"Bảng {number + 1}" for number in range(len(numbers))]
    assert len({table.name for table in report.tables()}) == len(numbers)


# Withheld


def test_a_small_department_and_its_guard_are_withheld_everywhere(filled: Room) -> None:
    report = report_of(filled)
    for key in ("departments", "participation"):
        table = table_of(report, key)
        for department in (SMALL, GUARD):
            row = cells(table, name(filled, department))
            kept = {"department", "dossiers", "days"}
            assert {value for column, value in row.items() if column not in kept} == {WITHHELD}
        assert any("dưới 5" in note for note in table.notes)
    ranked = {row[1] for row in table_of(report, "ranking").rows}
    assert ranked
    assert not {name(filled, SMALL), name(filled, GUARD)} & ranked
    chart = next(chart for chart in report.charts() if isinstance(chart, Intervals))
    means = {mean.label: mean for mean in chart.means}
    assert means[name(filled, SMALL)][1:] == (None, None, None, True)
    assert {row["label"]: row["value"] for row in drawing(chart, "vi")["rows"]}[
        name(filled, SMALL)
    ] == Mark.WITHHELD.value


def test_a_shown_department_with_withheld_days_is_marked_as_such(room: Room) -> None:
    """41 ratings, 2 of them on a day without a number of dossiers: those are not told."""
    monday = date(2026, 10, 5)
    where = place("so_y_te", "q09")
    room.take(ratings((5,) * 39, **where, answered_at=at(monday)))
    room.take(ratings((5, 4), **where, answered_at=at(monday + timedelta(days=1))))
    dossiers = {"day": monday, "department": "so_y_te", "dossiers": 90}
    room.context.store.put_transactions([dossiers])
    report = report_of(room)
    assert cells(table_of(report, "departments"), name(room, "so_y_te"))["n"] == 41
    table = table_of(report, "participation")
    row = cells(table, name(room, "so_y_te"))
    assert (row["n"], row["share"], row["bounds"]) == (WITHHELD_PART,) * 3
    assert table.notes[0].startswith("(**)")
    assert not any(note.startswith("(*)") for note in table.notes)


# The form


def test_a_sheet_has_no_number_and_no_document_a_day_of_issue(filled: Room) -> None:
    day, quarter = heads(report_of(filled, "day")), heads(report_of(filled))
    assert (day["number"], quarter["number"][:3]) == ("", "Số:")
    for head in (day, quarter):
        assert head["place_and_day"] == "Lai Châu, ngày ..... tháng ..... năm 2026"


@pytest.mark.parametrize(
    ("agency", "lines"),
    [
        (
            "Trung tâm Phục vụ hành chính công tỉnh Lai Châu",
            ["Trung tâm", "Phục vụ hành chính công", "tỉnh Lai Châu"],
        ),
        ("Ủy ban nhân dân thành phố Hà Nội", ["Ủy ban nhân dân", "thành phố Hà Nội"]),
        ("Văn phòng Ủy ban nhân dân xã A", ["Văn phòng", "Ủy ban nhân dân", "xã A"]),
        ("Sở Y tế", ["Sở Y tế"]),
    ],
)
def test_lines_of_an_agency_s_name_end_between_its_parts(agency: str, lines: list[str]) -> None:
    assert [plain(line) for line in in_parts(agency).split(" ")] == lines


def has(report: Report, key: str) -> bool:
    return any(table.key == key for table in report.tables())


def test_no_sum_of_a_document_gives_a_small_department_away(filled: Room) -> None:
    """The centre's people less those of all shown departments are never fewer than five."""
    table = table_of(report_of(filled), "departments")
    n = [row[1] for row in table.rows]
    shown = sum(value for value in n[:-1] if isinstance(value, int))
    assert isinstance(n[-1], int)
    assert n[-1] - shown >= 5


def test_a_week_of_few_ratings_is_withheld_in_the_trend(room: Room) -> None:
    for number in range(5):
        room.take(ratings((5,) * 12, answered_at=at(date(2026, 10, 5 + 7 * min(number, 3)))))
    room.take(ratings((1, 5), answered_at=at(date(2026, 11, 3))))
    report = report_of(room)
    table = table_of(report, "trend")
    marks = [row[1] for row in table.rows]
    assert marks.count(WITHHELD) >= 2  # the small week, and one that guards it
    [trend] = [chart for chart in report.charts() if isinstance(chart, Trend)]
    hidden = [point for point in trend.points if point.withheld]
    assert len(hidden) == marks.count(WITHHELD)
    assert {(point.share, point.lower, point.upper) for point in hidden} == {(None, None, None)}


def test_a_centre_of_too_few_ratings_has_no_figure_at_all(room: Room) -> None:
    room.take(ratings((5, 4, 1)))
    report = report_of(room, "month", day=date(2026, 11, 23))
    values = {value for row in table_of(report, "headline").rows for value in row[1:]}
    assert values == {WITHHELD}
    assert "dưới 5 lượt" in sentences(report)
    for table, rows in printed_rows(report):
        if table.key in ("headline", "departments"):
            figures = {text for row in rows[1:] for text in row[1:]} - {"(*)", "–", "0", ""}
            assert not figures, table.key


# Trend


def test_a_break_of_the_series_parts_the_trend_and_the_changes(filled: Room) -> None:
    reason = Text(vi="Đổi thiết bị", en="Another device")
    broken = SeriesBreak(survey="in_centre", day=date(2026, 10, 20), reason=reason)
    centre = filled.context.centre.model_copy(update={"series_breaks": (broken,)})
    report = report_of(filled, centre=centre)
    [trend] = [chart for chart in report.charts() if isinstance(chart, Trend)]
    series = [point.series for point in trend.points if point.share is not None]
    assert sorted(set(series)) == sorted(set(series), key=series.index)
    assert len(set(series)) == 2
    assert any("Đổi thiết bị" in note for note in trend.notes)
    assert not has(report, "changes")
    whole = report_of(filled)
    [joined] = [chart for chart in whole.charts() if isinstance(chart, Trend)]
    assert len({point.series for point in joined.points}) == 1


# Empty, and parts of a period


@pytest.mark.parametrize("kind", get_args(ReportKind))
@pytest.mark.parametrize("language", ["vi", "en"])
def test_a_period_without_answers_says_so(room: Room, kind: ReportKind, language: Any) -> None:
    report = report_of(room, kind, language, day=date(2020, 2, 3))
    said = {"vi": "không có lượt đánh giá", "en": "no ratings"}[language]
    texts = [getattr(b, "text", "") for s in report.sections for b in s.blocks]
    assert said in " ".join(texts) + sentences(report)
    assert not list(report.charts())


def test_a_period_that_is_not_over_says_up_to_when(filled: Room) -> None:
    assert "số liệu tính đến 08:15 ngày 23/11/2026" in report_of(filled).opening
    past = report_of(filled, day=date(2026, 8, 1))
    assert "số liệu tính đến" not in past.opening
    assert "quý III năm 2026" in past.subject


def test_the_summary_is_written_from_the_figures(filled: Room) -> None:
    said = sentences(report_of(filled))
    total = table_of(report_of(filled), "departments").rows[-1]
    assert f"nhận được {total[1]} lượt đánh giá" in said
    assert "Thấp hơn số công bố: " in said
    assert "Quá ít lượt hoặc quá ít ngày để so sánh với quý III năm 2026" in said
    assert "người trả lời; quy ra" in said


def test_both_languages_have_the_same_figures(filled: Room) -> None:
    vi, en = report_of(filled), report_of(filled, language="en")

    def numbers(report: Report) -> Iterator[tuple[object, ...]]:
        for table in report.tables():
            for row in table.rows:
                shares = (one.share if isinstance(one, Printed) else one for one in row)
                yield tuple(value for value in shares if not isinstance(value, str))

    assert list(numbers(vi)) == list(numbers(en))
    assert vi.subject != en.subject


# The command and the page


class Done(NamedTuple):
    """How a command ended, and what it printed."""

    status: int | str | None
    out: str
    err: str


def run(room: Room, *arguments: str) -> Done:
    """``python -m aggregator report`` on a room's database, in this process."""
    settings = room.settings
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setenv("HAILONG_CENTRE", str(settings.centre))
        patch.setenv("HAILONG_DATABASE_URL", settings.database_url)
        patch.setenv("HAILONG_VAR", str(settings.var))
        try:
            status: int | str | None = main(["report", *arguments])
        except SystemExit as ended:  # argparse, where it does not understand
            status = ended.code
    return Done(status, out.getvalue(), err.getvalue())


@pytest.mark.parametrize(
    ("form", "begins"), [("pdf", b"%PDF-"), ("docx", b"PK\x03\x04"), ("xlsx", b"PK\x03\x04")]
)
def test_the_command_writes_a_file_of_the_format(
    filled: Room, tmp_path: Path, form: str, begins: bytes
) -> None:
    file = tmp_path / f"report.{form}"
    done = run(filled, "quarter", "--date", "2026-10-15", str(file))
    assert done == (0, f"đã ghi {file}\n", "")
    assert file.read_bytes().startswith(begins)
    assert [each.name for each in tmp_path.glob("report*")] == [file.name]


def test_a_report_that_cannot_be_written_is_named(room: Room, tmp_path: Path) -> None:
    nowhere = run(room, "day", str(tmp_path / "nowhere" / "a.pdf"))
    assert nowhere.status == 1
    assert "nowhere" in nowhere.err
    assert "Traceback" not in nowhere.err
    far = run(room, "day", "--date", "1900-01-01", str(tmp_path / "a.pdf"))
    assert far.status == 1
    assert "từ 2000 đến 2999" in far.err


def test_a_file_of_no_known_format_and_a_day_in_another_form_are_refused(
    room: Room, tmp_path: Path
) -> None:
    for name in ("a.txt", "a"):
        done = run(room, "day", str(tmp_path / name))
        assert done.status == 1
        assert f"{name}: tên tệp cần kết thúc bằng .pdf, .docx hoặc .xlsx" in done.err
    form = run(room, "day", "--date", "15/10/2026", str(tmp_path / "a.pdf"))
    assert form.status == 2
    assert "15/10/2026: Ngày không hợp lệ; xin viết như 2026-11-23." in form.err
    assert not list(tmp_path.glob("a*"))


def test_a_manager_fetches_a_report_from_the_pages(filled: Room) -> None:
    address = "/reports/quarter.pdf?date=2026-10-15"
    assert filled.client.get(address).status_code in (303, 401, 403)
    filled.sign_in()
    fetched = filled.client.get(address)
    assert fetched.status_code == 200
    assert fetched.headers["content-type"] == "application/pdf"
    assert "bao-cao-quy-2026-10-01.pdf" in fetched.headers["content-disposition"]
    english = filled.client.get("/reports/day.xlsx?date=2026-10-15&lang=en")
    assert "sheet-day-2026-10-15.xlsx" in english.headers["content-disposition"]
    assert fetched.content.startswith(b"%PDF-")
    assert filled.client.get("/reports/year.pdf").status_code == 404
    assert filled.client.get("/reports/day.odt").status_code == 404
    assert filled.client.get("/reports/day.pdf?date=yesterday").status_code == 400


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("from=2026-10-01", "from"),
        ("date=2026-10-15&to=2026-10-16", "to"),
        ("period=week", "period"),
        ("lang=vi&channel=kiosk", "channel"),
        ("date=2026-10-15&date=2026-07-01", "date"),
        ("%3Cb%3E=1", "&lt;b&gt;"),
    ],
)
def test_a_report_says_which_parameter_it_does_not_take(room: Room, query: str, name: str) -> None:
    room.sign_in()
    answer = room.client.get(f"/reports/quarter.pdf?{query}")
    assert answer.status_code == 400
    assert f"<h1>Địa chỉ này không nhận tham số “{name}”" in answer.text


def test_a_viewer_fetches_reports_but_not_what_people_wrote(room: Room) -> None:
    accounts = room.context.accounts
    accounts.add_user("xem", "reader", PASSWORD)
    assert room.client.get(accounts.new_link("xem", "")).status_code in (200, 303)
    assert room.client.get("/reports/day.xlsx").status_code == 200
    assert room.client.get("/exports/submissions.csv").status_code == 403
    assert room.client.get("/exports/submissions.sav").status_code == 403


def test_a_report_of_a_demonstration_is_marked(filled: Room) -> None:
    report = report_of(filled, demo=True)
    assert report.demo
    assert "không có thật" in report.words["demo"]
    assert not report_of(filled).demo


def test_an_internal_sheet_withholds_nothing_and_says_so(filled: Room) -> None:
    day = QUARTER + timedelta(days=12)
    sheet = report_of(filled, "day", day=day, internal=True)
    assert sheet.name == "Phiếu giao ban"
    assert "Lưu hành nội bộ" in sheet.opening
    [table] = sheet.tables()
    rows = {row[0]: row for row in table.rows}
    small = filled.context.centre.department[SMALL].name.vi
    assert rows[small][1] == 3
    assert not any(isinstance(cell, Mark) for row in table.rows for cell in row)
    column = next(at for at, one in enumerate(table.columns) if one.key.startswith("share_"))
    shares = [row[column] for row in table.rows[:-1]]
    assert shares[0] == min(share for share in shares if isinstance(share, float))
    public = next(iter(report_of(filled, "day", day=day).tables()))
    assert any(isinstance(cell, Mark) for row in public.rows for cell in row)


def test_an_internal_sheet_is_of_a_day_alone(filled: Room) -> None:
    filled.sign_in()
    day = (QUARTER + timedelta(days=12)).isoformat()
    got = filled.client.get(f"/reports/day.docx?date={day}&internal=1&lang=vi")
    assert got.status_code == 200
    assert "phieu-giao-ban" in got.headers["content-disposition"]
    assert filled.client.get(f"/reports/month.docx?date={day}&internal=1").status_code == 400
    log = filled.client.get("/audit?lang=vi").text
    assert "Lập phiếu giao ban nội bộ" in log
