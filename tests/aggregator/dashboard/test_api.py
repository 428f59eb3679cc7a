"""The JSON doors that are read: figures in the contract's shapes, health and metrics."""

from typing import Any

import pytest

from tests.aggregator.conftest import EXAMPLE, Room, ratings, sipas, submission

DOOR = "/api/v1/satisfaction"


def rows(room: Room, **parameters: str) -> dict[str, Any]:
    """Rows of the satisfaction door by key."""
    answer = room.get(DOOR, **parameters)
    assert answer.status_code == 200, answer.text
    return {row["key"]: row for row in answer.json()["rows"]}


def test_the_contracts_example_to_the_last_digit(any_room: Room) -> None:
    any_room.take(ratings(EXAMPLE))
    answer = any_room.get(DOOR, "vi", survey="in_centre", by="department").json()
    assert (answer["survey"], answer["by"]) == ("in_centre", "department")
    assert (answer["from"], answer["to"]) == (None, None)
    [row] = [row for row in answer["rows"] if row["key"] == "so_tu_phap"]
    assert (row["label"], row["n"]) == ("Sở Tư pháp", 120)
    assert row["counts"] == {"5": 100, "4": 15, "3": 3, "2": 1, "1": 1}
    assert row["measures"] == {
        "very_satisfied": {
            "k": 100,
            "n": 120,
            "share": 0.8333,
            "low": 0.7565,
            "high": 0.8894,
            "method": "wilson",
        },
        "satisfied_or_better": {
            "k": 115,
            "n": 120,
            "share": 0.9583,
            "low": 0.9062,
            "high": 0.9821,
            "method": "wilson",
        },
    }
    device = next(c for c in row["comparisons"] if c["reference"] == "device_2020")
    assert device == {
        "reference": "device_2020",
        "measure": "very_satisfied",
        "share": 0.9633,  # 3,355 of 3,483 is 0.96325007; the contract prints it cut, not rounded
        "difference": -0.1299,
        "low": -0.2069,
        "high": -0.0734,
        "p": 0.0,
        "p_adjusted": 0.0,
        "p_bh": 0.0,
        "test": "fisher_exact",
        "verdict": "below",
    }


def test_every_department_is_listed_and_a_share_of_nothing_is_null(any_room: Room) -> None:
    any_room.take([submission()])
    found = rows(any_room, by="department")
    assert list(found) == [d.id for d in any_room.context.centre.departments]
    empty = found["so_y_te"]
    assert (empty["n"], empty["counts"]) == (0, {"5": 0, "4": 0, "3": 0, "2": 0, "1": 0})
    for measure in empty["measures"].values():
        assert (measure["k"], measure["n"]) == (0, 0)
        assert measure["share"] is measure["low"] is measure["high"] is None
    assert {c["verdict"] for c in empty["comparisons"]} == {"too_few"}
    assert {c["difference"] for c in empty["comparisons"]} == {None}


def test_each_key_has_its_rows(any_room: Room) -> None:
    any_room.take(
        [
            submission(),
            submission(counter="q06", answers={"rating": 3}, channel="qr"),
            submission(department=None, counter=None, answered_at="2026-11-20T08:00:00+07:00"),
        ]
    )
    assert {k: r["n"] for k, r in rows(any_room, by="centre").items()} == {"centre": 3}
    counters = {k: r["n"] for k, r in rows(any_room, by="counter").items() if r["n"]}
    assert counters == {"q05": 1, "q06": 1}
    assert {k: r["n"] for k, r in rows(any_room, by="channel").items()} == {"kiosk": 2, "qr": 1}
    days = {k: r["n"] for k, r in rows(any_room, by="day").items()}
    assert days == {"2026-11-20": 1, "2026-11-23": 2}
    questions = rows(any_room, by="question")
    assert {k: r["n"] for k, r in questions.items()} == {"rating": 3, "reasons": 0}
    departments = {k: r["n"] for k, r in rows(any_room, by="department").items() if r["n"]}
    assert departments == {"so_tu_phap": 2}, "without a department it counts for the centre alone"
    only = rows(any_room, by="centre", channel="qr")["centre"]
    assert (only["n"], only["counts"]["3"]) == (1, 1)


@pytest.mark.parametrize(
    ("since", "until", "n"),
    [
        ("2026-11-20", "2026-11-22", 6),
        ("2026-11-21", "2026-11-21", 2),
        ("2026-11-20", "", 6),
        ("", "2026-11-20", 1),
        ("2026-11-23", "2026-11-30", 0),
    ],
)
def test_from_and_to_are_local_days_both_included(
    any_room: Room, since: str, until: str, n: int
) -> None:
    any_room.take(
        [
            submission(answered_at="2026-11-20T23:59:59+07:00"),
            submission(answered_at="2026-11-20T17:00:00Z"),  # midnight of the 21st, local
            submission(answered_at="2026-11-21T16:59:59Z"),
            *(
                submission(answered_at=f"2026-11-22T{hour}:00:00+07:00")
                for hour in ("00", "12", "23")
            ),
        ]
    )
    answer = any_room.get(DOOR, from_=since, to=until).json()
    assert answer["rows"][0]["n"] == n
    assert (answer["from"], answer["to"]) == (since or None, until or None)


