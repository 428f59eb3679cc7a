"""The full survey, step by step: every answer is on disk at once, and none is lost."""

import re
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from starlette.testclient import TestClient

from kiosk.outbox import body_of
from kiosk.survey_draft import SurveyDraft, finish_expired
from kiosk.survey_steps import steps_of
from surveys.definition import load_surveys
from tests.kiosk.conftest import Kiosk

HTMX = {"hx-request": "true", "hx-request-type": "partial"}


def begin(kiosk: Kiosk, visit: str | None = None) -> str:
    """Starts the full survey on the touch screen; the address of its first step."""
    fields = {
        "visit": visit or kiosk.rated(),
        "fingerprint": kiosk.fingerprint(),
        "then": "survey",
    }
    return str(kiosk.client.post("/follow-up", data=fields).headers["location"])


def send(kiosk: Kiosk, address: str, **fields: object) -> str:
    answer = kiosk.client.post(
        address, data={"fingerprint": kiosk.fingerprint("sipas_2020"), **fields}
    )
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def test_a_step_is_a_factor_and_the_last_asks_about_the_respondent() -> None:
    steps = steps_of(load_surveys()["sipas_2020"])
    assert [len(step.questions) for step in steps] == [4, 5, 6, 3, 4, 6]
    assert [step.last for step in steps] == [False] * 5 + [True]
    assert len(steps_of(load_surveys()["business"])) == 11


def test_the_whole_way_makes_one_submission(desk: Kiosk) -> None:
    visit = desk.rated()
    address = begin(desk, visit)
    for number, answers in enumerate(
        [{"q1": "5", "q2": "4"}, {}, {"q10": "3"}, {"q16": ""}, {"q22": "1"}], 1
    ):
        page = desk.client.get(address)
        assert f"Phần {number}/6" in page.text
        assert desk.stored() == []
        address = send(desk, address, to="next", **answers)
    ended = send(desk, address, gender="2", comment="Hết", to="finish")
    assert ended.startswith("/farewell?receipt=")  # what was written has a code
    (one,) = desk.stored()
    assert one["survey"] == "sipas_2020"
    assert one["visit"] == visit
    assert one["answers"] == {"gender": 2, "q1": 5, "q10": 3, "q2": 4, "q22": 1}
    assert one["comment"] == "Hết"
    assert (one["channel"], one["counter"]) == ("kiosk", "q05")


def test_back_shows_what_was_answered_and_a_skip_takes_it_back(desk: Kiosk) -> None:
    first = begin(desk)
    second = send(desk, first, q1="2", to="next")
    assert send(desk, second, to="previous") == first
    assert 'name="q1" value="2" checked' in desk.client.get(first).text
    send(desk, first, q1="", q2="5", to="leave")
    assert [one["answers"] for one in desk.stored()] == [{"q2": 5}]


@pytest.mark.parametrize("how", [{"to": "leave"}, {"idle": "1"}])
def test_leaving_sends_what_was_answered(desk: Kiosk, how: dict[str, str]) -> None:
    assert send(desk, begin(desk), q3="4", **how) == "/"
    assert [one["answers"] for one in desk.stored()] == [{"q3": 4}]


def test_leaving_without_an_answer_stores_nothing(desk: Kiosk) -> None:
    send(desk, begin(desk), to="leave")
    assert desk.stored() == []


def test_a_second_start_of_the_same_visit_goes_on(desk: Kiosk) -> None:
    visit = desk.rated()
    first = begin(desk, visit)
    send(desk, first, q1="1", to="next")
    assert begin(desk, visit) == first
    assert 'name="q1" value="1" checked' in desk.client.get(first).text


def test_a_finished_survey_posted_again_counts_once(desk: Kiosk) -> None:
    address = begin(desk)
    send(desk, address, q1="5", to="leave")
    again = desk.client.post(
        address, data={"fingerprint": desk.fingerprint("sipas_2020"), "q1": "1", "to": "leave"}
    )
    assert again.status_code == 200
    assert "đã được ghi nhận" in again.text
    assert [one["answers"] for one in desk.stored()] == [{"q1": 5}]


