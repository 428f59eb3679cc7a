"""A dashboard that is mounted under a path: every link, redirect and cookie stays there."""

import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import urljoin, urlsplit
from uuid import uuid4

import pytest
from starlette.testclient import TestClient

from aggregator.dashboard.app import ROUTES
from aggregator.intake.ballots.serials import written
from tests.aggregator.conftest import EXAMPLE, PASSWORD, Room, ratings, sipas, submission

ROOT = "/lai_chau"
LINK = re.compile(r'\s(?:href|action|formaction|src|hx-get|hx-post)="([^"]*)"')
PARTIAL = {"hx-request": "true", "hx-request-type": "partial"}
# What no page of who is signed in links to as a page.
NOT_LINKED = {
    "/sign-in",
    "/oidc/start",
    "/reports/{kind}.{format}",
    "/issued/{number:int}.{format}",  # nothing was issued here
    "/attitude.{format}",
    "/sign-in/{secret}",
    "/invitation/{secret}",
    "/oidc/callback",
    "/metrics",
    "/health",
    "/account/sign-out",
    "/sipas/weighted",
    "/ballots/{number:int}.pdf",  # its form leads there
    "/desk/{id}",
    "/public",  # of whom has no account; the links are those of its own pages
    "/public/data.json",
    "/public/data.csv",
    "/public/hall",
    "/sign-out",
}


@pytest.fixture
def mounted(room: Room) -> Iterator[tuple[Room, TestClient]]:
    """A centre with answers, and a client of it under its path, signed in."""
    comment = submission(comment="Phải đi bốn lần, gọi 0912 000 000")
    room.take([*ratings(EXAMPLE), *(sipas() for _ in range(6)), comment])
    room.context.accounts.add_user("quan_tri", "administrator", PASSWORD)
    with TestClient(room.another(), root_path=ROOT, follow_redirects=False) as client:
        room.sign_in()
        assert room.client.post("/cases", data={"submission": comment["id"]}).status_code == 303
        batch = {"name": "Hòm 1", "instrument": "in_centre", "day": "2026-11-23", "printed": "9"}
        assert room.client.post("/ballots", data=batch).status_code == 303
        for rating in ("4", "2"):  # the second has to be decided
            ballot = {"id": str(uuid4()), "serial": written(1, 9, 1), "a.rating": rating}
            assert room.client.post("/ballots/1/enter", data=ballot).status_code == 303
        yield room, client


def stays(address: str) -> bool:
    path = urlsplit(address).path
    return path.startswith((f"{ROOT}/", "/static/")) and urlsplit(address).netloc in (
        "",
        "testserver",
    )


def sign_in(client: TestClient) -> None:
    given = {"name": "quan_tri", "password": PASSWORD, "next": f"{ROOT}/comparison"}
    answer = client.post(f"{ROOT}/sign-in", data=given)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{ROOT}/comparison")
    for cookie in answer.headers.get_list("set-cookie"):
        assert f"Path={ROOT}/;" in cookie


def test_every_link_stays_under_the_path(mounted: tuple[Room, TestClient]) -> None:
    """Follows one link to each path, from page to page, asked for as a page and as a fragment."""
    _, client = mounted
    first = client.get(f"{ROOT}/trends?period=month")
    assert first.headers["location"].startswith(f"{ROOT}/sign-in?next=%2Flai_chau%2Ftrends")
    assert client.get(f"{ROOT}/", headers=PARTIAL).headers["hx-redirect"].startswith(ROOT)
    sign_in(client)
    waiting, asked = [f"{ROOT}/?period=year&survey=in_centre"], set()
    while waiting:
        address = waiting.pop()
        path = urlsplit(address).path
        if path in asked or re.search(r"\.(pdf|docx|xlsx|sav|parquet)$", path):
            continue
        asked.add(path)
        answer = client.get(address)
        # Some need what their form sends with them, or a POST.
        assert answer.status_code in (200, 303, 400, 405), (address, answer.status_code)
        html = answer.text if "<html" in answer.text else ""
        found = [unescape(link) for link in LINK.findall(html)]
        found += [answer.headers["location"]] if answer.status_code == 303 else []
        for link in found:
            assert stays(urljoin(address, link)), f"{address} leads to {link}"
            if not link.startswith(("/static/", "#")):
                waiting.append(urljoin(address, link))
    unseen = {
        route.path
        for route in ROUTES
        if not route.path.startswith("/api/")
        and not any(route.path_regex.fullmatch(path.removeprefix(ROOT)) for path in asked)
    }
    assert unseen <= NOT_LINKED


def test_redirects_links_and_cookies_stay_under_the_path(mounted: tuple[Room, TestClient]) -> None:
    room, client = mounted
    sign_in(client)
    for path, form in (
        ("/devices", {"action": "add", "name": "kiosk 9", "place": ""}),
        ("/accounts", {"action": "signed_out", "name": "quan_tri"}),
    ):
        answer = client.post(ROOT + path, data=form)
        assert answer.status_code in (200, 303, 422)
        assert stays(answer.headers.get("location", f"{ROOT}/"))
        assert all(stays(urljoin(f"{ROOT}/", unescape(link))) for link in LINK.findall(answer.text))
    link = room.context.accounts.new_link("quan_tri", "")
    assert client.get(ROOT + link).headers["location"] == f"{ROOT}/briefing"
    assert client.post(f"{ROOT}/account/sign-out").headers["location"] == f"{ROOT}/sign-in"
    leaving = client.post(f"{ROOT}/sign-out")
    assert leaving.headers["location"] == f"{ROOT}/sign-in"
    assert f"Path={ROOT}/;" in leaving.headers["set-cookie"]


@pytest.mark.parametrize(
    "wish",
    ["/elsewhere", "//evil.example", f"{ROOT}//evil", f"{ROOT}/\\evil", f"{ROOT}/sign-out", ""],
)
def test_nobody_is_led_away_after_signing_in(mounted: tuple[Room, TestClient], wish: str) -> None:
    _, client = mounted
    page = client.get(f"{ROOT}/sign-in", params={"next": wish}).text
    assert f'name="next" value="{ROOT}/"' in page


def test_a_missing_file_and_a_wrong_method_are_told_under_the_path(
    mounted: tuple[Room, TestClient],
) -> None:
    _, client = mounted
    missing = client.get(f"{ROOT}/static/none.css")
    assert missing.status_code == 404
    assert all(stays(urljoin(f"{ROOT}/", link)) for link in LINK.findall(missing.text))
    assert client.delete(f"{ROOT}/devices").headers["allow"] == "GET, HEAD, POST"
    assert client.get(f"{ROOT}/api/v1/none").json()["error"]
