"""The report of a period: the centre's remarks, its issue, and what is other in it since."""

import re
from datetime import date
from html import unescape
from typing import Any

import pytest

from aggregator.organisation.current import Organisation
from aggregator.storage.audit import Search
from aggregator.wording.messages import MESSAGES
from tests.aggregator.conftest import PASSWORD, Room, ratings
from tests.aggregator.documents.reporting import at

DAY = date(2024, 3, 12)  # over, whatever the clock of this machine says
HERE = "/documents/week/2024-03-11"


@pytest.fixture
def here(room: Room) -> Room:
    """Signed in at a centre whose documents have numbers, with six ratings in a week."""
    held: Organisation = room.context.organisation
    documents = {"abbreviation": "TTPVHCC"}
    new = type(held.stored).model_validate(held.stored.model_dump() | {"documents": documents})
    held.save(new, "an", "", held.number)
    room.take(ratings((5, 5, 4, 5, 5, 5), answered_at=at(DAY)))
    room.sign_in()
    return room


def page(room: Room, path: str = HERE) -> str:
    answer = room.client.get(path)
    assert answer.status_code == 200, answer.text
    return words(answer.text)


def words(text: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", text)).split())


def post(room: Room, act: str, **fields: str) -> Any:
    return room.client.post(f"{HERE}/{act}", data=fields)


def say(key: str, **values: object) -> str:
    return MESSAGES.get("vi", key, **values)


def test_remarks_are_saved_and_who_comes_second_is_told(here: Room) -> None:
    assert 'href="/documents/week/' in here.client.get("/documents").text
    assert say("documents.none_issued") in page(here)
    saved = post(here, "texts", texts="0", limits="Còn chờ lâu.", causes="Thiếu người.")
    assert saved.status_code == 303
    assert say("documents.saved") in page(here, saved.headers["location"])
    assert "giam_doc ghi lúc" in page(here)

    second = post(here, "texts", texts="0", limits="Khác hẳn", proposals="Thêm quầy.")
    assert second.status_code == 409
    told = words(second.text)
    assert say("documents.overtaken") in told
    assert all(one in told for one in ("Còn chờ lâu.", "Khác hẳn", "Thêm quầy."))
    # What the second one left alone is as the first one wrote it.
    form = re.findall(r"<textarea id=\"(\w+)\"[^>]*>\n?([^<]*)</textarea>", second.text)
    assert dict(form) == {
        "limits": "Khác hẳn",
        "causes": "Thiếu người.",
        "proposals": "Thêm quầy.",
    }
    [seen] = set(re.findall(r'name="texts" value="(\d+)"', second.text))
    assert post(here, "texts", texts=seen, **dict(form)).status_code == 303
    texts = here.context.store.issued
    assert here.context.store.audit.count(Search(kind="report")) == 2
    assert texts.earlier(int(seen)).limits == "Còn chờ lâu."


def test_remarks_that_cannot_be_printed_are_refused_with_what_was_typed(here: Room) -> None:
    for typed, reason in (
        ("Gọi 0912345678", say("cases.error_personal")),
        ("x" * 4_001, say("cases.error_too_long", most="4.000")),
    ):
        answer = post(here, "texts", texts="0", causes=typed)
        assert answer.status_code == 422
        assert reason in words(answer.text)
        assert typed in answer.text
    assert post(here, "texts", texts="x").status_code == 400
    assert (
        here.client.post("/documents/day/2024-03-11/texts", data={"texts": "0"}).status_code == 404
    )
    assert here.client.get("/documents/week/2024-13-11").status_code == 400


def test_a_report_is_issued_given_again_and_restated(here: Room) -> None:
    issued = post(here, "issue", texts="0", after="0", number="5")
    assert issued.status_code == 303
    shown = page(here)
    assert "05/BC-TTPVHCC" in shown
    assert say("documents.as_issued") in shown
    links = re.findall(r'href="(/issued/1\.\w+)"', here.client.get(HERE).text)
    assert [link.rpartition(".")[2] for link in links] == ["pdf", "docx", "xlsx"]
    files = {link: here.client.get(link).content for link in links}
    assert files[links[0]].startswith(b"%PDF")
    [one] = here.context.store.issued.newest(9)
    assert one.actor == "giam_doc"
    digest = one.files["pdf"]
    assert digest in here.client.get(HERE).text.replace(" ", "")

    here.take(ratings((1,), answered_at=at(DAY)))
    assert say("documents.changed") in page(here, "/documents")
    restated = page(here)
    assert say("documents.changed_since", symbol="05/BC-TTPVHCC") in restated
    assert "Toàn Trung tâm Số lượt Đã báo cáo: 6 Nay: 7" in restated
    assert {link: here.client.get(link).content for link in links} == files

    taken = post(here, "issue", texts="0", after="1", number="5")
    assert taken.status_code == 409
    assert "Số này đã dùng trong năm" in words(taken.text)
    late = post(here, "issue", texts="0", after="0", number="6")
    assert "vừa phát hành Báo cáo số 05/BC-TTPVHCC" in words(late.text)
    assert post(here, "issue", texts="0", after="1", number="6", publish="0").status_code == 303
    shown = page(here)
    assert say("documents.replaces", symbol="05/BC-TTPVHCC") in shown
    assert say("documents.replaced") in shown
    assert say("documents.changed") not in shown
    events = {one.event for one in here.context.store.audit.entries(Search(kind="report"), 99)}
    assert events == {"report.issued", "report.reissued", "report.fetched"}


def test_readers_read_and_do_not_write(here: Room) -> None:
    accounts = here.context.accounts
    accounts.add_user("xem", "reader", PASSWORD)
    here.client.get(accounts.new_link("xem", ""))
    shown = here.client.get(HERE).text
    assert say("documents.no_texts") in shown
    assert "<textarea" not in shown
    assert post(here, "texts", texts="0", limits="x").status_code == 403
    assert post(here, "issue", texts="0", after="0", number="5").status_code == 403
    assert here.client.get("/issued/1.pdf").status_code == 404
    assert here.client.get(f"/issued/{2**40}.pdf").status_code == 404


def test_a_running_period_is_not_issued_and_a_number_is_needed(here: Room) -> None:
    day = here.context.today
    assert say("report.not_over", until="30/11/2026") in page(here, f"/documents/month/{day}")
    path = f"/documents/month/{day}/issue"
    form = {"texts": "0", "after": "0", "number": "5"}
    assert here.client.post(path, data=form).status_code == 409
    for number in ("", "0", "x", "5/BC"):
        answer = post(here, "issue", texts="0", after="0", number=number)
        assert answer.status_code == 409
        assert "số nguyên từ 1 đến" in words(answer.text)
    assert post(here, "issue", texts="0", number="5").status_code == 400
    assert here.context.store.issued.newest(9) == []
