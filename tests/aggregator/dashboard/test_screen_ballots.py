"""The screens of paper ballots: made, printed, typed without a script, checked and decided."""

import io
import re
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from pypdf import PdfReader

from aggregator.intake.ballots.serials import written
from tests.aggregator.conftest import Room, stored

NEW = {"name": "Hòm sảnh", "instrument": "in_centre", "place": "q05", "printed": "20"}
NEW |= {"day": "2026-11-23"}


@pytest.fixture
def clerk(room: Room) -> Room:
    room.sign_in("lan")
    return room


def make(room: Room, **changes: str) -> int:
    answer = room.client.post("/ballots", data=NEW | changes)
    assert answer.status_code == 303, answer.text
    return int(str(answer.headers["location"]).rpartition("/")[2])


def enter(room: Room, batch: int, serial: int, word: str = "enter", **typed: str) -> Any:
    """Post a ballot as a browser without scripts does; fields are called ``a_NAME``."""
    page = room.client.get(f"/ballots/{batch}/{word}").text
    id = re.search(r'name="id" value="([^"]+)"', page)
    assert id
    given = {"id": id[1], "serial": written(batch, 20, serial)}
    given |= {name.replace("_", ".", 1): value for name, value in typed.items()}
    return room.client.post(f"/ballots/{batch}/{word}", data=given, follow_redirects=True)


def test_a_batch_is_made_typed_and_counted(clerk: Room) -> None:
    batch = make(clerk)
    done = enter(clerk, batch, 3, a_rating="4", a_reasons="13")
    assert "Đã lưu phiếu 003-" in done.text
    assert 'placeholder="004-' in done.text, "the next ballot is suggested"
    enter(clerk, batch, 4, outcome="invalid")
    enter(clerk, batch, 5)
    [row] = stored(clerk.context.store)
    assert row.answers == {"rating": 4, "reasons": [1, 3]}
    clerk.client.post(f"/ballots/{batch}", data={"handed_out": "18", "returned": "12"})
    page = clerk.client.get(f"/ballots/{batch}").text
    assert "66,7%" in page, "twelve of eighteen came back"
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
    assert "Phiếu hợp lệ 1 Phiếu trắng 1 Phiếu không hợp lệ 1 Đã nhập 3" in text
    how = clerk.client.get(f"/ballots/{batch}?how=ballots.returned").text
    assert "12 / 18" in how


def test_what_is_wrong_is_told_and_stays_typed(clerk: Room) -> None:
    batch = make(clerk)
    answer = enter(clerk, batch, 3, a_rating="7")
    assert answer.status_code == 422
    assert "không có ô số 7" in answer.text
    assert f'value="{written(batch, 20, 3)}"' in answer.text
    given = {"id": str(uuid4()), "serial": "0010", "a.rating": "4"}
    wrong = clerk.client.post(f"/ballots/{batch}/enter", data=given)
    assert "xin xem lại từng chữ số" in wrong.text
    assert not stored(clerk.context.store)


def test_a_ballot_typed_twice_is_told_and_counts_once(clerk: Room) -> None:
    batch = make(clerk)
    enter(clerk, batch, 3, a_rating="4")
    again = enter(clerk, batch, 3, a_rating="2")
    assert "đã được nhập trước đó" in again.text
    assert "Hai lần nhập khác nhau" in again.text
    assert len(stored(clerk.context.store)) == 1


def test_one_of_the_last_five_is_corrected_with_what_was_typed_shown(clerk: Room) -> None:
    batch = make(clerk)
    for serial in range(1, 8):
        enter(clerk, batch, serial, a_rating="4", comment="Chờ lâu")
    page = clerk.client.get(f"/ballots/{batch}/enter").text
    assert re.findall(r"/correct/(\d)\"", page)[-5:] == ["7", "6", "5", "4", "3"]
    form = clerk.client.get(f"/ballots/{batch}/correct/7").text
    assert re.search(r'name="a.rating"[^>]* value="4"', form)
    assert "Chờ lâu" in form
    given = {"id": str(uuid4()), "after": "1", "a.rating": "5", "comment": "Chờ lâu"}
    clerk.client.post(f"/ballots/{batch}/correct/7", data=given)
    assert sorted(row.answers["rating"] for row in stored(clerk.context.store)) == [4] * 6 + [5]
    late = clerk.client.post(f"/ballots/{batch}/correct/7", data=given | {"id": str(uuid4())})
    assert "vừa được người khác thay đổi" in late.text


