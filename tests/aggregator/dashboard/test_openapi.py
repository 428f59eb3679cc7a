"""The OpenAPI document against what the JSON API really takes and gives."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from starlette.routing import Route

from aggregator.dashboard.app import ROUTES
from aggregator.dashboard.openapi import DOCUMENT
from tests.aggregator.conftest import EXAMPLE, Room, ratings, sipas, submission

TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "null": (type(None),),
    "boolean": (bool,),
}


def problems(value: Any, schema: dict[str, Any], at: str = "$") -> Iterator[str]:
    """What of a value a schema does not describe; what the schema leaves open counts too."""
    if "$ref" in schema:
        schema = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        if all(list(problems(value, each, at)) for each in schema["anyOf"]):
            yield f"{at}: none of the kinds"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: {value!r} is none of {schema['enum']}"
    kinds = schema.get("type", [])
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if kinds and not any(isinstance(value, TYPES[kind]) for kind in kinds):
        yield f"{at}: {value!r} is no {kinds}"
    if isinstance(value, dict) and ("properties" in schema or "additionalProperties" in schema):
        described = schema.get("properties", {})
        yield from (
            f"{at}.{name}: missing" for name in schema.get("required", []) if name not in value
        )
        for name, each in value.items():
            if name in described:
                yield from problems(each, described[name], f"{at}.{name}")
            elif isinstance(rest := schema.get("additionalProperties"), dict):
                yield from problems(each, rest, f"{at}.{name}")
            elif rest is not True:
                yield f"{at}.{name}: not described"
    if isinstance(value, list) and "items" in schema:
        for number, each in enumerate(value):
            yield from problems(each, schema["items"], f"{at}[{number}]")


def schema_of(path: str, method: str, status: str) -> dict[str, Any]:
    response = DOCUMENT["paths"][path][method]["responses"][status]
    schema: dict[str, Any] = response["content"]["application/json"]["schema"]
    return schema


def test_it_is_served_and_describes_every_endpoint(room: Room) -> None:
    assert room.client.get("/api/v1/openapi.json").json() == DOCUMENT
    paths = {
        r.path for r in ROUTES if r.path.startswith("/api/") or r.path in ("/health", "/metrics")
    }
    assert set(DOCUMENT["paths"]) == paths - {"/api/v1/openapi.json"}
    for route in ROUTES:
        assert isinstance(route, Route)
        if route.path in DOCUMENT["paths"]:
            described = {method.upper() for method in DOCUMENT["paths"][route.path]}
            assert described == (route.methods or set()) - {"HEAD"}


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for each in node.values():
            yield from references(each)
    elif isinstance(node, list):
        for each in node:
            yield from references(each)


def test_every_reference_in_it_leads_somewhere() -> None:
    found = set(references(DOCUMENT))
    assert found
    for reference in found:
        node: Any = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]


def test_a_submission_and_its_receipts_are_as_described(room: Room) -> None:
    batch = {"submissions": [submission(), sipas(comment=None), {**submission(), "id": "x"}]}
    body = DOCUMENT["paths"]["/api/v1/submissions"]["post"]["requestBody"]["content"]
    schema = body["application/json"]["schema"]
    assert not list(problems({"submissions": batch["submissions"][:2]}, schema))
    assert list(problems({"submissions": [{**submission(), "ip": "1"}]}, schema))
    answer = room.post(batch["submissions"]).json()
    assert [r["status"] for r in answer["receipts"]] == ["accepted", "accepted", "refused"]
    assert not list(problems(answer, schema_of("/api/v1/submissions", "post", "200")))


PARAMETERS = [
    *({"by": by} for by in ("centre", "department", "counter", "channel", "day", "question")),
    *({"survey": "sipas_2020", "by": by} for by in ("centre", "factor", "question", "day")),
    {"survey": "business", "by": "question"},
    {"from_": "2026-11-01", "to": "2026-11-30", "channel": "kiosk"},
    {"by": "department", "method": "clopper_pearson", "publish": "true"},
    {"survey": "sipas_2020", "by": "factor", "publish": "true"},
]


@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
def test_figures_are_as_described(room: Room, parameters: dict[str, str]) -> None:
    room.take([*ratings(EXAMPLE), *(sipas([code] * 22) for code in (5, 4, 3))])
    if "publish" in parameters:
        room.clock.moment += timedelta(days=14)  # November is over
    answer = room.get("/api/v1/satisfaction", **parameters)
    assert answer.status_code == 200
    assert not list(problems(answer.json(), schema_of("/api/v1/satisfaction", "get", "200")))
    names = {p["name"] for p in DOCUMENT["paths"]["/api/v1/satisfaction"]["get"]["parameters"]}
    assert {name.rstrip("_") for name in parameters} <= names


@pytest.mark.parametrize("path", ["/api/v1/satisfaction", "/api/v1/submissions.csv"])
def test_errors_are_as_described(room: Room, path: str) -> None:
    wrong = room.get(path, from_="yesterday")
    assert wrong.status_code == 400
    nobody = room.client.get(path)
    assert nobody.status_code == 401
    for answer in (wrong, nobody):
        schema = schema_of(path, "get", str(answer.status_code))
        assert not list(problems(answer.json(), schema))
