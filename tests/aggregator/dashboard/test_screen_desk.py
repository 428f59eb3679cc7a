"""The data desk's screen: a file is looked at, corrected, taken, and a batch withdrawn."""

import re
from datetime import date, timedelta
from html import unescape

import pytest

from tests.aggregator.conftest import Room, stored
from tests.files.making import csv, workbook
from tests.files.offices import BOOK, CASES, HEAD, ROWS, changed, written

FILE = "Đánh giá tháng 11.xlsx"
# One of each way in which a reader gives up; why a file is refused is in the test of the corpus.
BAD = ("mat-khau.xlsx", "nua-tep.xlsx", "bom.xlsx", "300-cot.xlsx", "tron-bang-ma.csv", "anh.png")


@pytest.fixture
def manager(room: Room) -> Room:
    room.sign_in()
    return room


def put(room: Room, data: bytes, name: str = FILE, kind: str = "ratings") -> str:
    """Put a file on the desk; the path of its page."""
    answer = room.client.post(
        "/desk", files={"file": (name, data)}, data={"kind": kind}, follow_redirects=False
    )
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def form_of(html: str) -> dict[str, str]:
    """What the page's form would send as it stands, without a button."""
    html = html[html.index("former") - 60 :]
    found = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', html))
    found |= dict(re.findall(r'<input id="name" name="(name)"[^>]* value="([^"]*)"', html))
    for name, options in re.findall(r'<select[^>]* name="([^"]+)">(.*?)</select>', html, re.S):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found[name] = chosen[1] if chosen else ""
    return {name: unescape(value) for name, value in found.items()}


def test_a_file_is_looked_at_taken_and_withdrawn(manager: Room) -> None:
    path = put(manager, BOOK)
    page = manager.client.get(path).text
    assert "Nhận được 3 dòng" in page
    assert not stored(manager.context.store)
    form = form_of(page)
    assert form["column.rating"] == "3"
    assert form["name"] == "Đánh giá tháng 11"
    done = manager.client.post(path, data=form | {"action": "take"}, follow_redirects=True)
    assert "thêm 3, rút 0" in done.text
    assert "giam_doc" in done.text
    assert len(stored(manager.context.store)) == 3
    assert manager.client.get(path).status_code == 404, "the file itself is not kept"
    sure = {"name": "Đánh giá tháng 11", "sure": "1"}
    gone = manager.client.post("/desk", data=sure, follow_redirects=True)
    assert "thêm 0, rút 3" in gone.text
    assert not stored(manager.context.store)
    assert "đã rút" in manager.client.get("/desk").text


def test_a_wrong_guess_is_corrected_and_remembered(manager: Room) -> None:
    table = [("Cột 1", "Cột 2"), ("20/11/2026", "Hài lòng"), ("21/11/2026", "Rất hài lòng")]
    path = put(manager, csv(table).encode(), "la.csv")
    page = manager.client.get(path).text
    assert "Chưa có cột nào là “Ngày”" in page
    form = form_of(page) | {"column.day": "0", "column.rating": "1"}
    assert "Nhận được 2 dòng" in manager.client.post(path, data=form).text
    refused = manager.client.post(path, data=form | {"action": "take"})
    assert refused.status_code == 422, "what is taken was shown before"
    manager.client.post(path, data=form_of(refused.text) | {"action": "take"})
    again = put(manager, csv([*table, ("22/11/2026", "Hài lòng")]).encode(), "la.csv")
    page = manager.client.get(again).text
    assert "Nhận được 3 dòng" in page
    assert "sẽ thay lô đó" in page


def test_every_cell_with_a_problem_is_told_and_left_out_only_where_agreed(manager: Room) -> None:
    path = put(manager, csv(changed(0, 0, "30/02/2026")).encode(), "x.csv")
    page = manager.client.get(path).text
    assert "Ô A2: không có ngày “30/02/2026”" in page
    form = form_of(page) | {"action": "take"}
    refused = manager.client.post(path, data=form)
    assert (refused.status_code, stored(manager.context.store)) == (422, [])
    manager.client.post(path, data=form | {"leave_out": "1"})
    assert len(stored(manager.context.store)) == 2


def test_a_department_that_is_not_recognised_is_chosen(manager: Room) -> None:
    path = put(manager, csv(changed(0, 1, "Sở Y tế tỉnh")).encode(), "x.csv")
    page = manager.client.get(path).text
    assert "Cơ quan chưa nhận ra" in page
    form = form_of(page)
    assert form["department.0"] == "so_y_te", "the likeliest is suggested"
    assert "Nhận được 3 dòng" in manager.client.post(path, data=form).text


def test_another_row_is_the_header(manager: Room) -> None:
    path = put(manager, csv([("Ngày", "Mức độ", "Quầy"), *written()]).encode(), "x.csv")
    form = form_of(manager.client.get(path).text) | {"header": "2"}
    assert "Nhận được 3 dòng" in manager.client.post(path, data=form).text


def test_a_file_that_is_no_table_is_refused_and_nothing_is_kept(manager: Room) -> None:
    corpus = {case.name: case.data for case in CASES}
    for name in BAD:
        files = {"file": (name, corpus[name])}
        answer = manager.client.post("/desk", files=files, data={"kind": "ratings"})
        assert answer.status_code == 422, name
        assert 'role="alert"' in answer.text
    assert "Tệp chưa nhận" not in manager.client.get("/desk").text