def test_a_second_person_types_what_was_drawn_and_the_page_tells_the_rate(clerk: Room) -> None:
    batch = make(clerk)
    for serial in range(1, 11):
        enter(clerk, batch, serial, a_rating="4")
    own = clerk.client.get(f"/ballots/{batch}/again").text
    assert "đã nhập lần đầu những phiếu này" in own
    clerk.sign_in("hoa")
    page = clerk.client.get(f"/ballots/{batch}/again").text
    assert "Xin lấy các phiếu này" in page
    assert "Năm phiếu nhập gần nhất" not in page, "the first time is not seen"
    for serial in range(1, 11):
        enter(clerk, batch, serial, "again", a_rating="2" if serial == 5 else "4")
    shown = clerk.client.get(f"/ballots/{batch}").text
    assert "10,0%" in shown
    assert "từ 0,3% đến 44,5%" in shown, "Clopper-Pearson of one in ten"
    assert "cùng một tài khoản" not in shown
    assert len(stored(clerk.context.store)) == 10
    form = clerk.client.get(f"/ballots/{batch}/resolve/5").text
    assert "Hài lòng" in form
    assert "Không hài lòng" in form
    given = {"id": str(uuid4()), "after": "2", "a.rating": "2"}
    clerk.client.post(f"/ballots/{batch}/resolve/5", data=given)
    assert sorted(row.answers["rating"] for row in stored(clerk.context.store)) == [2] + [4] * 9
    assert "Không có phiếu nào chờ xem lại" in clerk.client.get(f"/ballots/{batch}").text
    assert clerk.client.get(f"/ballots/{batch}/resolve/5").status_code == 404


def test_who_types_both_times_is_told(clerk: Room) -> None:
    batch = make(clerk)
    enter(clerk, batch, 1, a_rating="4")
    enter(clerk, batch, 1, "again", a_rating="4")
    assert "1 trong 1 phiếu do cùng một tài khoản" in clerk.client.get(f"/ballots/{batch}").text


def test_ballots_are_downloaded_as_pdf_and_the_log_says_so(clerk: Room) -> None:
    batch = make(clerk, name="-- Hòm “1”")
    answer = clerk.client.get(f"/ballots/{batch}.pdf?paper=a5&from=2&to=4&faces=1")
    assert answer.headers["content-type"] == "application/pdf"
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(answer.content)).pages]
    assert len(pages) == 3
    assert "002-" in pages[0]
    assert "in “1”" not in unescape(clerk.client.get("/audit").text)
    assert "phiếu 2 đến 4" in unescape(clerk.client.get("/audit").text)
    for wrong in ("paper=a3", "from=3&to=2", "from=0", "to=21", "from=x"):
        assert clerk.client.get(f"/ballots/{batch}.pdf?{wrong}").status_code == 400


def test_a_withdrawn_batch_is_told_and_takes_nothing(clerk: Room) -> None:
    batch = make(clerk)
    enter(clerk, batch, 1, a_rating="4")
    clerk.client.post("/desk", data={"name": "Hòm sảnh", "sure": "1"})
    assert not stored(clerk.context.store)
    assert "đã rút" in clerk.client.get("/ballots").text
    given = {"id": str(uuid4()), "serial": written(batch, 20, 2), "a.rating": "4"}
    for answer in (
        clerk.client.post(f"/ballots/{batch}/enter", data=given),
        clerk.client.get(f"/ballots/{batch}.pdf"),
    ):
        assert answer.status_code == 422
        assert "đã được rút" in answer.text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/ballots/99", 404),
        ("/ballots/99999999999999999999", 404),
        ("/ballots/99/enter", 404),
        ("/ballots/{}/correct", 404),
        ("/ballots/{}/enter/3", 404),
        ("/ballots/{}/correct/3", 404),
        ("/ballots/{}/resolve/3", 404),
        ("/ballots/{}/nothing", 404),
    ],
)
def test_what_is_not_there_is_not_found(clerk: Room, path: str, status: int) -> None:
    batch = make(clerk)
    assert clerk.client.get(path.format(batch)).status_code == status


@pytest.mark.parametrize(
    "changes",
    [{"name": ""}, {"printed": "x"}, {"printed": "99999"}, {"day": "30/02"}, {"place": "nowhere"}],
)
def test_a_batch_that_cannot_be_is_refused_with_its_form_kept(
    clerk: Room, changes: dict[str, str]
) -> None:
    answer = clerk.client.post("/ballots", data=NEW | changes)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert "Hòm sảnh" in answer.text or not changes.get("name", "x")


def test_every_survey_can_be_printed_and_opened_for_typing(clerk: Room) -> None:
    for id in clerk.context.surveys:
        batch = make(clerk, name=id, instrument=id, place="asked")
        page = clerk.client.get(f"/ballots/{batch}/enter")
        assert page.status_code == 200
        assert 'name="a.place"' in page.text


def test_a_clerk_comes_to_the_ballots_and_to_nothing_else(room: Room) -> None:
    accounts = room.context.accounts
    accounts.add_user("nhap", "clerk")
    home = room.client.get(accounts.new_link("nhap", ""), follow_redirects=True)
    assert home.url.path == "/ballots"
    batch = make(room)
    assert "Đã lưu" in enter(room, batch, 1, a_rating="4").text
    for path in ("/desk", "/comparison", "/settings", "/exports/submissions.csv"):
        assert room.client.get(path).status_code == 403
    withdrawn = room.client.post("/desk", data={"name": "Hòm sảnh", "sure": "1"})
    assert withdrawn.status_code == 403
    accounts.add_user("xem", "reader")
    room.client.get(accounts.new_link("xem", ""))
    assert room.client.get("/ballots").status_code == 403
