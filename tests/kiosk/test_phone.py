"""The form behind a QR code, without JavaScript: counts once, keeps what was typed."""

import re
from unicodedata import normalize
from uuid import UUID, uuid4

import pytest

from kiosk.outbox import body_of
from surveys.wire import MAX_COMMENT
from tests.kiosk.conftest import Kiosk, hidden, submission

HTMX = {"hx-request": "true", "hx-request-type": "partial"}


def fields_of(kiosk: Kiosk, url: str, **changes: object) -> dict[str, object]:
    page = kiosk.client.get(url).text
    return {
        "visit": hidden(page, "visit"),
        "fingerprint": hidden(page, "fingerprint"),
        **changes,
    }


def test_a_citizens_form_makes_a_rating_and_its_follow_up(lobby: Kiosk) -> None:
    url = f"/f/{lobby.code()}"
    fields = fields_of(lobby, url, rating="4", reasons=["1", "5"], comment="Tốt")
    answer = lobby.client.post(url, data=fields)
    assert answer.status_code == 303
    rating, reasons = lobby.stored()
    assert rating["answers"] == {"rating": 4}
    assert rating["comment"] is None
    assert reasons["answers"] == {"reasons": [1, 5]}
    assert reasons["comment"] == "Tốt"
    assert rating["visit"] == reasons["visit"] == fields["visit"]
    for one in (rating, reasons):
        assert one["channel"] == "qr"
        assert (one["department"], one["counter"]) == ("so_tu_phap", "q05")
    thanks = lobby.client.get(answer.headers["location"])
    assert "đã được ghi nhận" in thanks.text
    assert "Bắt đầu" in thanks.text


def test_the_rating_alone_is_enough(lobby: Kiosk) -> None:
    url = f"/f/{lobby.code(counter=None)}"
    lobby.client.post(url, data=fields_of(lobby, url, rating="1"))
    (one,) = lobby.stored()
    assert (one["department"], one["counter"]) == ("so_tu_phap", None)


def test_a_double_submit_and_a_reload_count_once(lobby: Kiosk) -> None:
    url = f"/f/{lobby.code()}"
    fields = fields_of(lobby, url, rating="5", comment="Cảm ơn")
    places = {lobby.client.post(url, data=fields).headers["location"] for _ in range(3)}
    assert len(places) == 1
    assert "again" not in places.pop()
    assert len(lobby.stored()) == 2


def test_the_same_form_with_other_content_is_told_kindly(lobby: Kiosk) -> None:
    url = f"/f/{lobby.code()}"
    fields = fields_of(lobby, url, rating="5")
    lobby.client.post(url, data=fields)
    answer = lobby.client.post(url, data={**fields, "rating": "1"})
    page = lobby.client.get(answer.headers["location"])
    assert "đã được ghi nhận trước đó" in page.text
    assert [one["answers"] for one in lobby.stored()] == [{"rating": 5}]


@pytest.mark.parametrize("answers", [{"rating": "1"}, {"rating": "5"}], ids=["other", "same"])
def test_back_after_sending_does_not_make_a_second_rating(
    lobby: Kiosk, answers: dict[str, str]
) -> None:
    url = f"/f/{lobby.code()}"
    fields = fields_of(lobby, url, rating="5")
    assert hidden(lobby.client.get(url).text, "visit") == fields["visit"]
    lobby.client.post(url, data=fields)
    back = lobby.client.get(url)
    assert "đã được ghi nhận trước đó" in back.text
    assert f'href="{url}?new=1"' in back.text
    lobby.client.post(url, data={**fields, **answers})
    assert [one["answers"] for one in lobby.stored()] == [{"rating": 5}]


def test_another_opinion_from_the_same_phone_is_asked_for(lobby: Kiosk) -> None:
    url = f"/f/{lobby.code('business')}"
    first = fields_of(lobby, url, b1_1="4")
    thanks = lobby.client.get(lobby.client.post(url, data=first).headers["location"]).text
    link = re.search(r'href="([^"]+)">Gửi ý kiến khác', thanks)
    assert link
    assert lobby.client.get(link[1]).headers["location"] == url
    second = fields_of(lobby, url, b1_1="3")
    assert second["visit"] != first["visit"]
    assert "again" not in lobby.client.post(url, data=second).headers["location"]
    assert [one["answers"] for one in lobby.stored()] == [{"b1_1": 4}, {"b1_1": 3}]


