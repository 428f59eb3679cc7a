"""Hostile requests at the JSON API: a clear answer, nothing stored, never a 500."""

import json
import unicodedata
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aggregator.dashboard.api import MAX_BODY
from aggregator.dashboard.schemas import MAX_BATCH
from aggregator.storage.writer import NewRow, utc_text
from surveys.definition import Survey
from surveys.text import UNSAFE
from surveys.wire import MAX_COMMENT, read_submission
from tests.aggregator.conftest import SUBMISSIONS, Room, ratings, stored, submission, tallies


def send(room: Room, body: bytes | str, language: str = "en") -> Any:
    headers = {"authorization": f"Bearer {room.device}", "accept-language": language}
    return room.client.post(SUBMISSIONS, content=body, headers=headers)


def assert_nothing_stored(room: Room) -> None:
    assert stored(room.context.store) == []
    assert not any(tallies(room.context.store).values())


ONE = json.dumps(submission())
BROKEN = {
    "empty": b"",
    "half": b'{"submissions": [' + ONE.encode()[:60],
    "trailing": b'{"submissions": []} x',
    "not utf-8": b'{"submissions": ["\xff\xfe"]}',
    "utf-16": '{"submissions": []}'.encode("utf-16"),
    "NaN": b'{"submissions": [NaN]}',
    "NUL": b'{"submissions": ["\x00"]}',
    "form": b"submissions=1",
    "nested deep": b'{"submissions": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "nested deep objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
}
WRONG_SHAPE = ["[]", "null", "5", '"text"', "true", "{}", '{"submissions": {}}', "[[]]"]
WRONG_SHAPE += ['{"submissions": null}', '{"submissions": "x"}', '{"Submissions": []}', f"[{ONE}]"]


@pytest.mark.parametrize("name", BROKEN)
def test_broken_json_is_400_with_a_reason_in_the_askers_language(room: Room, name: str) -> None:
    english, vietnamese = send(room, BROKEN[name]), send(room, BROKEN[name], "vi")
    assert (english.status_code, vietnamese.status_code) == (400, 400)
    assert english.json()["error"].startswith("broken JSON")
    assert vietnamese.json()["error"].startswith("JSON ")
    assert_nothing_stored(room)


@pytest.mark.parametrize("body", WRONG_SHAPE)
def test_a_wrong_top_level_is_400(room: Room, body: str) -> None:
    answer = send(room, body)
    assert answer.status_code == 400
    assert "submissions" in answer.json()["error"]
    assert_nothing_stored(room)


def test_an_unknown_field_beside_the_list_is_named(room: Room) -> None:
    answer = send(room, f'{{"submissions": [{ONE}], "kiosk": 1}}')
    assert (answer.status_code, answer.json()["error"]) == (400, "kiosk: unknown field")
    assert_nothing_stored(room)


@pytest.mark.parametrize("language", ["en", "vi"])
def test_a_body_too_large_is_413_as_json(room: Room, language: str) -> None:
    answer = send(room, b'{"submissions": ["' + b"x" * MAX_BODY + b'"]}', language)
    assert answer.status_code == 413
    assert len(answer.json()["error"]) > 5
    assert_nothing_stored(room)


def test_too_many_in_one_request_is_413_and_names_the_most(room: Room) -> None:
    answer = room.post([submission()] * (MAX_BATCH + 1))
    assert answer.status_code == 413
    assert str(MAX_BATCH) in answer.json()["error"]
    assert_nothing_stored(room)
    assert room.post(ratings([5] * MAX_BATCH)).status_code == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_other_methods_are_405_as_json(room: Room, method: str) -> None:
    answer = room.client.request(method, SUBMISSIONS)
    assert answer.status_code == 405
    assert answer.json()["error"]