def test_a_survey_that_never_was_is_a_kind_page(desk: Kiosk) -> None:
    for address in (f"/survey/{uuid4()}/1", f"{begin(desk)[:-1]}99", f"{begin(desk)[:-1]}x"):
        answer = desk.client.get(address)
        assert answer.status_code == 404
        assert "Không tìm thấy" in answer.text
    assert desk.client.get("/survey/7/1").status_code == 422
    assert desk.client.get(begin(desk)[:-1] + "9" * 5000).status_code == 404


def test_a_draft_survives_a_restart_and_is_sent_when_nobody_returns(desk: Kiosk) -> None:
    send(desk, begin(desk), q1="5", q4="2", to="next")
    desk.context.outbox.close()  # the kiosk loses its power here
    context = desk.context
    assert finish_expired(context.drafts, context.surveys, context.centre, context.now()) == 0
    desk.clock.moment += timedelta(minutes=15)
    assert finish_expired(context.drafts, context.surveys, context.centre, context.now()) == 1
    (one,) = desk.stored()
    assert one["answers"] == {"q1": 5, "q4": 2}
    assert one["answered_at"] < context.now().isoformat()


def test_a_draft_under_a_definition_that_is_gone_is_kept_for_a_human(desk: Kiosk) -> None:
    address, context = begin(desk), desk.context
    send(desk, address, q1="5", to="next")
    key = address.split("/")[2]

    def outdated(body: str) -> tuple[str, datetime]:
        draft = SurveyDraft.model_validate_json(body)
        changed = draft.model_copy(update={"answers": {"q99": 5}})
        return changed.model_dump_json(), context.now()

    context.drafts.change(key, outdated)
    finish_expired(context.drafts, context.surveys, context.centre, context.now())
    (kept,) = context.outbox.refused()
    assert "q99" in (kept.refused or "")
    assert desk.stored() == []


def test_an_old_page_keeps_what_was_ticked(desk: Kiosk) -> None:
    address = begin(desk)
    answer = desk.client.post(address, data={"fingerprint": "0" * 16, "q1": "4", "to": "next"})
    assert answer.status_code == 409
    assert "vừa được cập nhật" in answer.text
    assert 'name="q1" value="4" checked' in answer.text


def test_a_wrong_number_is_named_and_kept(lobby: Kiosk) -> None:
    code = lobby.code("business")
    first = lobby.client.post(
        f"/f/{code}",
        data={
            "visit": str(uuid4()),
            "fingerprint": lobby.fingerprint("business"),
            "then": "full",
        },
    ).headers["location"]
    fields = {"fingerprint": lobby.fingerprint("business"), "b1_2": "400", "b1_3": "ba ngày"}
    answer = lobby.client.post(first, data=fields)
    assert answer.status_code == 422
    assert "từ 0 đến 365" in answer.text
    assert "Xin nhập một số nguyên" in answer.text
    assert 'value="ba ngày"' in answer.text
    assert 'aria-describedby="b1_2-problem"' in answer.text
    ok = lobby.client.post(first, data=fields | {"b1_2": "12", "b1_3": "", "to": "10"})
    assert ok.headers["location"] == first[:-1] + "10"


def test_a_citizen_takes_the_offer_on_the_phone(lobby: Kiosk) -> None:
    code, visit = lobby.code(), lobby.rated()
    address = lobby.client.post(f"/f/{code}/survey", data={"visit": visit}).headers["location"]
    assert address.startswith(f"/f/{code}/survey/")
    end = send(lobby, address, q1="5", to="finish")
    assert end.startswith(f"/f/{code}/finished?id=")
    assert "đã được ghi nhận" in lobby.client.get(end).text
    (one,) = lobby.stored()
    assert (one["channel"], one["visit"]) == ("qr", visit)
    assert "trước đó" in lobby.client.get(address).text


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["bare", "htmx"])
def test_the_language_switch_on_the_phone_saves_the_step(
    lobby: Kiosk, headers: dict[str, str]
) -> None:
    url = f"/f/{lobby.code()}/survey"
    address = lobby.client.post(url, data={"visit": lobby.rated()}).headers["location"]
    fields = {"fingerprint": lobby.fingerprint("sipas_2020"), "q1": "4", "lang": "en"}
    answer = lobby.client.post(address, data=fields, headers=headers)
    target = answer.headers["hx-redirect" if headers else "location"]
    assert target == f"{address}?lang=en"
    page = lobby.client.get(target).text
    assert 'name="q1" value="4" checked' in page
    assert "Part 1 of 6" in page
    assert "Part 1 of 6" in lobby.client.get(address).text


