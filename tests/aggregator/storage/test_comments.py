"""Comments: found by any of their words, in whatever form they are typed, and by where they lie."""

import unicodedata
from datetime import date, timedelta
from typing import Any

import pytest
from alembic import command
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from aggregator.intake.ingest import rebuild
from aggregator.storage import comments
from aggregator.storage.audit import Entry, entry
from aggregator.storage.audit import Search as AuditSearch
from aggregator.storage.comments import (
    LONGEST_TAG,
    MOST_TAGS,
    Act,
    Comments,
    Search,
    _cover,
    _times,
    tag_of,
)
from aggregator.storage.database import StorageError
from aggregator.storage.migrations import _config, migrate
from aggregator.storage.store import Store
from aggregator.wording.screening import screened
from surveys.centre import Centre
from surveys.definition import Survey
from surveys.text import without_marks
from tests.aggregator.conftest import NOW, Intake, submission

SYLLABLES = ["thái", "độ", "Đường", "chờ", "quá", "LÂU", "nguyễn", "ghế", "ơi", "ừ", "số", "3"]
WORDS = st.sampled_from(SYLLABLES) | st.text(min_size=1, max_size=9)
HOSTILE = [
    '"',
    "'",
    "chờ' OR 1=1 --",
    '"chờ',
    "chờ*",
    "NEAR(chờ lâu, 2)",
    "words:chờ",
    "department:so_tu_phap",
    "^chờ",
    "(chờ",
    "chờ) | !x & <->",
    "\\",
    "\x00chờ",
    "a" * 5_000,
    "chờ " * 2_000,
    "z̊̇" * 500,
    "😀 ﷽",
    "%_",
]


def found(store: Store, words: str = "", **conditions: Any) -> list[str]:
    return [one.text for one in store.comments.found(Search(words, **conditions), 100)]


def commented(comment: str, **changes: Any) -> dict[str, Any]:
    return submission(**{"visit": None, **changes}, comment=comment)


def act(store: Store, number: int, kind: Act, value: str = "") -> bool:
    return store.comments.act(number, kind, value, told(kind, value))


def told(kind: Act, value: str) -> Entry:
    event = {"tag": "tagged", "untag": "untagged", "hide": "hidden", "show": "shown"}[kind]
    return entry(
        NOW, "ban_quan_ly", f"comment.{event}", id="x", **({"tag": value} if value else {})
    )


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from(SYLLABLES) | st.text(min_size=1, max_size=9), min_size=1, max_size=6)
)
@example(["ĐỘI", "đợi", "x̣y"])
@example(["0@A"])
def test_a_comment_is_found_by_any_of_its_words(intake: Intake, words: list[str]) -> None:
    """With and without diacritics, in both of Unicode's forms, in small letters and capitals."""
    written = " ".join(words)
    [receipt] = intake([commented(written)])
    if receipt.status == "refused" or not written.strip():
        return
    number = intake.store.comments.found(Search(), 1)[0].number
    typed = [one for one in words if one in SYLLABLES]
    typed += [one.upper() for one in typed]
    typed += [written] if screened(written) == written else []  # what is masked is not found
    for word in typed:
        for form in ("NFC", "NFD"):
            for asked in (word, without_marks(word)):
                search = Search(unicodedata.normalize(form, asked))
                hits = intake.store.comments.found(search, 1)
                assert [one.number for one in hits] == [number], (word, form, asked)


def test_a_word_with_marks_finds_that_word_alone(intake: Intake) -> None:
    intake([commented("Chờ lâu"), commented("Chợ xa"), commented("Cho tôi hỏi")])
    assert found(intake.store, "cho") == ["Cho tôi hỏi", "Chợ xa", "Chờ lâu"]
    assert found(intake.store, "chờ") == ["Chờ lâu"]
    assert found(intake.store, "lâu chờ") == ["Chờ lâu"]
    assert found(intake.store, "chờ xa") == []


def test_whatever_is_typed_is_words(intake: Intake) -> None:
    intake([commented("Chờ lâu")])
    for words in HOSTILE:
        assert found(intake.store, words, tag=words) == [], words
        assert set(found(intake.store, words)) <= {"Chờ lâu"}
        assert intake.store.comments.count(Search(words), 10) <= 1


def test_no_search_tells_a_masked_number(intake: Intake) -> None:
    intake([commented("Gọi tôi số 0912 000 345 nhé")])
    assert found(intake.store, "goi nhe") == ["Gọi tôi số 0912 000 345 nhé"]
    for digits in ("0912", "000", "345", "0912000345"):
        assert found(intake.store, digits) == []


