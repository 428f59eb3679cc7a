"""How an instrument looks on the touch screen and on a phone: whole pages, for frames elsewhere.

They are made by the page classes and templates of the real screens, and lead nowhere.
"""

import re
from base64 import b64encode
from collections.abc import Iterator
from typing import NamedTuple
from uuid import UUID

from markupsafe import escape
from starlette.applications import Starlette
from starlette.requests import Request

from kiosk.context import Context
from kiosk.phone import PhonePage, asked_by
from kiosk.places import Place
from kiosk.qr_codes import Audience, QrCode
from kiosk.screens import Page, show
from kiosk.start import FacesPage
from kiosk.survey_screens import StepPage
from kiosk.survey_steps import steps_of
from kiosk.touch import RATING, ThanksPage
from surveys.definition import Survey
from web import asset

VISIT = UUID(int=0)
# Nothing of a screen may act in a frame but what turns the pages of a step.
ACTIVE = re.compile(r'<(script|noscript)\b.*?</\1>|<link rel="modulepreload"[^>]*>', re.DOTALL)


class Preview(NamedTuple):
    """A screen as a page. ``name`` is its template's, or ``step/`` and a number."""

    device: str  # touch or phone
    name: str
    html: str


def previews(app: Starlette, survey: str, language: str) -> Iterator[Preview]:
    """The screens of an instrument, in the order in which a visitor sees them.

    They are those of each purpose for which the centre of ``app`` asks it.
    """
    context: Context = app.state.context
    asked, one = context.centre.instruments, context.surveys[survey]
    department = next(iter(context.departments()), None)
    place = Place(department, next(iter(department.counters), None) if department else None)
    pages: list[tuple[str, str, Page]] = []
    if survey == asked.rating:
        scale = one.scale_of(one.questions[RATING])
        code = scale.codes[0] if scale else 0
        thanks = ThanksPage(place=place, survey=one, visit=VISIT, recorded=code)
        pages += [("touch", "faces", FacesPage(place=place, survey=one, visit=VISIT))]
        pages += [("touch", "thanks", thanks), _form(context, place, "citizen")]
    if survey == asked.citizens:
        pages += [*_steps(one, place, "touch"), *_steps(one, place, "phone")]
    if survey == asked.businesses:
        pages += [_form(context, place, "business"), *_steps(one, place, "phone")]
    for device, name, page in pages:
        yield Preview(device, name, _html(app, device, name, page, language))


def _form(context: Context, place: Place, audience: Audience) -> tuple[str, str, Page]:
    code = QrCode("PREVIEW0", place, audience)
    survey, questions = asked_by(context, audience)
    page = PhonePage(place=place, survey=survey, questions=questions, qr_code=code, visit=VISIT)
    return "phone", audience, page


def _steps(survey: Survey, place: Place, device: str) -> Iterator[tuple[str, str, Page]]:
    steps = steps_of(survey)
    for step in steps:
        page = StepPage(place=place, survey=survey, steps=steps, step=step, address="/")
        yield device, f"step/{step.number}", page


def _html(app: Starlette, device: str, name: str, page: Page, language: str) -> str:
    scope = {
        "type": "http",
        "app": app,
        "method": "GET",
        "path": "/f/PREVIEW0" if device == "phone" else "/",
        "query_string": b"",
        "headers": [],
        "path_params": {},
    }
    shown = show(Request(scope), name.partition("/")[0], page, language=language)
    html = ACTIVE.sub("", bytes(shown.body).decode())
    looks = app.state.context.looks  # elsewhere there are no such addresses
    if looks.emblem:
        data = f"data:{looks.emblem.media_type};base64,{b64encode(looks.emblem.body).decode()}"
        html = html.replace(looks.emblem.address, data)
    if looks.colours:
        rules = looks.colours.body.decode().partition("{")[2].partition("}")[0].strip()
        html = html.replace(f'<link rel="stylesheet" href="{looks.colours.address}">', "")
        html = html.replace("<html", f'<html data-colours="{escape(rules)}"', 1)
    script = f'<script type="module" src="{asset("js/preview.js")}"></script>'
    return html.replace("</head>", f"{script}\n</head>")