def test_a_sheet_is_chosen_and_the_others_stay(manager: Room) -> None:
    tables = {"Tháng 11": [HEAD, *ROWS], "Tháng 10": [HEAD, (date(2026, 10, 1), *ROWS[0][1:])]}
    path = put(manager, workbook(tables), "Quý IV.xlsx")
    page = manager.client.get(path).text
    assert form_of(page)["name"] == "Quý IV – Tháng 11"
    page = manager.client.post(path, data=form_of(page) | {"sheet": "Tháng 10"}).text
    assert "Nhận được 1 dòng" in page
    assert form_of(page)["name"] == "Quý IV – Tháng 10"
    manager.client.post(path, data=form_of(page) | {"action": "take"})
    assert len(stored(manager.context.store)) == 1
    assert path in manager.client.get("/desk").text, "the file waits for its other sheet"
    form = form_of(manager.client.get(path).text)
    manager.client.post(path, data=form | {"action": "take"})
    assert len(stored(manager.context.store)) == 4


def test_a_table_like_a_batch_is_taken_only_as_somebody_says(manager: Room) -> None:
    first = put(manager, BOOK, "Tháng 11.xlsx")
    manager.client.post(first, data=form_of(manager.client.get(first).text) | {"action": "take"})
    mended = csv([*changed(0, 3, "Bình thường"), ("21/11/2026", *ROWS[0][1:])]).encode()
    path = put(manager, mended, "Sửa lại.csv")
    page = manager.client.get(path).text
    assert "Thay lô “Đánh giá" not in page
    assert "Thay lô “Tháng 11” (3 dòng" in page
    form = form_of(page) | {"action": "take"}
    refused = manager.client.post(path, data=form)
    assert (refused.status_code, len(stored(manager.context.store))) == (422, 3)
    assert "Xin chọn: thay lô đó, hay là số liệu khác" in refused.text
    manager.client.post(path, data=form | {"alike": "Tháng 11"})
    assert len(stored(manager.context.store)) == 4
    again = put(manager, csv(changed(0, 3, "Hài lòng")).encode(), "Quầy khác.csv")
    form = form_of(manager.client.get(again).text) | {"action": "take", "alike": "apart"}
    manager.client.post(again, data=form)
    assert len(stored(manager.context.store)) == 7


def test_a_day_that_stands_in_the_title_alone_is_agreed_to(manager: Room) -> None:
    """It is put into the field, and counts once somebody has looked: it may be a signature's."""
    rows = [("ĐÁNH GIÁ NGÀY 20 THÁNG 11 NĂM 2026",), ("STT", "Cơ quan", "Mức độ")]
    rows += [("1", "Sở Y tế", "Hài lòng"), ("2", "Sở Y tế", "5"), ("", "Tổng cộng", "2")]
    rows += [("", "", "NGƯỜI LẬP BIỂU")]
    path = put(manager, csv(rows).encode(), "ngay.csv")
    page = manager.client.get(path).text
    assert "Chưa có cột nào là “Ngày”" in page
    assert 'name="day" value="2026-11-20"' in page
    form = form_of(page) | {"day": "2026-11-20"}
    page = manager.client.post(path, data=form).text
    assert "Nhận được 2 dòng" in page
    assert "ô có vấn đề" not in page
    manager.client.post(path, data=form_of(page) | {"day": "2026-11-20", "action": "take"})
    assert {str(row.day) for row in stored(manager.context.store)} == {"2026-11-20"}


def test_blank_cells_say_what_is_above_them_where_agreed(manager: Room) -> None:
    """A department that stands once for several rows; without it they are the whole centre's."""
    rows = [("Ngày", "Cơ quan", "Mức độ"), ("20/11/2026", "Sở Y tế", "5"), ("20/11/2026", "", "4")]
    path = put(manager, csv(rows).encode(), "x.csv")
    form = form_of(manager.client.get(path).text)
    assert "filled.department" not in form
    page = manager.client.post(path, data=form | {"filled.department": "1"}).text
    assert 'name="filled.department" value="1" checked' in page
    form = form_of(page) | {"filled.department": "1", "action": "take"}
    manager.client.post(path, data=form)
    assert {row.department for row in stored(manager.context.store)} == {"so_y_te"}


def test_an_upload_that_breaks_off_leaves_nothing(manager: Room) -> None:
    """A body that ends before its last boundary, as where a tab is closed."""
    kind = "multipart/form-data; boundary=x"
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nNg'
    answer = manager.client.post("/desk", content=body, headers={"content-type": kind})
    assert answer.status_code == 400
    assert "Chưa có lô nào" in manager.client.get("/desk").text


def test_a_file_left_on_the_desk_is_put_away_and_is_nobody_elses(manager: Room) -> None:
    path = put(manager, BOOK)
    manager.sign_in("nguoi_khac")
    assert manager.client.get(path).status_code == 404
    mine = put(manager, BOOK)
    assert manager.client.post(mine, data={"action": "put_away"}).status_code == 303
    assert manager.client.get(mine).status_code == 404
    late = put(manager, BOOK)
    manager.clock.moment += timedelta(hours=2)
    assert manager.client.get(late).status_code == 404
