"""Rules, references, breaks of series, margins and laws as forms have them: one row, and back."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import count
from typing import Any, get_args

from aggregator.organisation.acts import made_id
from aggregator.organisation.described import Row, Rows, row_key
from aggregator.organisation.fields import Fields, FieldsError, Reader, both, made
from aggregator.wording.channels import CHANNELS
from surveys.alerts import RULE_KINDS, UNITS, AlertRule
from surveys.centre import RATING, Centre, Margin, Reference, SeriesBreak
from surveys.definition import Channel, Level, Survey, Text
from surveys.laws import SUBJECTS, Law

Surveys = Mapping[str, Survey]
TEXTS = ("label", "scale", "mode", "population")  # of a reference


class UnknownRowError(KeyError):
    """A key that no row has."""


# What may be chosen


def measures_offered(surveys: Surveys) -> list[tuple[str, Survey, str]]:
    """The measures that a reference may be of: the choice's value, survey and measure."""
    return [
        (f"{survey.id}.{measure}", survey, measure)
        for survey in surveys.values()
        if survey.measured
        for measure in survey.measures_of(survey.measured[0])
    ]


def variables_offered(surveys: Surveys) -> list[tuple[str, Survey, Text | None]]:
    """What a margin may be by: the choice's value, survey and question, None for the channel."""
    found: list[tuple[str, Survey, Text | None]] = []
    for survey in surveys.values():
        asked = [q for q in survey.profile if q.kind == "one" and survey.scale_of(q)]
        if asked:
            found.append((f"{survey.id}.channel", survey, None))
        found += [(f"{survey.id}.{question.id}", survey, question.text) for question in asked]
    return found


def levels_offered(centre: Centre, surveys: Surveys) -> Sequence[Level]:
    """The levels from which a rating may be low: all but the best one, in the scale's order."""
    survey = surveys[centre.instruments.rating]
    scale = survey.scale_of(survey.questions[RATING])
    return scale.levels[1:] if scale else ()


def levels_of(surveys: Surveys, of: str) -> dict[str, Text]:
    """The groups of a choice of variables_offered, by what a margin calls them; or none."""
    survey, _, variable = of.partition(".")
    if survey not in surveys:
        return {}
    if variable == "channel":
        return {channel: CHANNELS[channel] for channel in get_args(Channel)}
    questions = (q for q in surveys[survey].profile if q.id == variable and q.kind == "one")
    scale = next((surveys[survey].scale_of(question) for question in questions), None)
    return {str(level.code): level for level in scale.levels} if scale else {}


# What a form shows


def row_fields(row: Row) -> dict[str, str]:
    """The fields of a row's form."""
    match row:
        case AlertRule():
            return {
                "of": row.kind,
                "active": "1" if row.active else "",
                "unit": row.unit,
                "department": row.department or "",
                "low": str(row.low),
                "last": str(row.last),
                "level": "" if row.level is None else str(row.level),
            }
        case Reference():
            texts = [both(name, getattr(row, name)) for name in TEXTS]
            return {
                "id": row.id,
                **{key: value for text in texts for key, value in text.items()},
                "department": row.department or "",
                "of": f"{row.survey}.{row.measure}",
                "k": "" if row.k is None else str(row.k),
                "n": "" if row.n is None else str(row.n),
                "share": "" if row.share is None else _percent(row.share),
                "dossiers": "" if row.dossiers is None else str(row.dossiers),
                "visits": "" if row.visits is None else str(row.visits),
                "period_from": str(row.period_from),
                "period_to": str(row.period_to),
                "source": row.source,
            }
        case SeriesBreak():
            return {"survey": row.survey, "day": str(row.day), **both("reason", row.reason)}
        case Law():
            return _law_fields(row)
        case Margin():
            return {
                "of": f"{row.survey}.{row.variable}",
                "department": row.department or "",
                **both("population", row.population),
                "source": row.source,
                **{f"shares.{level}": _percent(share) for level, share in row.shares.items()},
            }


def _law_fields(row: Law) -> dict[str, str]:
    ticked = {f"governs.{subject}": "1" for subject in row.governs}
    return {
        **both("called", row.called),
        **ticked,
        "since": str(row.since or ""),
        "until": str(row.until or ""),
        "instrument": row.instrument or "",
        "source": row.source,
    }


def _percent(share: float) -> str:
    """A fraction as a percentage that reads back as the very same fraction."""
    return f"{(Decimal(repr(share)) * 100).normalize():f}".replace(".", ",")


# From a form to the next document


