"""The JSON API that is read: figures in the contract's shapes, health and metrics."""

import json
from datetime import UTC, date, datetime
from typing import Any, get_args

import pytest

from aggregator.dashboard.schemas import ComparisonJson
from aggregator.figures.rows import Comparison
from aggregator.storage.blocks import Grouping
from aggregator.wording.periods import PeriodKind, period_of
from surveys.centre import load_centre
from tests.aggregator.conftest import CENTRE, EXAMPLE, Room, ratings, sipas, submission

ENDPOINT = "/api/v1/satisfaction"
NEXT_YEAR = datetime(2027, 1, 9, 2, tzinfo=UTC)


def rows(room: Room, **parameters: str) -> dict[str, Any]:
    """Rows of the satisfaction endpoint by key."""
    answer = room.get(ENDPOINT, **parameters)
    assert answer.status_code == 200, answer.text
    return {row["key"]: row for row in answer.json()["rows"]}


def to_four_digits(value: Any) -> Any:
    """As the contract prints figures, which come with every digit that they have."""
    if isinstance(value, dict):
        return {name: to_four_digits(each) for name, each in value.items()}
    return round(value, 4) if isinstance(value, float) else value


def test_the_contracts_example_to_the_last_digit(any_room: Room) -> None:
    for day in range(10):  # twelve a day
        at = f"2026-11-{14 + day}T08:10:00+07:00"
        any_room.take(ratings([*EXAMPLE[:10], *EXAMPLE[100 + day :: 10]], answered_at=at))
    answer = any_room.get(ENDPOINT, "vi", survey="in_centre", by="department").json()
    assert (answer["survey"], answer["by"]) == ("in_centre", "department")
    assert (answer["from"], answer["to"]) == (None, None)
    [row] = [row for row in answer["rows"] if row["key"] == "so_tu_phap"]
    assert (row["label"], row["n"]) == ("Sở Tư pháp", 120)
    assert row["counts"] == {"5": 100, "4": 15, "3": 3, "2": 1, "1": 1}
    assert to_four_digits(row["measures"]) == {
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
    assert to_four_digits(device) == {
        "reference": "device_2020",
        "measure": "very_satisfied",
        "share": 0.9633,  # 3,355 of 3,483 is 0.96325007; the contract prints it cut, not rounded
        "of_dossiers": 0.3492,
        "of_visits": 0.1935,
        "difference": -0.1299,
        "low": -0.2069,
        "high": -0.0734,
        "p": 0.0102,
        "p_adjusted": 0.0126,
        "p_bh": None,
        "test": "day_bets",
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


PARTS = {"day": 3, "week": 3, "month": 2, "quarter": 2, "year": 1}


@pytest.mark.parametrize("publish", ["false", "true"])
@pytest.mark.parametrize("survey", ["in_centre", "sipas_2020"])
@pytest.mark.parametrize("by", PARTS)
def test_a_part_of_time_has_the_figures_that_are_asked_with_its_days(
    room: Room, by: PeriodKind, survey: str, publish: str
) -> None:
    """Sunday and Monday lie in two weeks; 30 September and 1 October in two quarters."""
    days = ["2026-09-27", "2026-09-28", "2026-10-01"]
    for number, day in enumerate(days, 5):
        at = {"answered_at": f"{day}T08:00:00+07:00"}
        room.take([*ratings([5] * number + [2], **at), *(sipas([4] * 22, **at) for _ in range(6))])
    room.clock.moment = NEXT_YEAR  # only what is over is published
    asked = {"survey": survey, "publish": publish}
    found = rows(room, **asked, by=by)
    periods = {p.code: p for p in (period_of(by, date.fromisoformat(day)) for day in days)}
    assert list(found) == sorted(periods)
    for key, period in periods.items():
        span = {"from_": str(period.since), "to": str(period.until)}
        whole = rows(room, **asked, **span)["centre"]
        assert found[key]["label"] != whole["label"]
        # Intervals are of the table: how alike days are is learned from all rows of it.
        own = {name: found[key][name] for name in ("key", "label", "comparisons", "measures")}
        assert found[key] == whole | own
        for name, measure in whole["measures"].items():
            same = {one: measure[one] for one in ("k", "n", "share", "method")}
            assert own["measures"][name].items() >= same.items()
        shares = [(c["reference"], c["share"], c["difference"]) for c in whole["comparisons"]]
        assert shares == [
            (c["reference"], c["share"], c["difference"]) for c in found[key]["comparisons"]
        ]


def test_parts_of_time_are_named_in_both_languages(room: Room) -> None:
    room.take(ratings([5], answered_at="2026-01-01T08:00:00+07:00"))
    names = {
        "day": ("2026-01-01", "01/01/2026", "2026-01-01"),
        "week": ("2026-W01", "Tuần 1 năm 2026", "Week 1 of 2026"),
        "month": ("2026-01", "Tháng 01/2026", "2026-01"),
        "quarter": ("2026-Q1", "Quý 1 năm 2026", "Quarter 1 of 2026"),
        "year": ("2026", "Năm 2026", "2026"),
    }
    for by, (key, vietnamese, english) in names.items():
        for language, label in (("vi", vietnamese), ("en", english)):
            [row] = room.get(ENDPOINT, language, by=by).json()["rows"]
            assert (row["key"], row["label"]) == (key, label)


def test_small_parts_of_time_are_withheld_where_it_is_published(room: Room) -> None:
    for day, n in [("2026-11-02", 9), ("2026-11-09", 2), ("2026-11-16", 8)]:
        room.take(ratings([5] * n, answered_at=f"{day}T08:00:00+07:00"))
    assert room.get(ENDPOINT, by="week", publish="true").status_code == 400, "nothing is over"
    room.clock.moment = NEXT_YEAR
    ends = {"from_": "2026-11-01", "to": "2027-01-31"}
    assert room.get(ENDPOINT, **ends, publish="true").json()["error"].startswith("to:")
    found = rows(room, by="week", publish="true")
    room.take(ratings([1] * 9, answered_at="2026-11-10T08:00:00+07:00"))
    assert rows(room, by="week", publish="true") == found, "what comes late changes nothing"
    assert found["2026-W46"]["withheld"]
    assert sum(row["withheld"] for row in found.values()) == 2, (
        "alone it could be had by subtraction"
    )


@pytest.mark.parametrize("by", get_args(Grouping))
def test_every_grouping_of_the_store_is_answered_or_refused(room: Room, by: str) -> None:
    room.take([submission(), sipas()])
    for survey in room.context.surveys:
        for publish in ("false", "true"):
            answer = room.get(ENDPOINT, by=by, survey=survey, publish=publish)
            assert answer.status_code in (200, 400)
            if by in ("code", "measure"):
                assert answer.json()["error"].startswith("by:")


@pytest.mark.parametrize("p", [0.04996, 1e-12, 0.05000001])
def test_figures_keep_the_digits_that_their_verdicts_rest_on(p: float) -> None:
    """Four digits would say 0.05 beside *below*, and 0 of what is never impossible."""
    reference = load_centre(CENTRE).references[0]
    names = ("difference", "low", "high", "p", "p_adjusted", "p_bh")
    found = Comparison(
        measure="very_satisfied",
        **dict.fromkeys(names, p),
        test="fisher_exact",
        verdict="below" if p < 0.05 else "indistinct",
        reference=reference,
    )
    written = ComparisonJson.of(found).model_dump_json()
    assert [json.loads(written)[name] for name in names] == [p] * len(names)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("to=", "to"),
        ("from=", "from"),
        ("from=&to=2026-11-30", "from"),
        ("from=1763860200", "from"),
        ("to=20261123", "to"),
        ("to=2026-11-23&to=2026-11-24", "to"),
        ("lang=fr", "lang"),
        ("since=2026-11-23", "since"),
        ("%ED%A0%80=1", "??"),
    ],
)
@pytest.mark.parametrize("path", [ENDPOINT, "/api/v1/submissions.csv"])
def test_an_empty_a_doubled_or_an_unknown_parameter_is_refused_by_name(
    room: Room, path: str, query: str, field: str
) -> None:
    answer = room.client.get(f"{path}?{query}", headers={"authorization": f"Bearer {room.reader}"})
    assert answer.status_code == 400
    if field != "??":
        assert answer.json()["error"].startswith(f"{field}:")


