"""What a browser of the touch screen keeps, so that it can work while this server is away.

A service worker (``static/js/worker.js``) fetches the screens below once and shows them whenever
nobody answers; a heartbeat (``static/js/heartbeat.js``) asks for ``/alive`` every few seconds.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from uuid import UUID

import anyio.to_thread
from markupsafe import escape
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from kiosk.context import Context, context_of
from kiosk.errors import ErrorPage
from kiosk.places import WHOLE_CENTRE, Place
from kiosk.receipts import receipt_of_tablet
from kiosk.rest import RestPage
from kiosk.screens import Page, show
from kiosk.start import FacesPage, FarewellPage
from kiosk.survey_screens import StepPage
from kiosk.survey_steps import steps_of
from kiosk.touch import ThanksPage
from surveys.centre import Department
from surveys.definition import Question, Survey, Text
from web import STATIC

OWN_FILES = ("css", "img", "js")  # folders of STATIC; vendor files carry their version in the path
# What stands for what only a visit knows; as in tablet.js.
VISIT, SURVEY = UUID(int=0), UUID(int=1)
CODE = "@code@"
SOMEWHERE = Place(Department(id="some_department", name=Text(vi="@name@", en="@name@")))
# Why a number cannot be an answer, as surveys.wire refuses it.
WRONG = ("not_a_whole_number", "out_of_bounds")
ADDRESS = re.compile(r'"(/(?:static|centre)/[^"]+)"')


@dataclass(frozen=True)
class Kept:
    """The screens as JSON, and a version that changes with them, the start and what they need.

    ``levels`` are volume and brightness that they were written with.
    """

    body: bytes
    version: str
    levels: tuple[int, int]


async def alive(request: Request) -> Response:
    """A word to the heartbeat: this server is here, and has screens of this version."""
    return JSONResponse({"version": (await _kept(request)).version})


async def worker(request: Request) -> Response:
    """The service worker: at the root, as it may only serve addresses below its own."""
    headers = {"cache-control": "no-cache"}
    return FileResponse(STATIC / "js" / "worker.js", headers=headers, media_type="text/javascript")


async def screens(request: Request) -> Response:
    """All that the service worker shows, as JSON."""
    return Response((await _kept(request)).body, media_type="application/json")


async def _kept(request: Request) -> Kept:
    """The screens, written once and whenever staff chose another level; the rest stays as it is."""
    state = request.app.state
    kept: Kept | None = getattr(state, "kept", None)
    if kept is None or kept.levels != _levels(request):
        kept = state.kept = await anyio.to_thread.run_sync(_write, request)
    return kept


def _levels(request: Request) -> tuple[int, int]:
    levels = context_of(request).levels
    return levels.volume, levels.brightness


def _write(request: Request) -> Kept:
    context, levels = context_of(request), _levels(request)
    languages = context.languages.names
    pages = {language: _layout(request, language) for language in languages}
    start = [_html(request, *_start(context), language) for language in languages]
    content: dict[str, object] = {
        "pages": pages,
        "screens": {language: _screens(request, language) for language in languages},
    }
    # Also the pictures that only some screens show.
    content["assets"] = sorted(set(ADDRESS.findall(json.dumps(content).replace('\\"', '"'))))
    if context.settings.tablets:
        content["tablet"] = _tablet(context)
    body = json.dumps(content, ensure_ascii=False).encode()
    # The service worker reads its part in its own address.
    version = ("tablet-" if context.settings.tablets else "") + _digest(body, *start)
    return Kept(body, version, levels)


def _screens(request: Request, language: str) -> dict[str, str]:
    """The screens in one language, by name; those of a tablet where the settings have any."""
    context = context_of(request)
    pages: dict[str, Page] = {"away": Page()}
    question = context.rating_survey.questions["rating"]
    if context.settings.tablets:
        pages |= _visit_screens(context, context.place)
        pages |= {
            "tiles": Page(),
            # Without its QR code: a phone could not open it now.
            "rest": RestPage(asleep=False, question=question.text, poster=None),
            "farewell": FarewellPage(again=False),
            "farewell/again": FarewellPage(again=True),
            "farewell/receipt": FarewellPage(
                again=False, receipt=receipt_of_tablet(context, CODE)[0], idle=0
            ),
            "error": ErrorPage(
                message="503", fields={"@field@": [""]}, address="@address@", home="/"
            ),
        }
        if context.in_lobby:
            chosen = _visit_screens(context, SOMEWHERE)
            pages |= {f"department/{name}": page for name, page in chosen.items()}
    return {name: _html(request, _template(name), page, language) for name, page in pages.items()}


def _start(context: Context) -> tuple[str, Page]:
    """What an open screen shows while nobody is there, and what follows it is made from."""
    place = SOMEWHERE if context.in_lobby else context.place
    return "faces", FacesPage(place=place, survey=context.rating_survey, visit=VISIT)


def _template(name: str) -> str:
    return name.removeprefix("department/").partition("/")[0]


def _visit_screens(context: Context, place: Place) -> dict[str, Page]:
    """The screens of a visit at one place, by name, for a visit that has no id yet."""
    rating, full = context.rating_survey, context.surveys[context.centre.instruments.citizens]
    scale = rating.scale_of(rating.questions["rating"])
    seconds = context.waits.thanks_seconds
    pages: dict[str, Page] = {"faces": FacesPage(place=place, survey=rating, visit=VISIT)}
    for code in scale.codes if scale else ():
        pages[f"thanks/{code}"] = ThanksPage(
            place=place, survey=rating, visit=VISIT, recorded=code, untouched=seconds
        )
        pages[f"faces/{code}"] = FacesPage(
            place=place, survey=rating, visit=VISIT, recorded=code, untouched=seconds
        )
    # Of a rating that the server has: which face it was is not known here.
    pages["thanks/0"] = ThanksPage(place=place, survey=rating, visit=VISIT, recorded=0)
    for step in steps_of(full):
        pages[f"step/{step.number}"] = StepPage(
            place=place,
            survey=full,
            steps=steps_of(full),
            step=step,
            address=f"/survey/{SURVEY}/{step.number}",
        )
    return pages


def _tablet(context: Context) -> dict[str, object]:
    """What a tablet must know besides the screens to take answers as this process does."""
    centre, place = context.centre, context.place
    rating, full = context.rating_survey, context.surveys[centre.instruments.citizens]
    places = context.departments() if context.in_lobby else ()
    _, qr_code = receipt_of_tablet(context, CODE)
    return {
        # Numbers as text: those of JSON are too small.
        "qr_code": None
        if qr_code is None
        else {
            "side": qr_code.side,
            "base": hex(qr_code.base),
            "flips": [[hex(one) for one in letter] for letter in qr_code.flips],
        },
        "lobby": context.in_lobby,
        "department": place.department_id,
        "counter": place.counter_id,
        "everywhere": WHOLE_CENTRE,
        "places": {
            one.id: {
                language: escape(one.name.get(language)) for language in context.languages.names
            }
            for one in places
        },
        "rating": _questions(rating),
        "full": {
            **_questions(full),
            "steps": [[question.id for question in step.questions] for step in steps_of(full)],
        },
        "problems": {
            language: {
                survey.id: {
                    question.id: {key: _problem(context, question, key, language) for key in WRONG}
                    for question in survey.all_questions()
                    if question.kind == "number"
                }
                for survey in (rating, full)
            }
            for language in context.languages.names
        },
    }


def _questions(survey: Survey) -> dict[str, object]:
    return {
        "survey": survey.id,
        "fingerprint": survey.fingerprint,
        "questions": {
            question.id: {"kind": question.kind, "bounds": [question.minimum, question.maximum]}
            if question.kind == "number"
            else {"kind": question.kind}
            for question in survey.all_questions()
        },
    }


def _problem(context: Context, question: Question, key: str, language: str) -> str:
    """What stands beside a number that is none of the answers, as in _parts.html."""
    text = context.pages.messages.get(
        language, f"field.{key}", low=question.minimum, high=question.maximum
    )
    return f'<p class="problem" id="{question.id}-problem">{escape(text)}</p>'


def _layout(request: Request, language: str) -> str:
    """A whole page, with ``@screen@`` where the screen belongs."""
    whole = _html(request, "away", Page(), language, whole=True)
    return whole.replace(_html(request, "away", Page(), language), "@screen@")


def _html(request: Request, name: str, page: Page, language: str, *, whole: bool = False) -> str:
    """A screen as a visitor gets it who comes to the start with nothing chosen before."""
    headers = [] if whole else [(b"hx-request-type", b"partial")]
    scope = {**request.scope, "path": "/", "raw_path": b"/", "query_string": b""}
    asking = Request({**scope, "headers": headers})
    return bytes(show(asking, name, page, language=language).body).decode()


def _digest(body: bytes, *screens: str) -> str:
    digest = hashlib.sha256(body)
    for screen in screens:
        digest.update(screen.encode())
    for folder in OWN_FILES:
        for file in sorted((STATIC / folder).rglob("*.*")):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