def test_the_language_switch_shows_what_is_wrong_in_the_other_language(lobby: Kiosk) -> None:
    url = f"/f/{lobby.code('business')}"
    fields = {"visit": str(uuid4()), "fingerprint": lobby.fingerprint("business"), "then": "full"}
    address = lobby.client.post(url, data=fields).headers["location"]
    wrong = {"fingerprint": lobby.fingerprint("business"), "b1_2": "900", "lang": "en"}
    answer = lobby.client.post(address, data=wrong)
    assert answer.status_code == 422
    assert "Please enter a number from 0 to 365." in answer.text
    assert 'value="900"' in answer.text


def test_a_step_under_a_code_that_there_is_not_is_no_page(lobby: Kiosk) -> None:
    code, visit = lobby.code(), lobby.rated()
    address = lobby.client.post(f"/f/{code}/survey", data={"visit": visit}).headers["location"]
    assert lobby.client.get(address).status_code == 200
    assert lobby.client.get(address.replace(code, "00000000")).status_code == 404


def test_htmx_goes_on_in_place(desk: Kiosk) -> None:
    address = begin(desk)
    fields = {"fingerprint": desk.fingerprint("sipas_2020"), "q1": "5", "to": "next"}
    answer = desk.client.post(address, data=fields, headers=HTMX)
    assert re.match(r'\s*<div id="screen" class="screen step-screen"', answer.text)
    assert "Phần 2/6" in answer.text
    assert "hx-push-url" not in answer.headers  # a kiosk's address stays its first screen's
    last = desk.client.post(address, data=fields | {"to": "leave"}, headers=HTMX)
    assert 'name="rating"' in last.text


def test_an_expired_draft_is_sent_by_the_running_kiosk(desk: Kiosk) -> None:
    send(desk, begin(desk), q1="5", to="next")
    desk.clock.moment += timedelta(hours=3)
    with TestClient(desk.client.app) as client:
        pending = (client.get("/status").json()["pending"] for _ in range(10_000))
        assert next(filter(None, pending), 0) == 1
    assert [one["answers"] for one in desk.stored()] == [{"q1": 5}]


def test_a_draft_that_cannot_be_read_is_kept_aside_and_holds_up_no_other(
    desk: Kiosk, caplog: pytest.LogCaptureFixture
) -> None:
    context = desk.context
    texts = ['{"answers": {"q1": 5}, "comment": "Nguyễn"}', "nonsense", "[" * 100_000]
    for text in texts:
        context.drafts.open(str(uuid4()), text, context.now())
    send(desk, begin(desk), q1="5", to="next")
    desk.clock.moment += timedelta(hours=1)
    for _ in range(2):
        finish_expired(context.drafts, context.surveys, context.centre, context.now())
    assert [one["answers"] for one in desk.stored()] == [{"q1": 5}]
    kept = context.outbox.refused()
    assert sorted(str(body_of(row)["unread"]) for row in kept) == sorted(texts)
    assert all("cannot be read" in str(row.refused) for row in kept)
    assert "Nguyễn" not in caplog.text


def test_a_draft_of_a_clock_that_ran_ahead_does_not_wait_for_it(desk: Kiosk) -> None:
    address, context = begin(desk), desk.context
    desk.clock.moment += timedelta(days=365)
    send(desk, address, q1="5", to="next")
    desk.clock.moment -= timedelta(days=365)
    assert finish_expired(context.drafts, context.surveys, context.centre, context.now()) == 1
    # Whether it was that clock or this one, the aggregator knows.
    assert [one["answers"] for one in desk.stored()] == [{"q1": 5}]


def test_a_clock_set_back_by_minutes_ends_no_survey(lobby: Kiosk) -> None:
    url, context = f"/f/{lobby.code()}/survey", lobby.context
    address = lobby.client.post(url, data={"visit": lobby.rated()}).headers["location"]
    send(lobby, address, q1="5", to="next")
    lobby.clock.moment -= timedelta(minutes=10)
    assert finish_expired(context.drafts, context.surveys, context.centre, context.now()) == 0


def test_a_full_survey_without_an_answer_is_not_thanked_for(desk: Kiosk) -> None:
    assert send(desk, begin(desk), to="finish") == "/"
    assert desk.stored() == []