def test_filters_take_the_visit_and_the_place(intake: Intake) -> None:
    phone: dict[str, Any] = {"channel": "qr", "visit": "v-phone", "counter": "q05"}
    intake(
        [
            commented("Khen", answers={"rating": 5, "reasons": [3]}),
            submission(answers={"rating": 1}, **phone),
            submission(answers={"reasons": [1, 3]}, comment="Chê", **phone),
            commented("Nơi khác", department="so_y_te", counter="q09"),
            submission(answers={"rating": 4}, comment="   "),
        ]
    )
    store = intake.store
    assert found(store) == ["Nơi khác", "Chê", "Khen"]
    assert found(store, answers=[("rating", 1)]) == ["Chê"]
    assert found(store, answers=[("reasons", 3)]) == ["Chê", "Khen"]
    assert found(store, answers=[("reasons", 3), ("rating", 5)]) == ["Khen"]
    assert found(store, channel="qr") == ["Chê"]
    assert found(store, departments=["so_y_te", "so_tai_chinh"]) == ["Nơi khác"]
    assert found(store, counters=["q09"]) == ["Nơi khác"]
    assert found(store.of_department("so_y_te")) == ["Nơi khác"]
    day = date(2026, 11, 23)
    assert len(found(store, since=day, until=day)) == 3
    assert found(store, since=day + timedelta(1), until=day + timedelta(9)) == []
    [blame] = store.comments.found(Search("chê"), 5)
    assert blame.said == {"rating": 1, "reasons": [1, 3]}