def test_sipas_pools_by_factor_and_by_respondent(any_room: Room) -> None:
    any_room.take([sipas([5] * 22) for _ in range(20)] + [sipas([3] * 10) for _ in range(20)])
    by_factor = rows(any_room, survey="sipas_2020", by="factor")
    assert list(by_factor) == ["access", "procedures", "officials", "results", "feedback"]
    access = by_factor["access"]
    assert (access["n"], access["measures"]["satisfied_or_better"]["k"]) == (40, 80)
    assert access["measures"]["satisfied_or_better"]["share"] == 0.5
    assert by_factor["results"]["measures"]["satisfied_or_better"]["share"] == 1.0
    centre = rows(any_room, survey="sipas_2020")["centre"]
    measure = centre["measures"]["satisfied_or_better"]
    assert (centre["n"], measure["k"], measure["n"]) == (40, 440, 640)
    assert measure["method"] == "wilson_effective_n"
    assert measure["design_effect"] > 5, "a person's answers are not independent"
    one = rows(any_room, survey="sipas_2020", question="q12")["centre"]
    assert (one["n"], one["measures"]["satisfied_or_better"]["share"]) == (20, 1.0)


def test_unlike_figures_are_not_compared_and_it_says_why(room: Room) -> None:
    room.take([submission()])
    answer = room.get(DOOR).json()
    compared = {c["reference"] for row in answer["rows"] for c in row["comparisons"]}
    assert "device_2020" in compared
    refused = {each["reference"]: each["reason"] for each in answer["not_compared"]}
    sipas_references = {r.id for r in room.context.centre.references if r.survey == "sipas_2020"}
    assert sipas_references
    assert sipas_references <= set(refused)
    assert not compared & set(refused)
    assert all("another survey" in refused[reference] for reference in sipas_references)
    vietnamese = {e["reason"] for e in room.get(DOOR, "vi").json()["not_compared"]}
    assert not vietnamese & set(refused.values())


@pytest.mark.parametrize(
    "parameters", [{"question": "q12"}, {"by": "factor"}, {"by": "question"}], ids=str
)
def test_a_part_of_a_survey_is_held_against_nothing_and_it_says_why(
    room: Room, parameters: dict[str, str]
) -> None:
    room.take([sipas([5] * 22)])
    answer = room.get(DOOR, survey="sipas_2020", **parameters).json()
    assert not any(row["comparisons"] for row in answer["rows"])
    refused = {each["reference"]: each["reason"] for each in answer["not_compared"]}
    assert set(refused) == {reference.id for reference in room.context.centre.references}
    assert "another survey" in refused["device_2020"]
    assert "whole survey" in refused["sipas_2019_lai_chau"]


def test_exact_intervals_are_given_when_asked_for(room: Room) -> None:
    room.take(ratings(EXAMPLE))
    wilson = rows(room, by="department")["so_tu_phap"]
    exact = rows(room, by="department", method="clopper_pearson")["so_tu_phap"]
    measure = exact["measures"]["very_satisfied"]
    assert (measure["method"], measure["low"], measure["high"]) == (
        "clopper_pearson",
        0.7544,  # R: binom.test(100, 120)$conf.int
        0.8951,
    )
    assert exact["comparisons"] == wilson["comparisons"]
    asked = {"by": "question", "survey": "sipas_2020"}
    one = rows(room, **asked, method="clopper_pearson")["q1"]
    assert one["measures"]["satisfied_or_better"]["method"] == "clopper_pearson"


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"method": "wald"}, "method"),
        ({"method": "clopper_pearson", "survey": "sipas_2020"}, "method"),
        ({"publish": "maybe"}, "publish"),
        ({"survey": "census"}, "survey"),
        ({"by": "officer"}, "by"),
        ({"from_": "20.11.2026"}, "from"),
        ({"to": "2026-02-30"}, "to"),
        ({"from_": "2026-11-23", "to": "2026-11-22"}, "from"),
        ({"channel": "fax"}, "channel"),
        ({"question": "q1"}, "question"),
        ({"department": "so_y_te"}, "department"),
        ({"survey": "business"}, "question"),
        ({"by": "factor"}, "by"),
        ({"survey": "sipas_2020", "by": "question", "question": "q99"}, "question"),
    ],
)
def test_a_parameter_that_cannot_be_is_400_and_named(
    room: Room, parameters: dict[str, str], field: str
) -> None:
    english, vietnamese = room.get(DOOR, **parameters), room.get(DOOR, "vi", **parameters)
    assert (english.status_code, vietnamese.status_code) == (400, 400)
    assert english.json()["error"].startswith(f"{field}:")
    assert english.json() != vietnamese.json()


def test_health_and_metrics_are_open_and_tell_nothing_of_anybody(any_room: Room) -> None:
    any_room.take(ratings([5, 1, 3]))
    any_room.post([None])
    health = any_room.client.get("/health")
    assert (health.status_code, health.json()) == (200, {"status": "ok"})
    metrics = any_room.client.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain")
    assert 'hailong_receipts_total{status="accepted"} 3.0' in metrics.text
    assert 'hailong_receipts_total{status="refused"} 1.0' in metrics.text
    for word in ("so_tu_phap", "q05", "rating", "department"):
        assert word not in metrics.text
