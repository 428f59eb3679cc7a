"""The page of closed days, the sheet of a day with its root, and proofs by receipt code."""

from datetime import date, timedelta

import pytest

from aggregator.documents.reports import pdf
from aggregator.documents.reports.report import build_report
from aggregator.wording.periods import period_of
from surveys.receipts import new_code, receipt_of
from tests.aggregator.conftest import ZONE, Room, ratings, submission
from tests.aggregator.intake.test_numbers import KEY, NAME, chained


@pytest.fixture
def closed(room: Room) -> Room:
    """Yesterday is closed, and one of its submissions came after that."""
    room.take(ratings([5, 5, 4]))
    closings = room.context.store.closings
    room.clock.moment += timedelta(days=1)
    assert closings.close(room.clock.moment.astimezone(ZONE)) == 1
    room.take(ratings([3]))
    room.clock.moment += timedelta(days=1)
    assert closings.close(room.clock.moment.astimezone(ZONE)) == 1
    room.sign_in()
    return room


def test_the_page_has_each_day_with_what_came_late(closed: Room) -> None:
    page = closed.client.get("/closings").text
    first, late = closed.context.store.closings.entries()
    assert "23/11/2026" in page
    assert first.root[:16] in page
    assert late.root[:8] in page
    assert "thêm 1 phiếu" in page
    assert "sau đó có thêm 1 phiếu đến muộn" in closed.client.get("/briefing").text


def test_the_minute_loop_closes_after_one_and_once_a_day(room: Room) -> None:
    room.take(ratings([5]))
    closings = room.context.store.closings
    night = (room.clock.moment + timedelta(days=1)).astimezone(ZONE)
    assert closings.close(night.replace(hour=0, minute=59)) == 0
    assert closings.close(night.replace(hour=1, minute=0)) == 1
    room.take(ratings([5]))
    assert closings.close(night.replace(hour=23)) == 0
    assert closings.close(night + timedelta(days=1)) == 1


def test_a_code_gets_its_proof_and_another_a_word(closed: Room) -> None:
    code = new_code()
    closed.take([submission(comment="chậm", receipt=receipt_of(code), visit="v-9")])
    answer = closed.client.post("/closings", data={"code": code})
    assert (answer.status_code, "chưa được chốt" in answer.text) == (404, True)
    closed.clock.moment += timedelta(days=1)
    closed.context.store.closings.close(closed.clock.moment.astimezone(ZONE))
    closed.sign_in()
    proof = closed.client.post("/closings", data={"code": code.lower().replace("-", " ")})
    assert proof.headers["content-disposition"] == 'attachment; filename="proof.json"'
    assert "chậm" not in proof.text
    [one] = proof.json()["submissions"]
    assert one["record"][9] == receipt_of(code)
    assert closed.client.post("/closings", data={"code": "x"}).status_code == 404


def test_the_internal_sheet_has_the_root_and_what_came_late(closed: Room) -> None:
    context = closed.context
    arguments = context.store, context.surveys, context.centre

    def sheet(day: date) -> tuple[str, str]:
        report = build_report(
            *arguments, period_of("day", day), "day", "vi", closed.clock(), internal=True
        )
        assert pdf.render(report).startswith(b"%PDF")
        block = report.sections[0].blocks[-1]
        return block.text, block.code  # type: ignore[union-attr]

    first, _ = context.store.closings.entries()
    text, code = sheet(date(2026, 11, 23))
    assert code == f"2026-11-23:{first.root.upper()}"
    assert first.root in text.replace(" ", "")
    assert "thêm 1 phiếu đến muộn" in text
    closed.take(ratings([4], answered_at="2026-11-25T08:00:00+07:00"))
    assert sheet(date(2026, 11, 25)) == (sheet(date(2026, 11, 25))[0], "")
    assert "chưa được chốt sổ" in sheet(date(2026, 11, 25))[0]


def test_an_administrator_answers_for_a_restore_with_a_reason(room: Room) -> None:
    items = chained(5, fingerprint=room.context.surveys["in_centre"].fingerprint)
    chain = {"id": NAME, "key": KEY}
    for some in (items[:1], items[3:]):
        room.hand_in({"submissions": some, "chain": chain})
    room.sign_in()
    typed = {"restored": "2026-11-20", "reason": "đĩa hỏng <b>"}
    for bad in (
        {"restored": "x"},
        {"restored": "2030-01-01"},
        {"reason": ""},
        {"reason": "x" * 501},
    ):
        answer = room.client.post("/closings/restored", data=typed | bad)
        assert (answer.status_code, "ngày khôi phục" in answer.text) == (422, True)
    answer = room.client.post("/closings/restored", data=typed)
    assert (answer.status_code, "Đã ghi nhận" in answer.text) == (200, True)
    [one] = room.context.store.restores.all()
    assert (one.n, one.reason) == (2, "đĩa hỏng <b>")
    page = room.client.get("/closings").text
    assert "đĩa hỏng &lt;b&gt;" in page
    assert "đĩa hỏng" in room.client.get("/audit").text
    again = room.client.post("/closings/restored", data=typed)
    assert (again.status_code, "không ghi nhận gì" in again.text) == (422, True)
    assert len(room.context.store.restores.all()) == 1
