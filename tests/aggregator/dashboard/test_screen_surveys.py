"""The page of surveys: edited in a form, saved as a version, never beneath answers."""

import csv
import io
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aggregator.dashboard.survey_form import SurveyForm
from aggregator.documents.exports.columns import FIXED
from aggregator.storage.audit import Search
from surveys.centre import Centre
from surveys.definition import Survey
from tests.aggregator.conftest import Room, sipas, submission
from tests.aggregator.reading import row, words

Fields = list[tuple[str, str]]
WHY = [("reason_vi", "Hỏi về thời gian chờ"), ("reason_en", "A question on waiting")]


def posted(room: Room, survey: str, fields: Fields) -> Any:
    """POST the form; a field that is named twice counts as its last value says."""
    data: dict[str, list[str]] = {}
    for name, value in fields:
        data[name] = [*data.get(name, []), value] if name == "order" else [value]
    return room.client.post(f"/surveys/{survey}/edit", data=data)


def form_on(page: str) -> Fields:
    """The fields of the form on a page, in their order, as a browser without choices sends them."""
    [form] = re.findall(r'<form[^>]*class="survey-form">.*?</form>', page, re.DOTALL)
    reader = Reader()
    reader.feed(form)
    return reader.fields


class Reader(HTMLParser):
    """Reads the fields of a form."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: Fields = []
        self.inside = ""  # the name of the text area or selection that is open

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if tag in ("textarea", "select"):
            self.inside = given["name"]
        if tag == "textarea":
            self.fields.append((self.inside, ""))
        elif tag == "option" and "selected" in dict(attributes):
            self.fields.append((self.inside, given["value"]))
        elif tag == "input" and given.get("type") != "radio":
            self.fields.append((given["name"], given["value"]))

    def handle_data(self, data: str) -> None:
        if self.fields and self.fields[-1] == (self.inside, ""):
            self.fields[-1] = (self.inside, data)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("textarea", "select"):
            self.inside = ""


def edited(room: Room, survey: str, **texts: str) -> Fields:
    """The fields of an untouched form, with other texts; ``__`` stands for a dot."""
    fields = dict.fromkeys(["after"], str(room.context.organisation.number))
    own = [*SurveyForm.of(room.context.surveys[survey]).fields(), *fields.items()]
    return own + [(name.replace("__", "."), text) for name, text in texts.items()]


@pytest.fixture
def manager(any_room: Room) -> Room:
    any_room.sign_in()
    any_room.client.cookies.set("lang", "vi")
    return any_room


def test_a_question_is_added_and_the_new_survey_follows_the_old_one(manager: Room) -> None:
    before = "2026-11-20T08:10:00+07:00"
    manager.take([submission(answered_at=before, answers={"rating": 5}) for _ in range(3)])
    listed = words(manager.client.get("/surveys").text)
    assert "Đánh giá tại Trung tâm in_centre màn hình cảm ứng" in listed
    assert row(manager.client.get("/surveys").text, "Đánh giá tại Trung tâm").count("3")
    assert "How satisfied are you" in manager.client.get("/surveys/in_centre").text
    page = manager.client.get("/surveys/in_centre/edit").text
    assert form_on(page) == [*_sorted(form_on(page), edited(manager, "in_centre"))]

    # A new question stands empty in the form, and every field that is wrong is named.
    page = posted(manager, "in_centre", [*form_on(page), ("act", "add:reasons")]).text
    fields = [*form_on(page), ("title.vi", ""), ("scales.reasons.1.en", "The staff")]
    refused = posted(manager, "in_centre", [*fields, ("next", "1")])
    assert refused.status_code == 422
    wrong = set(re.findall(r'id="([^"]+)-problem"', refused.text))
    new = {"questions.q_1.vi", "questions.q_1.en"}
    assert wrong == {*new, "title.vi", "scales.reasons.3.en"}
    assert "Xin điền chỗ này." in refused.text
    assert manager.context.organisation.number == 1

    texts = [("questions.q_1.vi", "Ông/Bà chờ lâu không?"), ("questions.q_1.en", "A long wait?")]
    fields = [*form_on(page), *texts, ("scale.q_1", "satisfaction")]
    fields = [*fields, ("title.vi", "Đánh giá")]
    up = posted(manager, "in_centre", [*fields, ("act", "up:q_1")])
    order = [value for name, value in form_on(up.text) if name == "order"]
    assert order == ["rating/rating", "reasons/q_1", "reasons/reasons"]
    fields = [*form_on(up.text)]
    save = posted(manager, "in_centre", [*fields, ("next", "1")])
    said = words(save.text)
    assert "Thêm câu hỏi “Ông/Bà chờ lâu không?”." in said
    assert "“Đánh giá tại Trung tâm” sửa thành “Đánh giá”." in said
    assert "Từ ngày 23/11/2026, phiếu mới có mã in_centre_2" in said
    assert "Không chọn được: câu hỏi hoặc mã trả lời đã khác." in said
    mine = [*form_on(save.text), ("way", "follow"), ("save", "1")]
    missing = posted(manager, "in_centre", mine)
    assert (missing.status_code, "Thiếu Lý do sửa" in missing.text) == (422, True)
    done = posted(manager, "in_centre", [*mine, *WHY])
    assert (done.status_code, done.headers["location"]) == (303, "/surveys/in_centre_2?saved=2")
    told = words(manager.client.get(done.headers["location"]).text)
    assert "Đã lưu, phiên bản 2 của cấu hình Trung tâm." in told
    assert "Từ ngày 23/11/2026 (Hỏi về thời gian chờ), phiếu này thay cho" in told
    [logged] = manager.context.store.audit.entries(Search(kind="survey"), 9)
    assert (logged.event, logged.actor) == ("survey.saved", "giam_doc")
    assert "in_centre_2" in manager.client.get("/audit").text

    # Devices are given it, and its answers are another series.
    bearer = {"authorization": f"Bearer {manager.device}"}
    there = Centre.model_validate_json(manager.client.get("/api/v1/centre", headers=bearer).content)
    assert there.instruments.rating == "in_centre_2"
    fingerprint = there.surveys[0].fingerprint
    answers = {"rating": 4, "q_1": 2}
    manager.take([submission(survey="in_centre_2", fingerprint=fingerprint, answers=answers)])
    trend = words(manager.client.get("/trends?grain=day").text)
    assert "Hỏi về thời gian chờ" in trend
    # The older one is not followed twice, nor edited beneath its answers.
    late = posted(manager, "in_centre", [*mine, *WHY])
    assert late.status_code == 422
    assert "in_centre_2" not in manager.client.get("/surveys/in_centre/edit").text
    assert "hãy sửa phiếu đó" in words(late.text) or "xin sửa phiếu đó" in words(late.text)
    for path in ("/", "/comparison", "/sipas", "/method", "/published", "/documents"):
        assert manager.client.get(path).status_code == 200


def _sorted(shown: Fields, wanted: Fields) -> Fields:
    """The wanted fields in the order of those that are shown."""
    left = list(wanted)
    found = []
    for name, value in shown:
        left.remove((name, value))
        found.append((name, value))
    assert left == []
    return found


def test_words_that_mean_the_same_and_two_who_save_at_once(room: Room) -> None:
    room.sign_in()
    room.take([sipas()])
    mine = edited(room, "sipas_2020", questions__q1__vi="Nơi chờ có đủ chỗ ngồi không?")
    theirs = edited(room, "sipas_2020", title__en="SIPAS, of the year 2020")
    fields = [*theirs, ("way", "same"), ("save", "1")]
    assert posted(room, "sipas_2020", fields).headers["location"] == "/surveys/sipas_2020?saved=2"
    survey = room.context.surveys["sipas_2020"]
    assert len(survey.same_as) == 1
    second = posted(room, "sipas_2020", [*mine, ("way", "same"), ("save", "1")])
    assert second.status_code == 422
    said = words(second.text)
    assert "Trong lúc đó giam_doc đã lưu một phiên bản khác." in said
    assert "sửa thành “SIPAS, of the year 2020”." in said
    assert "sửa thành “Nơi chờ có đủ chỗ ngồi không?”." in said
    # Who has read that may go on: what is saved then is what the second page says.
    again = [*form_on(second.text), ("way", "same"), ("save", "1")]
    assert posted(room, "sipas_2020", again).status_code == 303
    survey = room.context.surveys["sipas_2020"]
    assert len(survey.same_as) == 2
    assert survey.questions["q1"].text.vi == "Nơi chờ có đủ chỗ ngồi không?"
    assert survey.questions["q1"].wording == "own"
    room.take([sipas()])
    room.context.store.definitions.check(room.context.surveys)
    nothing = posted(room, "sipas_2020", [*edited(room, "sipas_2020"), ("save", "1")])
    assert (nothing.status_code, "Không có gì thay đổi" in nothing.text) == (422, True)
    unasked = edited(room, "paper_ballot_2020", title__vi="Phiếu giấy")
    assert posted(room, "paper_ballot_2020", [*unasked, ("save", "1")]).status_code == 303
    assert room.context.surveys["paper_ballot_2020"].same_as == ()


@pytest.mark.parametrize(
    "field",
    [
        ("after", "x"),
        ("act", "explode:rating"),
        ("act", "up:nobody"),
        ("act", "add:nowhere"),
        ("order", "reasons/rating"),
        ("order", "rating/rating"),
    ],
)
def test_what_no_page_sends_is_refused(room: Room, field: tuple[str, str]) -> None:
    room.sign_in()
    assert posted(room, "in_centre", [*edited(room, "in_centre"), field]).status_code == 400
    assert room.client.get("/surveys/nobody").status_code == 404
    assert room.client.get("/surveys/nobody/edit").status_code == 404
    long = edited(room, "in_centre", title__vi="x" * 2_001, introduction__vi="a\u202eb")
    refused = posted(room, "in_centre", [*long, ("next", "1")])
    assert (refused.status_code, "Dài quá 2000 ký tự." in refused.text) == (422, True)
    assert "không hiện được" in refused.text


GOOD = st.integers(1, 10**6).map("Câu {}?".format)
ODD = st.sampled_from(["", "Hài lòng", "hài  LÒNG", "x" * 2_001, "a\u202e"])
PLACES = st.integers(0, 10**6)  # of something on the form, whatever is there


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    acts=st.lists(st.tuples(st.sampled_from(["up", "down", "remove", "add"]), PLACES), max_size=3),
    typed=st.lists(st.tuples(PLACES, GOOD | GOOD | ODD), max_size=2),
    new=st.lists(GOOD, min_size=6, max_size=6, unique=True),
    way=st.sampled_from(["follow", "same"]),
)
def test_whatever_is_edited_is_a_definition_or_is_refused_by_field(
    room: Room, acts: list[tuple[str, int]], typed: list[tuple[int, str]], new: list[str], way: str
) -> None:
    """And every answer, before and after, leaves in the exports by what it was given."""
    if "hailong_session" not in room.client.cookies:
        room.sign_in()
    held = room.context.organisation
    base = room.context.surveys[held.stored.instruments.rating]
    expected = _exported(room) + _answer(room, base)
    fields = edited(room, base.id)
    for do, place in acts:
        known = [value.partition("/")[2] for name, value in fields if name == "order"][1:]
        parts = ["reasons", "rating", ""]
        if do != "add" and not known:
            continue
        what = parts[place % 3] if do == "add" else known[place % len(known)]
        page = posted(room, base.id, [*fields, ("act", f"{do}:{what}")])
        assert page.status_code == 200
        fields = form_on(page.text)
    names = [name for name, _ in fields if name.endswith((".vi", ".en"))]
    empty = [name for name, value in fields if not value and name in names]
    fields += zip(empty, new, strict=False)
    fields += [(names[place % len(names)], text) for place, text in typed]
    number = held.number
    done = posted(room, base.id, [*fields, *WHY, ("way", way), ("save", "1")])
    if done.status_code == 303:
        saved = room.context.surveys[done.headers["location"].split("/")[2].partition("?")[0]]
        assert Survey.model_validate(saved.model_dump()) == saved
        assert held.number == number + 1
        expected += _answer(room, saved)
    else:
        assert done.status_code == 422
        wrong = re.findall(r'id="([^"]+)-problem"', done.text)
        assert wrong or 'role="alert"' in done.text
        assert set(wrong) <= set(names)
        assert held.number == number
    room.context.store.definitions.check(room.context.surveys)
    assert sorted(_exported(room)) == sorted(expected)


def _answer(room: Room, survey: Survey) -> list[tuple[str, ...]]:
    """Answer each question that has one answer; what an export must say of it."""
    answers = {
        question.id: scale.codes[0]
        for question in survey.all_questions()
        if question.kind == "one" and (scale := survey.scale_of(question))
    }
    sent = submission(survey=survey.id, fingerprint=survey.fingerprint, answers=answers)
    room.take([sent])
    return [_said(sent["id"], survey.fingerprint, answers)]


def _exported(room: Room) -> list[tuple[str, ...]]:
    text = room.client.get("/exports/submissions.csv").text.lstrip("\ufeff")
    found = []
    for line in csv.DictReader(io.StringIO(text)):
        answers = {name: value for name, value in line.items() if name not in FIXED and value}
        found.append(_said(line["id"], line["fingerprint"], answers))
    return found


def _said(id: str, fingerprint: str, answers: dict[str, Any]) -> tuple[str, ...]:
    return (id, fingerprint, *(f"{name}={answers[name]}" for name in sorted(answers)))
