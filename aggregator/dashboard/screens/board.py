"""What everybody may read without signing in: a page, a screen for the hall, open data.

All of it is read from the ledger, and kept by browsers and proxies for a minute: so long it may
be seen after it is turned off.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from aggregator.dashboard.context import Context, context_of
from aggregator.dashboard.pages import writers
from aggregator.dashboard.permissions import open_to
from aggregator.documents.exports.joined import BOM, MEDIA_TYPES
from aggregator.figures.board import (
    COLUMNS,
    Published,
    definition,
    measures_of,
    open_data,
    published,
)
from aggregator.intake.submission_files import escaped
from aggregator.storage.public_answers import PublicAnswer
from aggregator.wording.phrases import Words, say
from surveys.centre import Centre
from surveys.definition import Survey
from surveys.messages import Language

KEPT = {"cache-control": "public, max-age=60"}
ANSWERS = 12  # of closed cases, the newest
TURN = 300  # seconds for which the hall shows an answer; it asks for the screen as often


@dataclass(frozen=True, kw_only=True)
class BoardPage:
    """The newest month, or what is newest, and the periods before it; answers of closed cases."""

    newest: Published | None
    earlier: Sequence[Published]
    answers: Sequence[PublicAnswer]
    measure: str
    defined: Words | None
    turn: int = 0

    @property
    def answer(self) -> PublicAnswer | None:
        """The one whose turn it is on the screen of the hall; every other turn is departments'."""
        turn, others = divmod(self.turn, 2)
        if not self.answers or (others and self.newest and self.newest.departments):
            return None
        return self.answers[turn % len(self.answers)]


@open_to("anyone")
async def board(request: Request) -> Response:
    """The page for everybody; 404 where the board is off."""
    return await _rendered(request, "board")


@open_to("anyone")
async def hall(request: Request) -> Response:
    """The same for a screen of 1920 × 1080 that nobody touches; it asks for itself anew."""
    return await _rendered(request, "hall")


async def _rendered(request: Request, name: str) -> Response:
    context = context_of(request)
    centre, language = await _centre(context), _language(request)
    page = await run_in_threadpool(_page, context, centre)
    values = {
        "page": page,
        "centre": centre,
        "demo": context.settings.demo,
        "turn": TURN,
        "period_name": lambda one: say(
            f"row_label.{one.kind}",
            month=f"{one.since:%m}",
            quarter=one.quarter,
            year=one.since.year,
        ).get(language),
        **writers(language),
    }
    response = context.pages.render(request, name, values, layout="public.html", language=language)
    response.headers.update(KEPT)
    response.headers["vary"] = "HX-Request, HX-Request-Type"
    return response


@open_to("anyone")
async def data_csv(request: Request) -> Response:
    """Every published figure with its definition, as CSV."""
    context = context_of(request)
    centre, language = await _centre(context), _language(request)
    rows = await run_in_threadpool(_rows, context, centre, language)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in rows:
        cells = (row[name] for name in COLUMNS)
        writer.writerow([escaped(one) if isinstance(one, str) else one for one in cells])
    return Response(
        BOM + text.getvalue(),
        media_type=MEDIA_TYPES["csv"],
        headers={**KEPT, "content-disposition": f'attachment; filename="{centre.id}.csv"'},
    )


@open_to("anyone")
async def data_json(request: Request) -> Response:
    """Every published figure with its definition, as JSON."""
    context = context_of(request)
    centre, language = await _centre(context), _language(request)
    rows = await run_in_threadpool(_rows, context, centre, language)
    whole = {
        "centre": centre.name.get(language),
        "use": say("public.use", name=centre.name).get(language),
        "withheld": say("public.withheld", minimum=centre.minimum_cell).get(language),
        "figures": rows,
    }
    return Response(orjson.dumps(whole), media_type="application/json", headers=KEPT)


def _language(request: Request) -> Language:
    """By the address alone, so that a cache keeps one page for each."""
    return "en" if request.query_params.get("lang") == "en" else "vi"


async def _centre(context: Context) -> Centre:
    """The centre as it is now. Raises HTTPException 404 where its board is off."""
    centre = await run_in_threadpool(context.organisation.refreshed)
    if not centre.board.enabled:
        raise HTTPException(404)
    return centre


def _survey(context: Context, centre: Centre) -> Survey:
    return context.surveys[centre.instruments.rating]


def _page(context: Context, centre: Centre) -> BoardPage:
    survey, now = _survey(context, centre), context.clock()
    measures = measures_of(survey)
    found = published(context.store, survey, centre, measures[0]) if measures else []
    newest = next((one for one in found if one.period.kind == "month" and one.whole), None)
    return BoardPage(
        newest=newest,
        earlier=[one for one in found if one.whole and one is not newest],
        answers=context.store.public_answers.newest(ANSWERS),
        measure=measures[0] if measures else "",
        defined=definition(survey, measures[0]) if measures else None,
        turn=_turn(now),
    )


def _turn(now: datetime) -> int:
    return int(now.timestamp()) // TURN


def _rows(
    context: Context, centre: Centre, language: Language
) -> list[dict[str, str | int | float | None]]:
    return list(open_data(context.store, _survey(context, centre), centre, language))
