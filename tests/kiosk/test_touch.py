"""The touch screen's answers: one tap is a rating on disk, the same for every face."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unicodedata import normalize
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kiosk.line_breaks import keep_words_whole
from kiosk.submissions import part_id
from kiosk.survey_draft import PATIENCE, finish_expired
from tests.kiosk.conftest import Kiosk, hidden

HTMX = {"hx-request": "true", "hx-request-type": "partial"}


def test_a_bound_kiosk_begins_with_five_faces_best_first(desk: Kiosk) -> None:
    page = desk.client.get("/")
    assert page.status_code == 200
    assert re.findall(r'name="rating" value="(\d)"', page.text) == ["5", "4", "3", "2", "1"]
    assert "Sở Tư pháp" in page.text
    assert "Quầy\u00a005" in page.text


def test_the_lobby_begins_with_every_department(lobby: Kiosk) -> None:
    page = lobby.client.get("/").text
    assert all(f'href="/rate/{d.id}"' in page for d in lobby.context.centre.departments)
    assert 'href="/rate/all"' in page
    assert 'name="rating"' not in page


def test_one_tap_is_a_complete_rating_on_disk_before_the_thank_you(desk: Kiosk) -> None:
    answer = desk.client.post(
        "/rate",
        data={"visit": str(uuid4()), "fingerprint": desk.fingerprint(), "rating": "4"},
        headers=HTMX,
    )
    assert answer.status_code == 200
    assert answer.text.lstrip().startswith('<div id="screen"')
    assert "Xin cảm ơn Ông/Bà!" in answer.text
    (stored,) = desk.stored()
    assert stored["survey"] == "in_centre"
    assert stored["answers"] == {"rating": 4}
    assert (stored["department"], stored["counter"]) == ("so_tu_phap", "q05")
    assert (stored["channel"], stored["language"]) == ("kiosk", "vi")
    assert stored["fingerprint"] == desk.fingerprint()


def test_a_tap_without_javascript_leads_to_the_thank_you(desk: Kiosk) -> None:
    answer = desk.tap(5)
    assert answer.status_code == 303
    page = desk.client.get(answer.headers["location"])
    assert "Xin cảm ơn Ông/Bà!" in page.text
    assert len(desk.stored()) == 1


def test_a_second_tap_within_a_moment_is_not_a_second_rating(desk: Kiosk) -> None:
    visit = str(uuid4())
    for rating in (5, 5, 1):
        assert desk.tap(rating, visit=visit).status_code == 303
    assert [one["answers"] for one in desk.stored()] == [{"rating": 5}]


def test_the_thank_you_is_the_same_for_every_face(desk: Kiosk) -> None:
    pages = set()
    scale = desk.context.rating_survey.scale_of(desk.context.rating_survey.questions["rating"])
    assert scale is not None
    for level in scale.levels:
        visit = str(uuid4())
        fields = {"visit": visit, "fingerprint": desk.fingerprint(), "rating": str(level.code)}
        page = desk.client.post("/rate", data=fields, headers=HTMX).text
        shown = f'<svg class="face face-{level.code}" aria-hidden="true">'
        shown += f'<use href="#face-{level.code}"/>'
        assert page.count(shown) == 1
        word = f"<b>{keep_words_whole(level.get('vi'))}</b>"
        assert page.count(word) == 1
        pages.add(page.replace(visit, "").replace(shown, "").replace(word, ""))
    assert len(pages) == 1


@pytest.mark.parametrize(("tile", "department"), [("so_y_te", "so_y_te"), ("all", None)])
def test_the_lobby_rates_what_was_chosen(lobby: Kiosk, tile: str, department: str | None) -> None:
    page = lobby.client.get(f"/rate/{tile}").text
    answer = lobby.tap(3, visit=hidden(page, "visit"), department=hidden(page, "department"))
    assert answer.status_code == 303
    assert [one["department"] for one in lobby.stored()] == [department]


def test_every_first_screen_has_a_new_visit(desk: Kiosk) -> None:
    visits = {hidden(desk.client.get("/").text, "visit") for _ in range(3)}
    assert len(visits) == 3


def follow(kiosk: Kiosk, visit: str, **changes: object) -> object:
    fields = {"visit": visit, "fingerprint": kiosk.fingerprint(), **changes}
    return kiosk.client.post("/follow-up", data=fields)


def test_a_rating_and_its_follow_up_are_one_submission(desk: Kiosk) -> None:
    visit = desk.thanked(2)
    assert desk.queued() == []
    follow(desk, visit, reasons=["3", "1"], comment="  Chờ lâu\r\nquá ", then="send")
    (one,) = desk.queued()
    assert (one["visit"], one["id"]) == (visit, str(part_id(UUID(visit), "rating")))
    assert one["answers"] == {"rating": 2, "reasons": [1, 3]}
    assert one["comment"] == "Chờ lâu\nquá"
    assert desk.stored() == [one]


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["bare", "htmx"])
def test_choosing_again_edits_the_one_rating(desk: Kiosk, headers: dict[str, str]) -> None:
    visit = desk.thanked(5)

    def led_to(answer: Any) -> str:
        return str(answer.text if headers else desk.client.get(answer.headers["location"]).text)

    fields = {"visit": visit, "fingerprint": desk.fingerprint()}
    sent = {**fields, "reasons": "2", "comment": "", "then": "again"}
    faces = led_to(desk.client.post("/follow-up", data=sent, headers=headers))
    assert hidden(faces, "visit") == visit
    assert hidden(faces, "again") == "1"
    assert "Đánh giá đã được ghi nhận:</span> <b>Rất hài\u00a0lòng</b>" in faces
    kept = led_to(desk.client.post("/follow-up", data={**fields, "then": "keep"}, headers=headers))
    assert "<b>Rất hài\u00a0lòng</b>" in kept
    sent = {**fields, "again": "1", "rating": "1"}
    thanks = led_to(desk.client.post("/rate", data=sent, headers=headers))
    assert "<b>Rất không hài\u00a0lòng</b>" in thanks
    assert 'value="2" checked' in thanks  # the reason is still chosen
    assert desk.queued() == []
    follow(desk, visit, reasons="2", comment="", then="done")
    assert [one["answers"] for one in desk.queued()] == [{"rating": 1, "reasons": [2]}]


def test_the_next_visitor_has_a_visit_of_their_own(desk: Kiosk) -> None:
    visit = desk.thanked(5)
    page = desk.client.post(
        "/follow-up",
        data={"visit": visit, "fingerprint": desk.fingerprint(), "comment": "", "then": "done"},
        headers=HTMX,
    ).text
    assert hidden(page, "visit") != visit
    desk.tap(1, visit=hidden(page, "visit"))
    # The first visitor's own screen, were it still there, changes nothing any more.
    desk.tap(3, visit=visit, again="1")
    follow(desk, visit, reasons="2", comment="Chậm", then="send")
    assert [one["answers"] for one in desk.stored()] == [{"rating": 5}, {"rating": 1}]


def test_silence_among_the_faces_of_choosing_again_keeps_the_rating(desk: Kiosk) -> None:
    visit = desk.thanked(4)
    follow(desk, visit, reasons="3", comment="", then="again")
    fields = {"visit": visit, "fingerprint": desk.fingerprint(), "idle": "1"}
    page = desk.client.post("/follow-up", data=fields, headers=HTMX).text
    assert 'class="screen faces-screen"' in page
    assert [one["answers"] for one in desk.queued()] == [{"rating": 4, "reasons": [3]}]


def test_a_restart_finishes_the_ratings_and_leaves_the_surveys(
    make_kiosk: Callable[..., Kiosk],
) -> None:
    before = make_kiosk(counter="q05")
    before.thanked(2)
    follow(before, before.rated(), then="survey")
    later = make_kiosk(counter="q05")
    with later.client:  # it starts
        assert [one["answers"] for one in later.queued()] == [{"rating": 2}]
        assert later.stored() == later.queued()
        assert len(later.context.drafts.expired(timedelta(0))) == 1


def test_a_rating_whose_browser_crashed_is_finished_by_silence(desk: Kiosk) -> None:
    desk.thanked(2)
    desk.clock.moment += PATIENCE["kiosk"]
    context = desk.context
    finish_expired(context.drafts, context.surveys, context.centre, context.now())
    assert [one["answers"] for one in desk.queued()] == [{"rating": 2}]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["rate", "again", "keep", "send", "done", "survey", "idle", "choose"]),
            st.integers(1, 5),
        ),
        max_size=8,
    )
)
def test_whatever_is_pressed_a_visit_is_one_submission_with_the_last_face(
    desk: Kiosk, presses: list[tuple[str, int]]
) -> None:
    visit, face = str(uuid4()), None
    known, open_ = len(desk.stored()), False
    for press, code in presses:
        if press in ("rate", "again"):
            desk.tap(code, visit=visit, **({"again": "1"} if press == "again" else {}))
            if face is None:
                face, open_ = code, True
            elif open_ and press == "again":
                face = code
        else:
            then = {} if press == "idle" else {"then": press.replace("choose", "again")}
            follow(desk, visit, reasons="2", **then, **({"idle": "1"} if press == "idle" else {}))
            open_ = open_ and press in ("keep", "choose")
    mine = [one for one in desk.stored() if one["visit"] == visit]
    assert [one["answers"]["rating"] for one in mine] == ([] if face is None else [face])
    assert len(desk.stored()) == known + len(mine)


def test_a_comment_in_decomposed_letters_is_stored_composed(desk: Kiosk) -> None:
    visit = str(uuid4())
    desk.tap(2, visit=visit)
    follow(desk, visit, comment=normalize("NFD", "Chờ lâu quá"), then="send")
    assert desk.queued()[0]["comment"] == normalize("NFC", "Chờ lâu quá")


@pytest.mark.parametrize("then", ["send", "survey", "done", ""])
def test_whichever_button_is_pressed_what_was_chosen_is_kept(desk: Kiosk, then: str) -> None:
    visit = desk.thanked()
    answer = follow(desk, visit, reasons="2", then=then)
    places = {"send": "/farewell", "survey": "/survey/", "done": "/", "": "/"}
    assert answer.status_code == 303  # type: ignore[attr-defined]
    assert answer.headers["location"].startswith(places[then])  # type: ignore[attr-defined]
    assert [one["answers"] for one in desk.queued()] == [{"rating": 5, "reasons": [2]}]


def test_the_clock_sends_what_was_chosen_and_returns_to_the_start(desk: Kiosk) -> None:
    visit = desk.thanked()
    answer = desk.client.post(
        "/follow-up",
        data={
            "visit": visit,
            "fingerprint": "0" * 16,  # even from an old page: nobody is there to look again
            "comment": "x" * 2500,
            "idle": "1",
        },
        headers=HTMX,
    )
    assert answer.status_code == 200
    assert 'name="rating"' in answer.text
    assert [len(one["comment"]) for one in desk.queued()] == [2000]


def test_nothing_chosen_adds_nothing(desk: Kiosk) -> None:
    follow(desk, desk.thanked(), comment=" \u200f\u0000 ", then="done")
    assert [(one["answers"], one["comment"]) for one in desk.queued()] == [({"rating": 5}, None)]


def test_a_comment_that_is_too_long_is_kept_on_the_screen(desk: Kiosk) -> None:
    long = "dài " * 5_000  # nearly all that a form may hold
    answer = desk.client.post(
        "/follow-up",
        data={"visit": desk.thanked(), "fingerprint": desk.fingerprint(), "comment": long},
    )
    assert answer.status_code == 422
    assert "nhiều nhất 2000 ký tự" in answer.text
    assert long.strip() in answer.text
    assert desk.queued() == []


def test_the_screen_starts_in_vietnamese_whatever_the_last_visitor_chose(desk: Kiosk) -> None:
    english = desk.client.get("/?lang=en")
    assert '<html lang="en">' in english.text
    assert "Very satisfied" in english.text
    thanks = desk.client.get(desk.tap(5).headers["location"])
    assert "Thank you!" in thanks.text
    assert desk.stored()[0]["language"] == "en"
    assert '<html lang="vi">' in desk.client.get("/").text
    assert "Xin cảm ơn" in desk.client.get(desk.tap(5).headers["location"]).text


def test_the_browsers_own_wish_does_not_count_on_a_kiosk(desk: Kiosk) -> None:
    page = desk.client.get("/farewell", headers={"accept-language": "en-US"})
    assert '<html lang="vi">' in page.text


def test_a_page_from_before_an_update_is_shown_anew(desk: Kiosk) -> None:
    answer = desk.tap(5, fingerprint="0123456789abcdef")
    assert answer.status_code == 409
    assert "vừa được cập nhật. Xin Ông/Bà chạm lại một khuôn mặt" in answer.text
    assert desk.stored() == []


@pytest.mark.parametrize(
    "change",
    [
        {"rating": "6"},
        {"rating": ""},
        {"rating": "5.0"},
        {"visit": "not-a-uuid"},
        {"visit": "{0190a0c0-0000-7000-8000-000000000001}"},
        {"fingerprint": "Z"},
        {"department": "so_y_te"},
        {"extra": "1"},
    ],
    ids=str,
)
def test_an_altered_tap_is_refused_kindly(desk: Kiosk, change: dict[str, str]) -> None:
    answer = desk.tap(**change)  # type: ignore[arg-type]
    assert answer.status_code == 422
    assert "Về trang đầu" in answer.text
    assert desk.stored() == []


def test_script_in_a_comment_is_text(desk: Kiosk) -> None:
    attack = "<script>alert(1)</script>" + "x" * 2000
    answer = desk.client.post(
        "/follow-up",
        data={"visit": desk.thanked(), "fingerprint": desk.fingerprint(), "comment": attack},
    )
    assert "<script>alert" not in answer.text
    assert "&lt;script&gt;alert" in answer.text


def test_a_demonstration_is_marked_on_every_page(make_kiosk: Callable[..., Kiosk]) -> None:
    kiosk = make_kiosk(demo=True)
    for path in ("/", "/rate/all", "/farewell", "/nothing", f"/f/{kiosk.code()}", "/posters"):
        assert "DEMO / MÔ PHỎNG" in kiosk.client.get(path).text


@pytest.mark.parametrize("idle", [["1"], ["1", "1"]], ids=["once", "again"])
@pytest.mark.parametrize("path", ["/rate", "/follow-up"])
def test_what_the_clock_sends_once_more_is_stored(desk: Kiosk, path: str, idle: list[str]) -> None:
    visit = str(uuid4()) if path == "/rate" else desk.thanked(2)
    fields = {"visit": visit, "fingerprint": "0" * 16, "idle": idle}
    part = {"rating": "2"} if path == "/rate" else {"reasons": ["2"]}
    answer = desk.client.post(path, data={**fields, **part})
    assert answer.headers["location"] == "/"
    (one,) = desk.queued()
    assert one["answers"] == ({"rating": 2} if path == "/rate" else {"rating": 2, "reasons": [2]})


@pytest.mark.parametrize("idle", [["1"], ["1", "1"]], ids=["once", "again"])
def test_a_rating_from_the_clock_answers_with_the_start(desk: Kiosk, idle: list[str]) -> None:
    fields = {"visit": str(uuid4()), "fingerprint": desk.fingerprint(), "rating": "2"}
    answer = desk.client.post("/rate", data={**fields, "idle": idle}, headers=HTMX)
    assert answer.status_code == 200
    assert 'class="screen faces-screen"' in answer.text
    assert len(desk.stored()) == 1


def test_thanks_for_a_rating_that_never_was_lead_to_the_start(desk: Kiosk, lobby: Kiosk) -> None:
    for kiosk in (desk, lobby):
        answer = kiosk.client.get(f"/thanks?visit={uuid4()}&department=")
        assert (answer.status_code, answer.headers["location"]) == (303, "/")


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["bare", "htmx"])
def test_a_second_follow_up_is_told_that_the_first_is_kept(
    desk: Kiosk, headers: dict[str, str]
) -> None:
    fields = {"visit": desk.thanked(), "fingerprint": desk.fingerprint(), "then": "send"}
    told = []
    for comment in ("Tốt", "Tốt", "Không tốt"):
        answer = desk.client.post(
            "/follow-up", data={**fields, "comment": comment}, headers=headers
        )
        if not headers:
            answer = desk.client.get(answer.headers["location"])
        told.append("đã được ghi nhận trước đó" in answer.text)
    assert told == [False, True, True]
    assert [one["comment"] for one in desk.stored()] == ["Tốt"]


def test_without_a_script_the_title_says_where_one_is(lobby: Kiosk, desk: Kiosk) -> None:
    """On every screen, as arrive.js sets it where there is one."""
    titles = []
    for kiosk, path in [
        (lobby, "/"),
        (lobby, "/rate/so_tu_phap?lang=en"),
        (desk, "/"),
        (desk, "/farewell"),
        (desk, "/rest"),
        (desk, "/nowhere"),
    ]:
        page = kiosk.client.get(path).text
        title = re.search(r"<title>(.+)</title>", page)
        assert title is not None
        assert f'data-title="{title[1]}"' in page
        titles.append(title[1])
    assert "Không tìm thấy" in titles[-1]
