"""Every page of the manager with two years of a large centre's tallies behind it."""

import time
from collections.abc import Iterator
from datetime import timedelta
from http.client import HTTPConnection, HTTPResponse
from urllib.parse import urlsplit

from starlette.routing import Route

from aggregator.dashboard.app import ROUTES
from surveys.centre import load_centre
from tests.bench.bench_page import sign_in
from tests.bench.load import median
from tests.bench.report import Row
from tests.bench.servers import Aggregator, aggregator
from tests.bench.years import DAYS, TODAY, two_years

ROUNDS = 5
GOAL = 150  # ms
PERIODS = {
    **{kind: f"period={kind}" for kind in ("day", "month", "quarter", "year")},
    "two years": f"from={TODAY - timedelta(days=DAYS - 1)}&to={TODAY}",
}


def rows() -> Iterator[Row]:
    large = two_years()
    yield Row("tallies of two years written to set this up", large.filling, "s")
    yield Row("… rolled up, once", large.rolling, "s")
    centre = load_centre(large.centre)
    surveys = [survey for _, survey in centre.instruments]
    with aggregator(large.var, large.centre) as server:
        browser = Browser(server)
        pages = {
            path: first
            for path in paths(centre.departments[0].id)
            if (first := browser.get(path)) is not None
        }
        for path, first in pages.items():
            yield Row(f"{path} at its first view", first, "ms", GOAL, "max")
        for path in pages:
            views = {
                f"{survey}, {name}": f"{path}?survey={survey}&{period}"
                for survey in surveys
                for name, period in PERIODS.items()
            }
            times = {name: browser.often(view) for name, view in views.items()}
            slowest = max(times, key=lambda name: times[name])
            yield Row(f"{path}, slowest: {slowest}", times[slowest], "ms", GOAL, "max")
        yield Row("aggregator, resident after all pages", server.resident, "MB", 300, "max")


def paths(department: str) -> Iterator[str]:
    """The paths of all pages that need no parameter; not the JSON API."""
    for route in ROUTES:
        if isinstance(route, Route) and "GET" in (route.methods or ()):
            path = route.path.replace("{department}", department)
            if "{" not in path and not path.startswith("/api/"):
                yield path


class Browser:
    """A signed-in client on one connection."""

    def __init__(self, server: Aggregator) -> None:
        self._headers = {"Cookie": sign_in(server), "Accept-Encoding": "gzip"}
        self._connection = HTTPConnection(urlsplit(server.url).netloc)

    def get(self, path: str) -> float | None:
        """Milliseconds until a page was read; None where the path answers with no page."""
        took, answer = self._read(path)
        if answer.status >= 500:
            raise RuntimeError(f"{path} answered {answer.status}")
        kind = answer.headers.get_content_type()
        return took if answer.status == 200 and kind == "text/html" else None

    def took(self, path: str) -> float:
        """Milliseconds until a page or file was read. Raises RuntimeError where there is none."""
        took, answer = self._read(path)
        if answer.status != 200:
            raise RuntimeError(f"{path} answered {answer.status}")
        return took

    def _read(self, path: str) -> tuple[float, HTTPResponse]:
        began = time.perf_counter()
        self._connection.request("GET", path, headers=self._headers)
        answer = self._connection.getresponse()
        answer.read()
        return (time.perf_counter() - began) * 1000, answer

    def often(self, view: str) -> float:
        """The median of several ``get``, in milliseconds; 0 where a page refuses the view."""
        times = [self.get(view) for _ in range(ROUNDS)]
        return median([took or 0 for took in times])