def deep(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value


BAD_ITEMS: list[tuple[object, str]] = [
    (None, "submission"),
    ([], "submission"),
    (submission(answers={"rating": deep(200)}), "answers.rating"),
    (submission(answers=deep(200)), "answers"),
    (submission(extra=deep(200)), "extra"),
    (submission(survey="census"), "survey"),
    (submission(department="so_khac", counter=None), "department"),
    (submission(counter="q09"), "counter"),
    (submission(answers={"thái độ": 5}), "answers"),
    (submission(answers={"rating": 6}), "answers.rating"),
    (submission(answers={"rating": True}), "answers.rating"),
    (submission(answers={"rating": 5.0}), "answers.rating"),
    (submission(answered_at="2026-11-23T08:10:00"), "answered_at"),
    (submission(answered_at="1900-01-01T00:00:00Z"), "answered_at"),
    (submission(answered_at="2026-11-24T08:15:00+07:00"), "answered_at"),
    (submission(answered_at=1_763_860_200), "answered_at"),
    (submission(comment="ă" * 100_000), "comment"),
    (submission(comment="\u202egnoud"), "comment"),
    (submission(comment="a\x00b"), "comment"),
]


def test_bad_items_are_refused_in_place_by_field_and_language(any_room: Room) -> None:
    reasons: dict[str, list[str]] = {}
    for language in ("vi", "en"):
        answer = any_room.post([item for item, _ in BAD_ITEMS], accept_language=language)
        assert answer.status_code == 200
        receipts = answer.json()["receipts"]
        assert [r["status"] for r in receipts] == ["refused"] * len(BAD_ITEMS)
        reasons[language] = [r["reason"] for r in receipts]
        assert [r.partition(":")[0] for r in reasons[language]] == [f for _, f in BAD_ITEMS]
        assert all(len(r) < 200 and not UNSAFE.search(r) for r in reasons[language])
    assert not set(reasons["vi"]) & set(reasons["en"])
    assert reasons["vi"][12] == "answered_at: thiếu múi giờ, ví dụ +07:00"
    assert reasons["en"][12] == "answered_at: has no UTC offset, such as +07:00"
    assert_nothing_stored(any_room)


def test_a_script_is_stored_as_it_is_and_comes_back_as_text(any_room: Room) -> None:
    comment = '<script>alert("1")</script><img src=x onerror=alert(2)>'
    any_room.take([submission(comment=comment)])
    assert stored(any_room.context.store)[0].comment == comment
    answer = any_room.get("/api/v1/submissions.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "attachment" in answer.headers["content-disposition"]
    any_room.sign_in()
    for page in ("/", "/department/so_tu_phap"):
        assert "<script>alert" not in any_room.client.get(page).text


def test_a_request_from_another_sites_page_is_turned_away(room: Room) -> None:
    assert room.post([submission()], origin="https://evil.example").status_code == 403
    assert room.post([submission()], sec_fetch_site="cross-site").status_code == 403
    assert_nothing_stored(room)


Json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=10), inner, max_size=4)
    ),
    max_leaves=15,
)
NAMES = [*submission(), "comment", "fingerprint"]
Mutated = st.dictionaries(st.sampled_from(NAMES), Json, max_size=3).map(
    lambda changes: submission(**changes)
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(items=st.lists(Json | Mutated, max_size=6))
def test_any_json_is_answered_and_only_valid_rows_are_stored(
    any_room: Room, surveys: dict[str, Survey], items: list[Any]
) -> None:
    answer = send(any_room, orjson.dumps({"submissions": items}))
    assert answer.status_code == 200
    receipts = answer.json()["receipts"]
    assert len(receipts) == len(items)
    for item, receipt in zip(items, receipts, strict=True):
        assert (receipt["status"] == "refused") == (receipt["reason"] is not None)
        if receipt["status"] == "accepted":
            assert receipt["id"] == item["id"].lower()
    for row in stored(any_room.context.store):
        questions = surveys[row.survey].questions
        assert set(row.answers) <= set(questions)
        assert row.answers.get("rating", 5) in (1, 2, 3, 4, 5)
        assert row.comment is None or not UNSAFE.search(row.comment)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=200) | Json.map(orjson.dumps))
def test_any_bytes_are_answered(room: Room, body: bytes) -> None:
    assert send(room, body).status_code in (200, 400)


def test_half_a_character_in_one_item_does_not_spoil_the_others(room: Room) -> None:
    good, bad = submission(), submission(comment="HALF")
    body = json.dumps({"submissions": [bad, good]}).replace("HALF", "a\\ud800b")
    headers = {"authorization": f"Bearer {room.device}", "content-type": "application/json"}
    answer = room.client.post(SUBMISSIONS, content=body, headers=headers)
    assert [r["status"] for r in answer.json()["receipts"]] == ["refused", "accepted"]
    assert answer.json()["receipts"][0]["reason"].startswith("comment: ")