def test_a_phone_keeps_the_visit_of_one_form_for_half_an_hour_and_nothing_else(
    lobby: Kiosk,
) -> None:
    url = f"/f/{lobby.code()}"
    page = lobby.client.get(url)
    cookie = page.headers["set-cookie"]
    visit = hidden(page.text, "visit")
    assert cookie == (
        f"visit_{lobby.code()}={visit}; HttpOnly; Max-Age=1800; Path={url}; SameSite=lax"
    )
    other = fields_of(lobby, f"/f/{lobby.code(counter=None)}")
    assert other["visit"] != visit
    lobby.client.cookies.set(f"visit_{lobby.code()}", "nonsense", path=url)
    assert fields_of(lobby, url)["visit"] != "nonsense"


def test_a_missing_rating_keeps_what_was_typed_and_points_at_the_field(lobby: Kiosk) -> None:
    url = f"/f/{lobby.code()}"
    fields = fields_of(lobby, url, reasons=["2"], comment='Chờ "lâu" <b>')
    answer = lobby.client.post(url, data=fields)
    assert answer.status_code == 422
    assert "Chờ &#34;lâu&#34; &lt;b&gt;" in answer.text
    assert 'name="reasons" value="2" checked' in answer.text
    assert '<a href="#rating">' in answer.text
    assert 'aria-describedby="rating-problem"' in answer.text
    assert 'id="rating-problem"' in answer.text
    assert hidden(answer.text, "visit") == fields["visit"]
    assert lobby.stored() == []


def test_a_comment_of_100_000_characters_is_refused_kindly(lobby: Kiosk) -> None:
    url = f"/f/{lobby.code()}"
    answer = lobby.client.post(url, data=fields_of(lobby, url, rating="5", comment="ộ" * 100_000))
    assert answer.status_code == 413
    assert "<h1" in answer.text
    assert lobby.stored() == []


def test_a_comment_that_fills_the_form_is_kept_and_refused(lobby: Kiosk) -> None:
    url, long = f"/f/{lobby.code()}", "ộ" * 7_000
    answer = lobby.client.post(url, data=fields_of(lobby, url, rating="5", comment=long))
    assert answer.status_code == 422
    assert long in answer.text
    assert 'aria-describedby="comment-problem comment-hint"' in answer.text
    assert 'value="5" checked' in answer.text


def test_control_and_bidi_characters_are_cleaned(lobby: Kiosk) -> None:
    url = f"/f/{lobby.code()}"
    fields = fields_of(lobby, url, rating="5", comment="a\u202eb\x00c\u200fd\x1b[31m\te\u0323")
    lobby.client.post(url, data=fields)
    assert lobby.stored()[1]["comment"] == "abcd[31m\tẹ"


def test_a_comment_in_decomposed_letters_is_measured_and_stored_composed(lobby: Kiosk) -> None:
    """At the longest that is taken it would be too long as it was sent."""
    url, longest = f"/f/{lobby.code()}", "ộ" * MAX_COMMENT
    fields = fields_of(lobby, url, rating="5", comment=normalize("NFD", longest))
    assert lobby.client.post(url, data=fields).status_code == 303
    assert lobby.stored()[1]["comment"] == longest


def test_a_heap_of_marks_is_trimmed_and_the_answer_kept(lobby: Kiosk) -> None:
    url = f"/f/{lobby.code()}"
    heap = "e" + "\u0301" * 500
    lobby.client.post(url, data=fields_of(lobby, url, rating="5", comment=heap))
    assert lobby.stored()[1]["comment"] == "é" + "\u0301" * 29


@pytest.mark.parametrize("change", [{"extra": "1"}, {"visit": "x"}, {"fingerprint": ""}], ids=str)
def test_an_altered_form_is_refused_kindly(lobby: Kiosk, change: dict[str, str]) -> None:
    url = f"/f/{lobby.code()}"
    answer = lobby.client.post(url, data=fields_of(lobby, url, rating="5") | change)
    assert answer.status_code == 422
    assert f'href="{url}"' in answer.text
    assert lobby.stored() == []


