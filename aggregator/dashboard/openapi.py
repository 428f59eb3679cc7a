"""The OpenAPI document of the JSON doors, with schemas taken from the models themselves."""

from typing import Any

from surveys.wire import RECEIPT, Submission


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _list(name: str, key: str) -> dict[str, Any]:
    items = {"type": "array", "items": _ref(name)}
    return {"type": "object", "required": [key], "properties": {key: items}}


def _parameter(name: str, text: str, **schema: Any) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "description": text,
        "schema": {"type": "string", **schema},
    }


NUMBER = {"type": ["number", "null"]}
MEASURE = {
    "type": "object",
    "description": "A share of favourable answers, k of n; null where n is 0.",
    "required": ["k", "n", "share", "low", "high", "method"],
    "properties": {
        "k": {"type": "integer"},
        "n": {"type": "integer"},
        "share": NUMBER,
        "low": NUMBER,
        "high": NUMBER,
        "method": {"enum": ["wilson", "clopper_pearson", "wilson_effective_n"]},
        "n_effective": {
            "type": "number",
            "description": "Of pooled questions: as many independent answers as tell the same.",
        },
        "design_effect": NUMBER,
    },
}
COMPARISON = {
    "type": "object",
    "description": "A measure beside a published figure of the same instrument and measure.",
    "properties": {
        "reference": {"type": "string"},
        "measure": {"type": "string"},
        **dict.fromkeys(("share", "difference", "low", "high", "p"), NUMBER),
        "p_adjusted": NUMBER | {"description": "Holm's, among all rows; the verdict is its."},
        "p_bh": NUMBER | {"description": "Benjamini and Hochberg's, among all rows."},
        "test": {"enum": ["fisher_exact", "binomial_exact", "score"]},
        "verdict": {"enum": ["below", "above", "indistinct", "too_few"]},
    },
}
ROW = {
    "type": "object",
    "required": ["key", "label", "n", "counts", "measures", "comparisons"],
    "properties": {
        "key": {"type": "string"},
        "label": {"type": "string"},
        "n": {
            "type": ["integer", "null"],
            "description": "Answers; respondents of a pool; ticks where many may be chosen. "
            "Null where withheld.",
        },
        "withheld": {
            "type": "boolean",
            "description": "Only with publish: the row may not be published and has no figures.",
        },
        "counts": {"type": "object", "additionalProperties": {"type": "integer"}},
        "measures": {"type": "object", "additionalProperties": _ref("Measure")},
        "comparisons": {"type": "array", "items": _ref("Comparison")},
        "published": {"type": "object", "description": "A figure published for the question."},
    },
}
SATISFACTION = {
    "type": "object",
    "properties": {
        "survey": {"type": "string"},
        "by": {"type": "string"},
        "from": {"type": ["string", "null"], "format": "date"},
        "to": {"type": ["string", "null"], "format": "date"},
        "rows": {"type": "array", "items": _ref("Row")},
        "not_compared": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"reference": {"type": "string"}, "reason": {"type": "string"}},
            },
        },
    },
}
ERROR = {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}
GROUPINGS = ["centre", "department", "counter", "channel", "day", "factor", "question"]
PERIOD = [
    _parameter("from", "First local day, included.", format="date"),
    _parameter("to", "Last local day, included.", format="date"),
]


def _problems(*statuses: int) -> dict[str, Any]:
    words = {
        400: "Broken JSON or a parameter that cannot be",
        401: "No or a wrong token",
        413: "Too large",
        503: "The database cannot be reached; nothing was stored",
    }
    return {
        str(status): {"description": words[status], "content": _json(_ref("Error"))}
        for status in statuses
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
                "requestBody": {
                    "required": True,
                    "content": _json(_list("Submission", "submissions")),
                },
                "responses": {
                    "200": {
                        "description": "Receipts",
                        "content": _json(_list("Receipt", "receipts")),
                    },
                    **_problems(400, 401, 413, 503),
                },
            }
        },
        "/api/v1/satisfaction": {
            "get": {
                "summary": "Counts, shares with 95 % intervals, and comparisons.",
                "security": [{"reader": []}],
                "parameters": [
                    _parameter("survey", "The instrument.", default="in_centre"),
                    _parameter("question", "One question; needed where questions do not pool."),
                    _parameter("by", "The key of the rows.", enum=GROUPINGS, default="centre"),
                    *PERIOD,
                    _parameter(
                        "channel", "Only this one.", enum=["kiosk", "qr", "paper", "import"]
                    ),
                    _parameter(
                        "method",
                        "The intervals of shares; pooled questions have their own.",
                        enum=["wilson", "clopper_pearson"],
                        default="wilson",
                    ),
                    _parameter(
                        "publish",
                        "For software that publishes: groups below the centre's minimum_cell are "
                        "withheld, and others with them so that no group can be had by "
                        "subtraction, within one period and channel. Do not publish answers of "
                        "periods or channels that overlap beside each other.",
                        type="boolean",
                        default=False,
                    ),
                ],
                "responses": {
                    "200": {"description": "Figures", "content": _json(_ref("Satisfaction"))},
                    **_problems(400, 401, 503),
                },
            }
        },
        "/api/v1/submissions.csv": {
            "get": {
                "summary": "The joined table, one row a submission, streamed; phone and identity "
                "numbers and e-mail addresses in comments are masked.",
                "security": [{"reader": []}],
                "parameters": PERIOD,
                "responses": {
                    "200": {"description": "CSV, UTF-8, no BOM", "content": {"text/csv": {}}},
                    **_problems(400, 401, 503),
                },
            }
        },
        "/health": {
            "get": {
                "summary": "Whether a submission would be stored now: one is written and taken "
                "back. What was found is told to all who ask within the same second.",
                "responses": {
                    "200": {"description": "Ready"},
                    "503": {"description": "Not ready"},
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
            "reader": {"type": "http", "scheme": "bearer", "description": "A reader token."},
        },
        "schemas": {
            "Submission": Submission.model_json_schema(),
            "Receipt": RECEIPT.json_schema(),
            "Measure": MEASURE,
            "Comparison": COMPARISON,
            "Row": ROW,
            "Satisfaction": SATISFACTION,
            "Error": ERROR,
        },
    },
}