FLAWED = {
    "huge float": ('{"answers": {"rating": 1e400}}', "answers.rating"),
    "huge number": (f'{{"answers": {{"rating": 1{"0" * 400}}}}}', "answers.rating"),
    "deep": (f'{{"answers": {{"rating": {"[" * 1_100}{"]" * 1_100}}}}}', "answers.rating"),
    "half a character": ('{"comment": "a\\ud800b"}', "comment"),
    "an answer twice": ('{"answers": {"rating": 5, "rating": 1}}', "answers.rating"),
    "a field twice": ('{"channel": "qr", "channel": "kiosk"}', "channel"),
    "the id twice": (f'{{"id": "{submission()["id"]}"}}', "id"),
}


@pytest.mark.parametrize("flaw", FLAWED)
def test_a_flaw_in_one_item_does_not_spoil_the_others(any_room: Room, flaw: str) -> None:
    """Whatever JSON can say and we cannot take is refused where it stands."""
    text, field = FLAWED[flaw]
    replaced = {name for name in ("answers", "comment") if f'"{name}"' in text}
    good, bad = submission(), {k: v for k, v in submission().items() if k not in replaced}
    item = json.dumps(bad)[:-1] + "," + text[1:]
    answer = send(any_room, f'{{"submissions": [{item}, {json.dumps(good)}]}}')
    assert answer.status_code == 200
    refused, accepted = answer.json()["receipts"]
    assert (refused["status"], accepted["status"]) == ("refused", "accepted")
    assert refused["reason"].startswith(f"{field}: ")
    assert refused["id"] == (None if field == "id" else bad["id"])
    assert [str(row.id) for row in stored(any_room.context.store)] == [good["id"]]


def test_the_list_given_twice_is_400(room: Room) -> None:
    answer = send(room, f'{{"submissions": [], "submissions": [{ONE}]}}')
    assert answer.status_code == 400
    assert_nothing_stored(room)


WORDS = "Cán bộ tận tình, chỉ dẫn dễ hiểu"


def test_a_comment_in_another_form_of_unicode_is_the_same(any_room: Room) -> None:
    item = submission(comment=unicodedata.normalize("NFD", WORDS))
    any_room.take([item])
    assert stored(any_room.context.store)[0].comment == WORDS
    again = any_room.post([item | {"comment": WORDS}, item, item | {"comment": WORDS + "!"}])
    statuses = [receipt["status"] for receipt in again.json()["receipts"]]
    assert statuses == ["duplicate", "duplicate", "conflict"]


def test_so_is_one_that_was_stored_before_text_was_composed(any_room: Room) -> None:
    item = submission(comment=WORDS)
    context, raw = any_room.context, unicodedata.normalize("NFD", WORDS)
    read = read_submission(item, context.surveys, context.centre, any_room.clock())
    old = read.model_copy(update={"comment": raw})
    asked = context.surveys["in_centre"].fingerprint
    with context.store.writing() as writer:
        writer.add_submissions([NewRow.of(old, "2026-11-23", utc_text(any_room.clock()), asked)])
    for form, status in [(WORDS, "duplicate"), (raw, "duplicate"), (f"{WORDS}.", "conflict")]:
        [receipt] = any_room.post([item | {"comment": form}]).json()["receipts"]
        assert receipt["status"] == status


def test_a_comment_is_measured_composed_and_a_heap_of_marks_is_refused(room: Room) -> None:
    longest = "ế" * MAX_COMMENT
    items = [
        submission(comment=unicodedata.normalize("NFD", longest)),
        submission(comment=unicodedata.normalize("NFD", longest + "ế")),
        submission(comment="a" + "\u0301" * 31),
        submission(comment="a" + "\u0301\u0323" * 500_000),
    ]
    receipts = room.post(items).json()["receipts"]
    assert [r["status"] for r in receipts] == ["accepted", "refused", "refused", "refused"]
    assert all(r["reason"].startswith("comment: ") for r in receipts[1:])
    assert "30" in receipts[2]["reason"]
