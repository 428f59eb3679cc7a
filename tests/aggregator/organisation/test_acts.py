"""What a manager may do to the organisation, and how a change between versions is told."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from aggregator.organisation import acts
from aggregator.organisation.changes import OrganisationError, changes, refuse_future
from surveys.centre import Centre
from surveys.definition import Text
from surveys.messages import MessageError
from tests.surveys.test_units import centre, counter, department

DAY, TODAY = date(2025, 3, 1), date(2025, 6, 1)


def small() -> Centre:
    return centre(
        department("planning", counter("q1"), counter("q2")),
        department("finance", counter("q3")),
        department("water"),
    )


def told(old: Centre, new: Centre, language: str = "vi") -> list[str]:
    return [one.get(language) for one in changes(old, new, {})]  # type: ignore[arg-type]


def name(vi: str) -> Text:
    return Text(vi=vi, en=vi.upper())


def test_a_merger_moves_the_open_counters() -> None:
    merged = acts.merge(small(), "department", "planning", "finance", DAY)
    planning, finance = merged.department["planning"], merged.department["finance"]
    assert (planning.closed, planning.successor, planning.counters) == (DAY, "finance", ())
    assert [one.id for one in finance.counters] == ["q3", "q1", "q2"]
    assert merged.stood >= {("q1", "planning"), ("q1", "finance")}
    assert told(small(), merged) == [
        "Sáp nhập planning vào finance từ ngày 01/03/2025.",
        "Chuyển q1 từ planning sang finance từ ngày 01/03/2025.",
        "Chuyển q2 từ planning sang finance từ ngày 01/03/2025.",
    ]


def test_each_act_is_told_in_both_languages() -> None:
    first = small()
    opened = acts.open_department(first, "science", name("khoa học"), DAY)
    placed = acts.open_counter(opened, "q9", name("quầy 9"), "science", DAY)
    renamed = acts.rename(placed, "department", "water", name("nước sạch"), DAY)
    corrected = acts.rename(renamed, "counter", "q3", name("quầy ba"), None)
    moved = acts.move(corrected, "q3", "water", DAY)
    closed = acts.close(moved, "department", "finance", DAY)
    assert told(first, closed) == [
        "Đóng finance từ ngày 01/03/2025.",
        "Đổi tên water thành nước sạch từ ngày 01/03/2025.",
        "Thêm cơ quan khoa học từ ngày 01/03/2025.",
        "Sửa tên q3 thành quầy ba, cho mọi thời kỳ.",
        "Thêm quầy quầy 9 từ ngày 01/03/2025.",
        "Chuyển quầy ba từ finance sang nước sạch từ ngày 01/03/2025.",
    ]
    assert told(first, closed, "en")[0] == "FINANCE closed from 2025-03-01."
    water = closed.department["water"]
    assert water.name_on(date(2025, 2, 28)).vi == "water"
    assert water.name_on(DAY).vi == "nước sạch"
    assert closed.counter["q3"].name_on(date(2020, 1, 1)).vi == "quầy ba"
    assert told(first, first) == []


def test_two_changes_of_one_day_are_one_entry() -> None:
    moved = acts.move(small(), "q1", "water", DAY)
    renamed = acts.rename(moved, "counter", "q1", name("quầy một"), DAY)
    [entry] = renamed.counter["q1"].formerly
    assert (entry.until, entry.name, entry.department) == (DAY, name("q1"), "planning")


def test_other_fields_and_the_order_are_told_too() -> None:
    old = small()
    turned = old.model_dump() | {"departments": [d.model_dump() for d in old.departments[::-1]]}
    assert told(old, acts.valid(turned)) == ["Đổi thứ tự cơ quan hoặc quầy."]
    fewer = acts.valid(old.model_dump() | {"minimum_ratings": 20, "minimum_cell": 6})
    assert told(old, fewer) == [
        "Số lượt tối thiểu để so sánh: 30 → 20.",
        "Cỡ nhóm tối thiểu để công bố: 5 → 6.",
    ]


Act = Callable[[Centre], Centre]
REFUSED: dict[str, Act] = {
    "changed_since": lambda c: acts.move(
        acts.move(c, "q1", "finance", DAY), "q1", "water", date(2025, 2, 1)
    ),
    "closes_too_early": lambda c: acts.close(
        acts.move(c, "q1", "finance", DAY), "counter", "q1", DAY
    ),
    "moved_that_day": lambda c: acts.move(
        acts.move(c, "q1", "finance", DAY), "q1", "planning", DAY
    ),
    "open_counter": lambda c: acts.close(c, "department", "finance", DAY),
    "into_itself": lambda c: acts.merge(c, "department", "water", "water", DAY),
    "successor_not_open": lambda c: acts.merge(
        acts.close(c, "department", "water", DAY), "department", "planning", "water", DAY
    ),
    "closed_already": lambda c: acts.close(
        acts.close(c, "department", "water", DAY), "department", "water", TODAY
    ),
    "stands_there": lambda c: acts.move(c, "q1", "planning", DAY),
    "id_taken": lambda c: acts.open_counter(c, "finance", name("x"), "water", DAY),
    "unknown_department": lambda c: acts.move(c, "q1", "nobody", DAY),
    "unknown_counter": lambda c: acts.close(c, "counter", "q99", DAY),
    "same_name": lambda c: acts.rename(c, "department", "water", name("finance"), DAY),
    "stood_at_closed": lambda c: acts.move(
        acts.close(c, "department", "water", DAY), "q1", "water", TODAY
    ),
}


@pytest.mark.parametrize("key", REFUSED)
def test_an_act_that_cannot_be_is_refused_by_name(key: str) -> None:
    with pytest.raises(MessageError) as raised:
        REFUSED[key](small())
    expected = {"stood_at_closed": "open_counter"}.get(key, key)
    assert raised.value.key == expected


def without(old: Centre, id: str) -> dict[str, Any]:
    document = old.model_dump()
    document["departments"] = [d for d in document["departments"] if d["id"] != id]
    return document


def test_what_would_orphan_answers_is_refused() -> None:
    old = small()
    with pytest.raises(OrganisationError, match="It cannot be removed"):
        told(old, acts.valid(without(old, "water")))
    document = old.model_dump()
    document["departments"][0]["counters"] = document["departments"][0]["counters"][1:]
    with pytest.raises(OrganisationError) as gone:
        told(old, acts.valid(document))
    assert gone.value.key == "vanished_counter"
    silently = old.model_dump()
    silently["departments"][2]["counters"] = silently["departments"][1]["counters"]
    silently["departments"][1]["counters"] = ()
    with pytest.raises(OrganisationError, match="once stood at FINANCE"):
        told(old, acts.valid(silently))
    closed = acts.close(old, "department", "water", DAY)
    reused = closed.model_dump()
    water = reused["departments"][2] | {"closed": None, "name": {"vi": "điện", "en": "power"}}
    reused["departments"] = [*reused["departments"][:2], water]
    with pytest.raises(OrganisationError, match="cannot be used again"):
        told(closed, acts.valid(reused))
    for field, value in (("id", "other"), ("time_zone", "UTC")):
        with pytest.raises(OrganisationError, match="cannot change"):
            told(old, acts.valid(old.model_dump() | {field: value}))


def test_a_closing_by_mistake_can_be_taken_back() -> None:
    closed = acts.close(small(), "department", "water", DAY)
    assert told(closed, small()) == ["Mở lại cơ quan water, như chưa từng đóng."]


def test_names_and_places_of_the_future_are_not_entered_yet() -> None:
    old = small()
    renamed = acts.rename(old, "department", "water", name("điện"), date(2025, 6, 2))
    with pytest.raises(OrganisationError, match="in the future"):
        refuse_future(renamed, TODAY)
    refuse_future(renamed, date(2025, 6, 2))
    refuse_future(acts.close(old, "department", "water", date(2025, 7, 1)), TODAY)