def test_an_old_page_is_shown_anew_with_what_was_typed(lobby: Kiosk) -> None:
    url = f"/f/{lobby.code()}"
    fields = fields_of(lobby, url, rating="2", comment="Giữ lại", fingerprint="0" * 16)
    answer = lobby.client.post(url, data=fields)
    assert answer.status_code == 409
    assert "vừa được cập nhật" in answer.text
    assert "Giữ lại" in answer.text
    assert 'value="2" checked' in answer.text


@pytest.mark.parametrize("code", ["ZZZZZZZZ", "x", "%00", "%2e%2e", "a" * 3000])
def test_an_unknown_code_is_a_kind_page(lobby: Kiosk, code: str) -> None:
    answer = lobby.client.get(f"/f/{code}")
    assert answer.status_code == 404
    assert "Không tìm thấy trang này" in answer.text


def test_a_code_typed_by_hand_is_understood(lobby: Kiosk) -> None:
    code = lobby.code()
    typed = code.lower().replace("0", "o").replace("1", "l")
    answer = lobby.client.get(f"/f/{typed}", follow_redirects=True)
    assert answer.status_code == 200
    assert answer.url.path == f"/f/{code}"


def test_english_on_request_and_by_the_phones_wish(lobby: Kiosk) -> None:
    url = f"/f/{lobby.code()}"
    assert '<html lang="vi">' in lobby.client.get(url).text
    wish = lobby.client.get(url, headers={"accept-language": "en-GB"})
    assert "Rate the service" in wish.text
    chosen = lobby.client.get(f"{url}?lang=en")
    assert "SameSite=lax" in chosen.headers["set-cookie"]
    assert "Rate the service" in lobby.client.get(url).text


def test_htmx_gets_the_thank_you_in_place(lobby: Kiosk) -> None:
    url = f"/f/{lobby.code()}"
    answer = lobby.client.post(url, data=fields_of(lobby, url, rating="5"), headers=HTMX)
    assert answer.status_code == 200
    assert answer.text.lstrip().startswith('<div id="screen"')
    assert answer.headers["hx-push-url"].startswith(f"{url}/thanks?visit=")


def test_the_business_form_asks_the_core(lobby: Kiosk) -> None:
    page = lobby.client.get(f"/f/{lobby.code('business')}").text
    survey = lobby.context.surveys["business"]
    asked = set(re.findall(r'name="(b\d+_\d+)"', page))
    assert asked == {question.id for question in survey.core}
    assert len(asked) == 10
    assert page.count("Không muốn trả lời") >= 10
    assert "<details>" in page


def test_a_business_answers_the_core(lobby: Kiosk) -> None:
    url = f"/f/{lobby.code('business')}"
    fields = fields_of(lobby, url, b1_1="4", b3_3="", firm_size="2", comment="Nhanh")
    assert lobby.client.post(url, data=fields).status_code == 303
    (one,) = lobby.stored()
    assert one["survey"] == "business"
    assert one["answers"] == {"b1_1": 4, "firm_size": 2}
    assert one["comment"] == "Nhanh"


def test_a_business_that_answers_nothing_is_asked_for_one_answer(lobby: Kiosk) -> None:
    url = f"/f/{lobby.code('business')}"
    answer = lobby.client.post(url, data=fields_of(lobby, url, b1_1=""))
    assert answer.status_code == 422
    assert "ít nhất một câu" in answer.text
    assert '<a href="#form">' in answer.text


def test_a_wrong_answer_is_named_at_its_question(lobby: Kiosk) -> None:
    url = f"/f/{lobby.code('business')}"
    answer = lobby.client.post(url, data=fields_of(lobby, url, b1_1="9", firm_size="3"))
    assert answer.status_code == 422
    assert '<a href="#b1_1">' in answer.text
    assert "<details open>" in answer.text
    assert 'name="firm_size" value="3" checked' in answer.text


def test_core_and_full_set_of_one_visit_are_one_submission(lobby: Kiosk) -> None:
    url = f"/f/{lobby.code('business')}"
    fields = fields_of(lobby, url, b1_1="4")
    first_step = lobby.client.post(url, data={**fields, "then": "full"}).headers["location"]
    assert re.search(r'name="b1_1" value="4" checked', lobby.client.get(first_step).text)
    lobby.client.post(
        first_step, data={"fingerprint": fields["fingerprint"], "b1_1": "3", "to": "finish"}
    )
    answer = lobby.client.post(url, data=fields)
    assert "again=1" in answer.headers["location"]
    assert [one["answers"] for one in lobby.stored()] == [{"b1_1": 3}]


