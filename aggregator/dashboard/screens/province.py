"""The centres of a province beside one another, and whether each of them can be reached."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Literal

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from aggregator.dashboard import api
from aggregator.dashboard.context import Context, context_of
from aggregator.dashboard.pages import render
from aggregator.dashboard.permissions import needs, open_to
from aggregator.dashboard.schemas import ProvinceHealthJson
from aggregator.dashboard.screens.comparison import ComparisonPage, compared
from aggregator.dashboard.screens.view import View, read_view
from aggregator.storage.together import Missing, Together
from surveys.centre import Department

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


@dataclass(frozen=True, kw_only=True)
class ProvincePage(ComparisonPage):
    """The province and its centres; ``missing`` are those without figures, each with the reason."""

    missing: Sequence[tuple[Department, Missing]] = ()
    words = "province"

    def link(self, key: str) -> str:
        # Published figures are the province's own: the centre may not know them.
        return f"/{key}/?{self.view.parameters(reference=None)}"


@needs("figures")
async def province(request: Request) -> Response:
    """Centres by their distance from a reference, their ranking, the standardised figure."""
    view = read_view(request)
    page = await run_in_threadpool(_page, context_of(request), view)
    return render(request, "comparison", page)


def _page(context: Context, view: View) -> ProvincePage:
    found = compared(context, view)
    store = context.store
    missing = store.missing if isinstance(store, Together) else {}
    named = {one.name: getattr(found, one.name) for one in fields(found)}
    named["unrated"] = [row for row in found.unrated if row.key not in missing]
    departments = context.centre.department
    return ProvincePage(
        **named, missing=[(departments[id], reason) for id, reason in missing.items()]
    )


@open_to("anyone")
async def health(request: Request) -> Response:
    """200 where the province and all of its centres would take what they are sent, else 503."""
    own = await context_of(request).health.ready()
    centres = {id: _status(ready) for id, ready in (await request.app.health()).items()}
    status = _status(own and set(centres.values()) == {"ok"})
    answer = ProvinceHealthJson(status=status, centres=centres)
    return JSONResponse(answer.model_dump(), 200 if status == "ok" else 503)


def _status(ready: bool) -> Literal["ok", "unavailable"]:
    return "ok" if ready else "unavailable"


def unopened(ids: Iterable[str]) -> Iterator[Route]:
    """The routes of what no centre that is open answers."""
    for id in ids:
        yield Route(f"/{id}", enter)
        yield Route(f"/{id}/{{rest:path}}", away, methods=METHODS)


@open_to("anyone")
async def enter(request: Request) -> Response:
    """The address of a centre without its last slash."""
    return RedirectResponse(f"{request.url.path}/", 303)


@open_to("anyone")
async def away(request: Request) -> Response:
    """What is asked of a centre that cannot be opened."""
    if request.path_params["rest"].startswith("api/"):
        return await api.api_error(request, api.ApiError(503, "storage"))
    raise HTTPException(503, "centre_away", headers={"retry-after": "5"})
