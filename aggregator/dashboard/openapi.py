"""The OpenAPI document of the JSON API, made from the models of its answers (schemas.py)."""

from collections.abc import Mapping
from typing import Any

from pydantic.json_schema import models_json_schema

from aggregator.dashboard.schemas import (
    BatchJson,
    BeatJson,
    CodeJson,
    DossiersJson,
    EnrolledJson,
    ErrorJson,
    FetchJson,
    FollowedJson,
    HealthJson,
    Json,
    PeriodQuery,
    PlaceJson,
    Query,
    ReceiptJson,
    ReceiptsJson,
    SatisfactionJson,
    SatisfactionQuery,
    StoredJson,
    WaitingCodesJson,
)

_MODELS = (
    BatchJson,
    BeatJson,
    CodeJson,
    DossiersJson,
    EnrolledJson,
    ErrorJson,
    FetchJson,
    FollowedJson,
    HealthJson,
    PlaceJson,
    ReceiptJson,
    ReceiptsJson,
    SatisfactionJson,
    StoredJson,
    WaitingCodesJson,
)
_REFERENCES, _DEFINITIONS = models_json_schema(
    [(model, "validation") for model in _MODELS], ref_template="#/components/schemas/{model}"
)


def _json(model: type[Json]) -> dict[str, Any]:
    return {"application/json": {"schema": _REFERENCES[model, "validation"]}}


def _parameters(model: type[Query]) -> list[dict[str, Any]]:
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    return [
        {
            "name": name,
            "in": "query",
            "description": field.pop("description"),
            "schema": _given(field),
        }
        for name, field in schema["properties"].items()
    ]


def _given(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of a parameter that is given: an absent one is null, a given one never."""
    kinds = [kind for kind in schema.get("anyOf", [schema]) if kind.get("type") != "null"]
    return {name: kind for name, kind in kinds[0].items() if name != "title"}


def _problems(*statuses: int) -> dict[str, Any]:
    words = {
        400: "Broken JSON or a parameter that cannot be",
        401: "No or a wrong token",
        403: "A code that is wrong, used or expired",
        404: "A receipt code that is unknown or expired",
        409: "Some of the answers have no definition: how many, and of which survey; or a case "
        "that has changed meanwhile",
        413: "Too large",
        429: "Too many wrong codes",
        503: "The database cannot be reached; nothing was stored",
    }
    return {
        str(status): {"description": words[status], "content": _json(ErrorJson)}
        for status in statuses
    }


CONTENT_DIGEST = {
    "name": "Content-Digest",
    "in": "header",
    "required": False,
    "description": "RFC 9530, sha-256 of the body; a batch with a chain must have it.",
    "schema": {"type": "string"},
}

DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {
        "title": "Hailong aggregator",
        "version": "1",
        "description": "Takes submissions exactly once and gives figures with intervals.",
    },
    "paths": {
        "/api/v1/submissions": {
            "post": {
                "summary": "Hand in submissions; one receipt each, in order, after the commit.",
                "security": [{"device": []}],
                "parameters": [*_parameters(Query), CONTENT_DIGEST],
                "requestBody": {"required": True, "content": _json(BatchJson)},
                "responses": {
                    "200": {"description": "Receipts", "content": _json(ReceiptsJson)},
                    **_problems(400, 401, 413, 503),
                },
            }
        },
        "/api/v1/centre": {
            "get": {
                "summary": "The centre's document in force; its ETag is the SHA-256 of its bytes.",
                "security": [{"device": []}],
                "responses": {
                    "200": {"description": "The document", "content": {"application/json": {}}},
                    "304": {"description": "It is the one of If-None-Match"},
                    **_problems(401, 503),
                },
            }
        },
        "/api/v1/devices": {
            "post": {
                "summary": "Use up a one-time code: the device's token and place.",
                "requestBody": {"required": True, "content": _json(CodeJson)},
                "responses": {
                    "200": {"description": "Enrolled", "content": _json(EnrolledJson)},
                    **_problems(400, 403, 413, 429, 503),
                },
            }
        },
        "/api/v1/devices/me": {
            "post": {
                "summary": "A device tells what waits on its disk, its release and its clock.",
                "security": [{"device": []}],
                "requestBody": {"required": True, "content": _json(BeatJson)},
                "responses": {
                    "200": {"description": "Noted; its place now", "content": _json(PlaceJson)},
                    **_problems(400, 401, 413, 503),
                },
            }
        },
        "/api/v1/receipts": {
            "post": {
                "summary": "What became of a comment, by the hash of its receipt code; its case is "
                "reopened once, contact details are left or withdrawn.",
                "security": [{"device": []}],
                "requestBody": {"required": True, "content": _json(ReceiptJson)},
                "responses": {
                    "200": {"description": "What became", "content": _json(FollowedJson)},
                    **_problems(400, 401, 404, 409, 413, 429, 503),
                },
            }
        },
        "/api/v1/dossiers": {
            "post": {
                "summary": "Set how many dossiers were settled on days, by department: all of the "
                "counts, or none; and ask for one-time codes to print on receipts.",
                "security": [{"one_stop": []}],
                "requestBody": {"required": True, "content": _json(DossiersJson)},
                "responses": {
                    "200": {"description": "Stored", "content": _json(StoredJson)},
                    **_problems(400, 401, 409, 413, 503),
                },
            }
        },
        "/api/v1/codes": {
            "post": {
                "summary": "A kiosk that phones reach fetches the one-time codes that it serves; "
                "those it has are forgotten here.",
                "security": [{"device": []}],
                "requestBody": {"required": True, "content": _json(FetchJson)},
                "responses": {
                    "200": {"description": "Codes", "content": _json(WaitingCodesJson)},
                    **_problems(400, 401, 413, 503),
                },
            }
        },
        "/api/v1/satisfaction": {
            "get": {
                "summary": "Counts, shares with 95 % intervals, and comparisons.",
                "security": [{"reader": []}],
                "parameters": _parameters(SatisfactionQuery),
                "responses": {
                    "200": {"description": "Figures", "content": _json(SatisfactionJson)},
                    **_problems(400, 401, 503),
                },
            }
        },
        "/api/v1/submissions.csv": {
            "get": {
                "summary": "The joined table, one row a submission, streamed; phone and identity "
                "numbers and e-mail addresses in comments are masked. ``flags`` has the rules by "
                "which one has a flag, with semicolons between them.",
                "security": [{"reader": []}],
                "parameters": _parameters(PeriodQuery),
                "responses": {
                    "200": {"description": "CSV, UTF-8, no BOM", "content": {"text/csv": {}}},
                    **_problems(400, 401, 409, 503),
                },
            }
        },
        "/health": {
            "get": {
                "summary": "Whether a submission would be stored now: one is written and taken "
                "back. What was found is told to all who ask within the same second.",
                "responses": {
                    "200": {"description": "Ready", "content": _json(HealthJson)},
                    "503": {"description": "Not ready", "content": _json(HealthJson)},
                },
            }
        },
        "/metrics": {
            "get": {
                "summary": "Counters in the Prometheus text format.",
                "responses": {"200": {"description": "Text", "content": {"text/plain": {}}}},
            }
        },
    },
    "components": {
        "securitySchemes": {
            "device": {"type": "http", "scheme": "bearer", "description": "A device token."},
            "one_stop": {
                "type": "http",
                "scheme": "bearer",
                "description": "A token of the one-stop software.",
            },
            "reader": {"type": "http", "scheme": "bearer", "description": "A reader token."},
        },
        "schemas": _DEFINITIONS["$defs"],
    },
}