@pytest.mark.parametrize("recent", [1, 4, 20_000])
def test_pages_follow_each_other_without_gap_or_repeat(
    intake: Intake, recent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many of the newest are looked through before the index is."""
    monkeypatch.setattr(comments, "RECENT", recent)
    intake([commented(f"Góp ý {number}") for number in range(7)])
    log, seen, before = intake.store.comments, [], None
    while page := log.found(Search("gop"), 3, before):
        seen += [one.text for one in page]
        before = page[-1].number
    assert seen == [f"Góp ý {number}" for number in range(6, -1, -1)]
    assert log.count(Search("gop"), 5) == 5
    assert log.count(Search("3"), 5) == 1
    ever = Search("gop", since=date(2026, 1, 1), until=date(2027, 12, 31))
    assert [one.text for one in log.found(ever, 2)] == ["Góp ý 6", "Góp ý 5"]


@pytest.mark.parametrize("at_once", [1, 3])
def test_a_period_long_past_is_in_the_order_of_arrival(
    intake: Intake, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Days are read by the newest comment of each: some came weeks after their day."""
    monkeypatch.setattr(comments, "RECENT", 1)
    monkeypatch.setattr(comments, "DAYS_AT_ONCE", at_once)
    days = [9, 3, 12, 7, 3, 9, 1, 12, 5, 7, 2, 20]
    last = NOW.date() - timedelta(days=2)
    for number, back in enumerate(days):
        at = (NOW - timedelta(days=back)).isoformat()
        intake([commented(f"Góp ý {number}", answered_at=at)])
    newest = [f"Góp ý {at}" for at in range(len(days) - 1, -1, -1) if 2 <= days[at] <= 12]
    for words in ("gop", ""):
        period = Search(words, since=NOW.date() - timedelta(days=12), until=last)
        for limit in range(1, 12):
            seen, before = [], None
            while page := intake.store.comments.found(period, limit, before):
                seen += [one.text for one in page]
                before = page[-1].number
            assert seen == newest
            assert intake.store.comments.count(period, limit) == min(limit, len(newest))


@given(st.dates(date(2019, 1, 1), date(2027, 12, 31)), st.integers(0, 1_500), st.data())
def test_a_period_is_covered_exactly(since: date, length: int, data: st.DataObject) -> None:
    until = since + timedelta(days=length)
    parts = list(_cover(since, until))
    assert len(parts) <= 90
    around = st.dates(since - timedelta(40), until + timedelta(40))
    for day in data.draw(st.lists(around, max_size=9)):
        hits = len(set(parts) & {*_times(day)})
        assert hits == (1 if since <= day <= until else 0)


def test_what_is_done_about_a_comment_is_found_logged_and_survives_a_rebuild(
    intake: Intake, surveys: dict[str, Survey], centre: Centre
) -> None:
    intake([commented("Thứ nhất"), commented("Thứ hai"), submission()])
    store = intake.store
    second, first = (one.number for one in store.comments.found(Search(), 5))
    assert act(store, first, "tag", "thái độ")
    assert not act(store, first, "tag", "thái độ")
    assert act(store, second, "tag", "thái độ")
    assert act(store, second, "untag", "thái độ")
    assert not act(store, second, "untag", "thái độ")
    assert act(store, second, "tag", "ghế")
    assert act(store, first, "hide")
    assert not act(store, first, "hide")
    assert not act(store, second, "show")
    assert not act(store, 3, "tag", "không có góp ý")
    assert not act(store, 999, "hide")

    def check() -> None:
        assert store.comments.tags() == [("ghế", 1), ("thái độ", 1)]
        assert found(store, tag="thái độ") == ["Thứ nhất"]
        assert found(store, hidden=True) == ["Thứ nhất"]
        assert found(store, hidden=False) == ["Thứ hai"]
        one = store.comments.comment(first)
        assert one is not None
        assert (one.tags, one.hidden_by, one.hidden_at) == (["thái độ"], "ban_quan_ly", NOW)

    check()
    rebuild(store, lambda more: None)
    check()
    events = [one.event for one in store.audit.entries(AuditSearch(kind="comment"), 99)]
    assert events[::-1] == [
        *("comment.tagged", "comment.tagged", "comment.untagged"),
        *("comment.tagged", "comment.hidden"),
    ]
    assert act(store, first, "show")
    assert found(store, hidden=True) == []


def test_a_department_sees_and_touches_no_comment_of_another(intake: Intake) -> None:
    intake([commented("Của ta"), commented("Của họ", department="so_y_te", counter="q09")])
    store = intake.store
    theirs, ours = (one.number for one in store.comments.found(Search(), 5))
    assert act(store, theirs, "tag", "riêng")
    own: Comments = store.of_department("so_tu_phap").comments
    assert [one.number for one in own.found(Search(), 5)] == [ours]
    assert own.found(Search(departments=["so_y_te"]), 5) == []
    assert own.count(Search(), 5) == 1
    assert own.comment(theirs) is None
    assert own.tags() == []
    assert not own.act(theirs, "hide", "", told("hide", ""))


def test_a_comment_has_a_bound_of_tags(intake: Intake) -> None:
    intake([commented("Nhiều nhãn")])
    assert all(act(intake.store, 1, "tag", f"nhãn {n}") for n in range(MOST_TAGS))
    assert not act(intake.store, 1, "tag", "một nhãn nữa")
    assert tag_of("  Thái   ĐỘ\n") == "thái độ"
    assert len(tag_of("x" * LONGEST_TAG)) == LONGEST_TAG


def test_events_are_never_changed_or_deleted(intake: Intake) -> None:
    intake([commented("Một")])
    act(intake.store, 1, "hide")
    for statement in ("UPDATE comment_event SET kind = 'show'", "DELETE FROM comment_event"):
        with pytest.raises(StorageError), intake.store.database.begin(write=True) as connection:
            connection.execute(text(statement))
    assert found(intake.store, hidden=True) == ["Một"]


def test_a_refused_batch_and_a_duplicate_leave_one_entry(intake: Intake) -> None:
    one = commented("Một lần")
    intake([one, one])
    intake([one])
    assert found(intake.store, "lần") == ["Một lần"]


def test_old_answers_are_indexed_by_rebuild(
    intake: Intake, surveys: dict[str, Survey], centre: Centre
) -> None:
    store = intake.store
    intake([commented("Chờ lâu"), submission()])
    with store.database.begin(write=True) as connection:
        connection.execute(text("DELETE FROM comment_words"))
    assert found(store) == []
    rebuild(store, lambda more: None)
    assert found(store, "cho lau") == ["Chờ lâu"]


def test_old_answers_are_indexed_by_the_migration(database_url: str) -> None:
    """From the schema of before comments had an index, with an answer in it."""
    store = Store(database_url)
    with store.engine.connect().execution_options(hailong_write=True) as connection:
        config = _config()
        config.attributes["connection"] = connection
        with connection.begin():
            command.upgrade(config, "0016")
            at = "'2026-11-23 01:00:00'"
            connection.exec_driver_sql(
                "INSERT INTO submission (id, survey, channel, answered_at, answers, comment, day,"
                f" received_at, digest) VALUES ('a', 'in_centre', 'kiosk', {at}, '{{}}',"
                f" 'Chờ lâu', '2026-11-23', {at}, 'd')"
            )
    migrate(store.engine)
    assert found(store, "cho lau") == ["Chờ lâu"]
    store.close()