def with_row(
    centre: Centre, surveys: Surveys, kind: Rows, key: str | None, given: Fields
) -> Centre:
    """The next document: the row of a key as a form has it, or a new one.

    Raises FieldsError and UnknownRowError; nothing else is changed.
    """
    rows = [*getattr(centre, kind)]
    place = len(rows) if key is None else _place(rows, key)
    reader = Reader(given)
    found = _READ[kind](reader, centre, surveys)
    if kind in ("references", "alert_rules", "laws") and key is not None:
        found["id"] = key
    if reader.reasons:
        raise FieldsError(reader.reasons)
    dumped = [row.model_dump() for row in rows]
    dumped[place : place + 1] = [found]
    return made(centre, {kind: dumped}, [*given, "id", "share", "shares", "governs"])


def without_row(centre: Centre, kind: Rows, key: str) -> Centre:
    """The next document, without a row. Raises UnknownRowError."""
    rows = [*getattr(centre, kind)]
    del rows[_place(rows, key)]
    return made(centre, {kind: [row.model_dump() for row in rows]}, ())


def _place(rows: Iterable[Row], key: str) -> int:
    found = [place for place, row in enumerate(rows) if row_key(row) == key]
    if not found:
        raise UnknownRowError(key)
    return found[0]


def _department(reader: Reader, centre: Centre) -> str | None:
    return reader.choice("department", centre.department, needed=False)


def _alert_rule(reader: Reader, centre: Centre, surveys: Surveys) -> dict[str, Any]:
    kind = reader.choice("of", RULE_KINDS)
    found: dict[str, Any] = {
        "id": _free(rule.id for rule in centre.alert_rules),
        "kind": kind,
        "active": bool(reader.given("active")),
        "unit": reader.choice("unit", UNITS),
        "department": _department(reader, centre),
    }
    if kind == "low_ratings":
        offered = {str(level.code): level.code for level in levels_offered(centre, surveys)}
        found |= {name: reader.whole(name) for name in ("low", "last")}
        found["level"] = offered.get(reader.choice("level", offered, needed=False) or "")
    return found


def _free(taken: Iterable[str]) -> str:
    """An id that no rule of a document has; nobody reads it."""
    ids = {*taken}
    return next(id for number in count(1) if (id := f"rule_{number}") not in ids)


def _reference(reader: Reader, centre: Centre, surveys: Surveys) -> dict[str, Any]:
    offered = {value: (survey.id, measure) for value, survey, measure in measures_offered(surveys)}
    survey, measure = offered.get(reader.choice("of", offered) or "", ("", ""))
    id = made_id(reader.given("id") or reader.given("label_vi"))
    return {
        "id": id if id[:1].isalpha() else f"r_{id}"[:40],
        **{name: reader.text(name) for name in TEXTS},
        "department": _department(reader, centre),
        "survey": survey,
        "measure": measure,
        "k": reader.whole("k", needed=False),
        "n": reader.whole("n", needed=False),
        "share": reader.share("share", needed=False),
        "dossiers": reader.whole("dossiers", needed=False),
        "visits": reader.whole("visits", needed=False),
        "period_from": reader.day("period_from"),
        "period_to": reader.day("period_to"),
        "source": reader.words("source", needed=True),
    }


def _break(reader: Reader, centre: Centre, surveys: Surveys) -> dict[str, Any]:
    return {
        "survey": reader.choice("survey", surveys),
        "day": reader.day("day"),
        "reason": reader.text("reason"),
    }


def _margin(reader: Reader, centre: Centre, surveys: Surveys) -> dict[str, Any]:
    offered = [value for value, _, _ in variables_offered(surveys)]
    of = reader.choice("of", offered) or ""
    survey, _, variable = of.partition(".")
    found = {
        level: reader.share(f"shares.{level}", needed=False) for level in levels_of(surveys, of)
    }
    shares = {level: share for level, share in found.items() if share is not None}
    if len(shares) < 2 and not reader.reasons:
        reader.wrong("shares", "two_groups")
    return {
        "survey": survey,
        "department": _department(reader, centre),
        "variable": variable,
        "population": reader.text("population"),
        "source": reader.words("source", needed=True),
        "shares": shares,
    }


def _law(reader: Reader, centre: Centre, surveys: Surveys) -> dict[str, Any]:
    id = made_id(reader.given("called_vi"))
    governs = [subject for subject in SUBJECTS if reader.given(f"governs.{subject}")]
    if not governs:
        reader.wrong("governs", "missing")
    return {
        "id": id if id[:1].isalpha() else f"law_{id}"[:40],
        "called": reader.text("called"),
        "governs": governs,
        "since": reader.day("since", needed=False),
        "until": reader.day("until", needed=False),
        "instrument": reader.choice("instrument", surveys, needed=False),
        "source": reader.words("source", needed=True),
    }


_READ = {
    "alert_rules": _alert_rule,
    "references": _reference,
    "series_breaks": _break,
    "margins": _margin,
    "laws": _law,
}
