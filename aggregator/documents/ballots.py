"""Ballots on paper: what is asked as boxes with keys, ready for typesetting."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from aggregator.documents.papers import Paper
from aggregator.documents.reports.typesetting import pdf, pictures
from aggregator.intake.ballots.keys import PLACE, Field
from aggregator.intake.ballots.serials import scanned, shown
from aggregator.storage.tables import BallotBatch
from aggregator.wording.messages import MESSAGES
from aggregator.wording.phrases import Words
from qr_images import LEVEL, Drawing
from surveys.centre import Centre
from surveys.definition import Survey

TEMPLATE = "ballot.typ"
WIDEST = 6  # levels of a scale that stand beside each other in a table


@dataclass(frozen=True)
class Sheets:
    """How ballots are printed: two of A5 on A4 or A5 alone, in both languages or in Vietnamese,
    with or without faces above the rating."""

    paper: Paper = "a4"
    bilingual: bool = False
    faces: bool = False


def render(
    batch: BallotBatch,
    survey: Survey,
    fields: Sequence[Field],
    centre: Centre,
    serials: Sequence[int],
    sheets: Sheets,
    *,
    demo: bool = False,
) -> bytes:
    """The ballots of some serials as PDF. Raises FileError."""
    return pdf(TEMPLATE, _data(batch, survey, fields, centre, serials, sheets, demo))


def render_pictures(
    batch: BallotBatch,
    survey: Survey,
    fields: Sequence[Field],
    centre: Centre,
    serials: Sequence[int],
    sheets: Sheets,
    ppi: float = 100,
) -> list[bytes]:
    """Each page as PNG. Raises FileError."""
    data = _data(batch, survey, fields, centre, serials, sheets, demo=False)
    return pictures(TEMPLATE, data, ppi)


def _data(
    batch: BallotBatch,
    survey: Survey,
    fields: Sequence[Field],
    centre: Centre,
    serials: Sequence[int],
    sheets: Sheets,
    demo: bool,
) -> dict[str, str]:
    def said(words: Words) -> list[str]:
        """A text in the languages of the ballot."""
        found = [words.get("vi")]
        if sheets.bilingual and words.get("en") != found[0]:
            found.append(words.get("en"))
        return found

    def message(key: str, **values: object) -> list[str]:
        languages = ("vi", "en") if sheets.bilingual else ("vi",)
        return [MESSAGES.get(one, f"ballots.paper.{key}", **values) for one in languages]

    places = [
        *([said(centre.department[batch.department].name)] if batch.department else []),
        *([said(centre.counter[batch.counter].name)] if batch.counter else []),
    ]
    data: dict[str, Any] = {
        "paper": sheets.paper,
        "faces": sheets.faces,
        "title": said(survey.title),
        "centre": said(centre.name),
        "place": [" · ".join(parts) for parts in zip(*places, strict=False)],
        "hint": message("hint"),
        "several": message("several"),
        "comment": message("comment") if survey.comment else None,
        # A ballot of one question has room for more, one that asks for the department for less.
        "comment-height": 10 if batch.places or not survey.rating else 34,
        "blocks": list(_blocks(fields, survey, said)),
        "batch": MESSAGES.get("vi", "ballots.paper.batch", number=batch.number),
        "version": f"{survey.id} · {batch.fingerprint}",
        "demo": MESSAGES.get("vi", "ballots.paper.demo") if demo else None,
        "ballots": [
            {
                "serial": shown(batch.number, batch.printed, serial),
                "code": _code(scanned(batch.number, batch.printed, serial)),
                "alt": scanned(batch.number, batch.printed, serial),
            }
            for serial in serials
        ],
    }
    return {"ballots": json.dumps(data, ensure_ascii=False)}


def _blocks(fields: Sequence[Field], survey: Survey, said: Any) -> Iterator[dict[str, Any]]:
    """The questions in their order; those of one scale one after the other as a table."""

    def tabled(field: Field) -> str | None:
        alike = [one for one in fields if (one.scale, one.kind) == (field.scale, "one")]
        fits = field.kind == "one" and field.factor is not None and len(field.choices) <= WIDEST
        return field.scale if fits and len(alike) > 1 else None

    number = 0
    for scale, together in groupby(fields, key=tabled):
        every = list(together)
        if scale is not None:
            rows = []
            for factor, own in groupby(every, key=lambda one: one.factor):
                rows.append({"heading": said(factor)})
                for field in own:
                    number += 1
                    rows.append({"number": number, "text": said(field.label)})
            choices = _choices(every[0], said)
            yield {"kind": "table", "choices": choices, "rows": rows}
            continue
        for field in every:
            number += field.name != PLACE
            kind = "large" if field.name == survey.rating else field.kind
            yield {
                "kind": kind,
                "number": number if field.name != PLACE else None,
                "text": said(field.label),
                "choices": _choices(field, said),
                "digits": field.longest,
                "unit": said(field.question.unit)
                if field.question is not None and field.question.unit
                else [],
                "narrow": field.name != PLACE,
            }


def _choices(field: Field, said: Any) -> list[dict[str, Any]]:
    return [{"key": choice.key, "text": said(choice.label)} for choice in field.choices]


def _code(text: str) -> dict[str, Any]:
    """A QR code as the length of its side and the path of its bars."""
    drawing = Drawing.of(text, LEVEL)
    return {"side": drawing.side, "path": drawing.path}