def test_answers_changed_before_the_full_survey_is_entered_again_are_kept(lobby: Kiosk) -> None:
    url = f"/f/{lobby.code('business')}"
    fields = fields_of(lobby, url, b1_1="4")
    lobby.client.post(url, data={**fields, "then": "full"})
    changed = {**fields, "b1_1": "2", "comment": "Thêm", "then": "full"}
    first_step = lobby.client.post(url, data=changed).headers["location"]
    assert 'name="b1_1" value="2" checked' in lobby.client.get(first_step).text


def test_a_thank_you_needs_a_visit(lobby: Kiosk) -> None:
    url = f"/f/{lobby.code()}/thanks"
    assert lobby.client.get(url).status_code == 422
    assert lobby.client.get(f"{url}?visit={uuid4()}").headers["location"] == f"/f/{lobby.code()}"


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["bare", "htmx"])
def test_the_short_form_sent_beside_a_begun_survey_takes_its_answers_along(
    lobby: Kiosk, headers: dict[str, str]
) -> None:
    url = f"/f/{lobby.code('business')}"
    fields = fields_of(lobby, url, b1_1="4")
    first_step = lobby.client.post(url, data={**fields, "then": "full"}).headers["location"]
    step = {"fingerprint": fields["fingerprint"], "b1_1": "4", "b1_2": "7"}
    lobby.client.post(first_step, data={**step, "to": "next"})
    sent = lobby.client.post(url, data={**fields, "b1_1": "2"})
    assert "again" not in sent.headers["location"]
    assert lobby.client.get(sent.headers["location"]).status_code == 200
    end = lobby.client.post(first_step, data={**step, "b1_3": "1", "to": "finish"}, headers=headers)
    assert "đã được ghi nhận trước đó" in end.text
    assert [one["answers"] for one in lobby.stored()] == [{"b1_1": 2, "b1_2": 7}]


def test_a_survey_that_another_answer_overtook_is_not_thanked_for_and_not_lost(
    lobby: Kiosk,
) -> None:
    url = f"/f/{lobby.code('business')}"
    fields = fields_of(lobby, url, b1_1="4")
    first_step = lobby.client.post(url, data={**fields, "then": "full"}).headers["location"]
    key = first_step.split("/")[-2]
    # The short form of another tab got in between looking for the draft and storing it.
    lobby.context.outbox.add(submission(key=UUID(key)))
    step = {"fingerprint": fields["fingerprint"], "b1_1": "4", "b1_2": "7", "to": "finish"}
    end = lobby.client.get(lobby.client.post(first_step, data=step).headers["location"])
    assert "đã được ghi nhận trước đó" in end.text
    (kept,) = lobby.context.outbox.refused()
    assert kept.id != key
    assert key in str(kept.refused)
    assert body_of(kept)["answers"] == {"b1_1": 4, "b1_2": 7}


def test_an_end_without_an_answer_leads_back_to_the_form(lobby: Kiosk) -> None:
    url = f"/f/{lobby.code('business')}"
    for query in ("", f"?id={uuid4()}"):
        assert lobby.client.get(f"{url}/finished{query}").headers["location"] == url
    fields = fields_of(lobby, url)
    first_step = lobby.client.post(url, data={**fields, "then": "full"}).headers["location"]
    step = {"fingerprint": fields["fingerprint"], "to": "leave"}
    assert lobby.client.post(first_step, data=step).headers["location"] == url
    assert lobby.stored() == []


def test_the_end_of_a_survey_changes_its_language(lobby: Kiosk) -> None:
    url = f"/f/{lobby.code('business')}"
    fields = fields_of(lobby, url, b1_1="4")
    first_step = lobby.client.post(url, data={**fields, "then": "full"}).headers["location"]
    step = {"fingerprint": fields["fingerprint"], "b1_1": "4", "to": "leave"}
    end = lobby.client.post(first_step, data=step).headers["location"]
    switch = re.search(r'href="([?]lang=en[^"]*)"', lobby.client.get(end).text)
    assert switch
    english = lobby.client.get(f"{url}/finished{switch[1].replace('&amp;', '&')}")
    assert "Your opinion has been recorded" in english.text
