"""Departments and counters over time: what a document may say of them, and what it is told."""

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from surveys.centre import Centre
from surveys.definition import Text


def text(name: str) -> dict[str, str]:
    return {"vi": name, "en": name.upper()}


def counter(id: str, **more: Any) -> dict[str, Any]:
    return {"id": id, "name": text(id), **more}


def department(id: str, *counters: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": id, "name": text(id), "counters": counters, **more}


def centre(*departments: dict[str, Any], **more: Any) -> Centre:
    return Centre.model_validate(
        {
            "id": "small",
            "name": text("Trung tâm"),
            "province": text("Lai Châu"),
            "time_zone": "Asia/Ho_Chi_Minh",
            "departments": departments,
            **more,
        }
    )


MERGED = {"closed": "2025-03-01", "successor": "finance"}
MOVED = {"until": "2025-03-01", "department": "planning"}


def test_a_merger_is_followed_to_the_end_of_its_chain() -> None:
    found = centre(
        department("planning", closed="2025-03-01", successor="finance"),
        department("finance", counter("q1"), closed="2026-01-01", successor="economy")
        | {"counters": ()},
        department("economy", counter("q1", formerly=[MOVED])),
    )
    assert found.department_heirs == {"planning": "economy", "finance": "economy"}
    assert found.stood == {("q1", "economy"), ("q1", "planning")}
    assert found.counter_heirs == {}


def test_names_and_opening_follow_the_day() -> None:
    former = [
        {"until": "2024-01-01", "name": text("cũ nhất")},
        {"until": "2025-03-01", "name": text("cũ")},
    ]
    unit = centre(
        department("a", opened="2020-01-01", closed="2026-01-01", formerly=former)
    ).department["a"]
    names = [unit.name_on(date(year, 6, 1)).vi for year in (2019, 2023, 2024, 2025, 2030)]
    assert names == ["cũ nhất", "cũ nhất", "cũ", "a", "a"]
    days = [date(2019, 12, 31), date(2020, 1, 1), date(2025, 12, 31), date(2026, 1, 1)]
    assert [unit.is_open_on(day) for day in days] == [False, True, True, False]
    assert unit.is_open_within(None, None)
    assert unit.name == Text(**text("a"))


def test_what_is_open_on_a_day() -> None:
    found = centre(
        department("a", counter("q1", closed="2025-03-01"), counter("q2")),
        department("b", closed="2025-03-01"),
        department("c", opened="2025-03-01"),
    )
    shown = {
        str(day): [(one.id, [c.id for c in one.counters]) for one in found.open_departments(day)]
        for day in (date(2025, 2, 28), date(2025, 3, 1))
    }
    assert shown == {
        "2025-02-28": [("a", ["q1", "q2"]), ("b", [])],
        "2025-03-01": [("a", ["q2"]), ("c", [])],
    }


FINANCE = department("finance")
REFUSED = {
    "only a closed unit has a successor": [department("a", successor="finance"), FINANCE],
    "there is no successor 'nobody'": [department("a", closed="2025-03-01", successor="nobody")],
    "merged in a circle: a → b → a": [
        department("a", closed="2025-03-01", successor="b"),
        department("b", closed="2025-04-01", successor="a"),
    ],
    "merged in a circle: a → a": [department("a", closed="2025-03-01", successor="a")],
    "its successor finance is not open on 2025-03-01": [
        department("a", **MERGED),
        department("finance", closed="2024-01-01"),
    ],
    "not open on 2025-03-01": [
        department("a", **MERGED),
        department("finance", opened="2025-03-02"),
    ],
    "closes on 2025-03-01, but its counter q1 is open": [
        department("a", counter("q1"), **MERGED),
        FINANCE,
    ],
    "its counter q2 is open": [
        department("a", counter("q2", closed="2025-03-02"), closed="2025-03-01")
    ],
    "2024-01-01 is not after 2025-01-01": [
        department("a", opened="2025-01-01", closed="2024-01-01")
    ],
    "2025-02-01 is not after 2025-03-01": [
        department("planning"),
        department(
            "finance",
            counter("q1", formerly=[MOVED, {"until": "2025-02-01", "department": "finance"}]),
        ),
    ],
    "cannot have stood at planning after 2025-02-01": [
        department("planning", closed="2025-02-01"),
        department("finance", counter("q1", formerly=[MOVED])),
    ],
    "there is no department 'planning'": [department("finance", counter("q1", formerly=[MOVED]))],
    "stands at planning already": [department("planning", counter("q1", formerly=[MOVED]))],
    "does not stand at another": [department("finance", formerly=[MOVED])],
    "must give a former name or department": [
        department("finance", formerly=[{"until": "2025-03-01"}])
    ],
    "a and b have the same name": [department("a"), department("b") | {"name": text(" A ")}],
    "q1 and q2 have the same name": [
        department("a", counter("q1"), counter("q2") | {"name": {"vi": "khác", "en": "Q1"}})
    ],
    "counter defined twice: q1": [department("a", counter("q1")), department("b", counter("q1"))],
}


@pytest.mark.parametrize("reason", REFUSED)
def test_a_document_that_contradicts_itself_is_refused(reason: str) -> None:
    with pytest.raises(ValidationError) as raised:
        centre(*REFUSED[reason])
    assert reason in raised.value.errors()[0]["msg"]


def test_units_may_have_a_name_one_after_the_other() -> None:
    found = centre(
        department("a", closed="2025-03-01"),
        department("b", opened="2025-03-01") | {"name": text("a")},
        department("c", counter("q1")),
        department("d", counter("q2") | {"name": text("q1")}),
    )
    assert len(found.departments) == 4


def test_a_reference_is_of_a_department_that_exists() -> None:
    margin = {
        "survey": "sipas_2020",
        "department": "nobody",
        "variable": "channel",
        "population": text("x"),
        "source": "x",
        "shares": {"qr": 0.5, "kiosk": 0.5},
    }
    with pytest.raises(ValidationError, match="there is no department 'nobody'"):
        centre(FINANCE, margins=[margin])
    bound = [
        margin | {"department": "finance"},
        {k: margin[k] for k in margin if k != "department"},
    ]
    assert [one.key for one in centre(FINANCE, margins=bound).margins] == [
        "finance.sipas_2020.channel",
        "sipas_2020.channel",
    ]