@pytest.mark.parametrize("query", ["from=2026-11-23", "lang=", "lang=vi&lang=en", "dry_run=1"])
def test_submissions_take_no_parameter_but_the_language(room: Room, query: str) -> None:
    answer = room.client.post(
        f"/api/v1/submissions?{query}",
        json={"submissions": ratings((5,))},
        headers={"authorization": f"Bearer {room.device}"},
    )
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(query.partition("=")[0] + ":")
    assert not room.context.store.has_submissions()


@pytest.mark.parametrize("query", ["survey=", "by=", "question=", "channel=", "by=day&by=day"])
def test_so_is_one_of_the_figures(room: Room, query: str) -> None:
    answer = room.client.get(
        f"{ENDPOINT}?{query}", headers={"authorization": f"Bearer {room.reader}"}
    )
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(query.partition("=")[0] + ":")


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
    days = {name: day for name, day in (("from", since), ("to", until)) if day}
    answer = any_room.get(ENDPOINT, **days).json()
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
    answer = room.get(ENDPOINT).json()
    compared = {c["reference"] for row in answer["rows"] for c in row["comparisons"]}
    assert "device_2020" in compared
    refused = {each["reference"]: each["reason"] for each in answer["not_compared"]}
    sipas_references = {r.id for r in room.context.centre.references if r.survey == "sipas_2020"}
    assert sipas_references
    assert sipas_references <= set(refused)
    assert not compared & set(refused)
    assert all("another survey" in refused[reference] for reference in sipas_references)
    vietnamese = {e["reason"] for e in room.get(ENDPOINT, "vi").json()["not_compared"]}
    assert not vietnamese & set(refused.values())


@pytest.mark.parametrize(
    "parameters", [{"question": "q12"}, {"by": "factor"}, {"by": "question"}], ids=str
)
def test_a_part_of_a_survey_is_held_against_nothing_and_it_says_why(
    room: Room, parameters: dict[str, str]
) -> None:
    room.take([sipas([5] * 22)])
    answer = room.get(ENDPOINT, survey="sipas_2020", **parameters).json()
    assert not any(row["comparisons"] for row in answer["rows"])
    refused = {each["reference"]: each["reason"] for each in answer["not_compared"]}
    assert set(refused) == {reference.id for reference in room.context.centre.references}
    assert "another survey" in refused["device_2020"]
    assert "whole survey" in refused["sipas_2019_lai_chau"]


def test_exact_intervals_are_given_when_asked_for(room: Room) -> None:
    room.take(ratings(EXAMPLE))
    wilson = rows(room, by="department")["so_tu_phap"]
    exact = rows(room, by="department", method="clopper_pearson")["so_tu_phap"]
    measure = to_four_digits(exact["measures"]["very_satisfied"])
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
    english, vietnamese = room.get(ENDPOINT, **parameters), room.get(ENDPOINT, "vi", **parameters)
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
