"""The menu: its doors, the pages behind each, and the selection that goes along to every page."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.routing import Route

from web import path_of

Menu = Mapping[str, Sequence[Route]]  # the pages behind each door, both called nav.NAME

# What a reader has selected: the query parameters that go along to the next page. A page
# leaves alone what it does not know, and hands it on.
SELECTION = (
    "survey",
    "period",
    "date",
    "from",
    "to",
    "channel",
    "department",
    "organisation",
    "measure",
    "reference",
    "of",
)
# Pages without a place of their own in the menu, each with the page that it is a part of.
PARTS = {"/department": "/"}


@dataclass(frozen=True)
class Entry:
    """A page in the menu. It is ``current`` where the reader is on it or on a part of it."""

    name: str
    path: str
    current: bool
    exact: bool


@dataclass(frozen=True)
class Door:
    """What stands in the menu's first row; its pages stand in the second where it is current."""

    name: str
    pages: Sequence[Entry]

    @property
    def current(self) -> bool:
        return any(page.current for page in self.pages)


def doors(menu: Menu, request: Request, may: Callable[[Route], bool]) -> Sequence[Door]:
    """The doors that lead a reader anywhere, each with the pages that the reader may see."""
    here = path_of(request)
    place = next((to for part, to in PARTS.items() if here.startswith(f"{part}/")), here)
    found = [
        Door(
            name,
            [
                Entry(page.name, page.path, _is_below(place, page.path), here == page.path)
                for page in pages
                if may(page)
            ],
        )
        for name, pages in menu.items()
    ]
    return [door for door in found if door.pages]


def _is_below(path: str, page: str) -> bool:
    return path == page or (page != "/" and path.startswith(f"{page}/"))


def selected(request: Request, department: str | None) -> dict[str, str]:
    """The selection of a request; a page of one department has selected that department.

    ``department`` is that of a head, whose pages are all of it: there none is selected.
    """
    given = {**request.query_params, **request.path_params}
    if department:
        given.pop("department", None)
    return {name: given[name] for name in SELECTION if given.get(name)}
