"""The data desk's screen: a file is looked at, corrected, taken, and a batch withdrawn."""

import re
from datetime import timedelta
from html import unescape

import pytest

from tests.aggregator.conftest import Room, stored
from tests.files.making import csv
from tests.files.offices import BOOK, CASES, changed, written

FILE = "Đánh giá tháng 11.xlsx"
BAD = {case.name: case for case in CASES if case.refused and case.refused != "no_column"}

LARGEST = 3_000_000  # bytes: larger ones are in the test of the reader


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


@pytest.mark.parametrize("name", sorted(name for name in BAD if len(BAD[name].data) <= LARGEST))
def test_a_file_that_is_no_table_is_refused_and_nothing_is_kept(manager: Room, name: str) -> None:
    answer = manager.client.post(
        "/desk", files={"file": (name, BAD[name].data)}, data={"kind": "ratings"}
    )
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    with manager.context.store.engine.connect() as connection:
        kept = connection.exec_driver_sql("SELECT count(*) FROM desk_file")
        assert kept.scalar_one() == 0


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
