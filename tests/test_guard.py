"""Both rooms answer to their own names only, send nobody elsewhere, and say what they allow."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from aggregator.dashboard.app import create_app as create_aggregator
from aggregator.settings import Settings as AggregatorSettings
from aggregator.storage.migrations import migrate
from aggregator.storage.store import Store
from kiosk.app import create_app as create_kiosk
from kiosk.settings import Settings as KioskSettings
from tests.conftest import Servers
from tests.programs import ROOT

CENTRE = ROOT / "deploy" / "lai_chau.toml"
EVIL = "evil.example"
Make = Callable[..., Starlette]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Makes ``"aggregator"`` or ``"kiosk"`` from settings."""
    ends: list[Callable[[], None]] = []

    def make(room: str, **settings: Any) -> Starlette:
        if room == "kiosk":
            app = create_kiosk(KioskSettings(centre=CENTRE, var=tmp_path, **settings))
            ends.append(app.state.context.outbox.close)
            return app
        given = AggregatorSettings(centre=CENTRE, var=tmp_path, **settings)
        store = Store(given.database)
        migrate(store.engine)
        store.close()
        app = create_aggregator(given)
        ends.append(app.state.context.store.close)
        return app

    yield make
    for end in ends:
        end()


def client_of(app: Starlette, host: str = "testserver") -> TestClient:
    """A client that names this host, whatever the address it connects to."""
    return TestClient(app, headers={"host": host}, follow_redirects=False)


ROOMS = pytest.mark.parametrize("room", ["aggregator", "kiosk"])


@ROOMS
@pytest.mark.parametrize(
    "path", ["/trends/", "/posters/", "/static", "/status/", "/f/", "/nowhere/"]
)
def test_nobody_is_sent_to_a_host_that_only_the_sender_named(
    make: Make, room: str, path: str
) -> None:
    app = make(room, allowed_hosts="gopy.example.vn")
    answer = client_of(app, EVIL).get(path)
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert EVIL not in answer.text
    for host in ("gopy.example.vn", "testserver:81"):
        answer = client_of(app, host).get(path)
        assert re.match(rf"http://{host}/|/|$", answer.headers.get("location", ""))


@ROOMS
@pytest.mark.parametrize(
    "host",
    [
        EVIL,
        f"{EVIL}:8001",
        "192.0.2.66",
        "[2001:db8::66]",
        "localhost.evil.example",
        "localhost@evil.example",
        "localhost:80@evil.example",
        "evil.example#localhost",
        "testserver, evil.example",
        "testserver/evil.example",
        "testserver.",
        "testserver:x",
        "[::1",
        "",
        " ",
        "*",
    ],
)
def test_a_foreign_host_is_told_so_in_two_languages(make: Make, room: str, host: str) -> None:
    client = client_of(make(room), host)
    for path in ("/", "/health", "/static/css/base.css", "/api/v1/submissions"):
        answer = client.get(path)
        assert answer.status_code == 400
        assert "Máy chủ này" in answer.text
        assert "HAILONG_ALLOWED_HOSTS" in answer.text
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"


@ROOMS
@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8001", "127.0.0.1", "[::1]:8001", "testserver", "testserver:1"]
)
def test_this_machine_and_the_address_it_is_reached_by_need_no_setting(
    make: Make, room: str, host: str
) -> None:
    assert client_of(make(room), host).get("/static/css/base.css").status_code == 200


@ROOMS
@pytest.mark.parametrize(
    ("settings", "host"),
    [
        ({"allowed_hosts": "quay05, 10.0.0.9"}, "quay05:8001"),
        ({"allowed_hosts": "quay05, 10.0.0.9"}, "10.0.0.9"),
        ({"host": "quay05"}, "quay05"),
        ({"public_url": "https://gopy.example.vn"}, "gopy.example.vn"),
        ({"dashboard_url": "https://quanly.example.vn/"}, "quanly.example.vn"),
    ],
)
def test_hosts_of_the_settings_are_answered(
    make: Make, room: str, settings: dict[str, str], host: str
) -> None:
    here = KioskSettings if room == "kiosk" else AggregatorSettings
    known = settings.keys() <= here.model_fields.keys()
    app = make(room, **(settings if known else {}))
    answer = client_of(app, host).get("/static/css/base.css")
    assert answer.status_code == (200 if known else 400)


def test_two_hosts_in_one_request_are_the_first(make: Make) -> None:
    """The one that Starlette's own redirect names."""
    client = TestClient(make("aggregator"), follow_redirects=False)
    first = client.get("/trends/", headers=[("host", EVIL), ("host", "localhost")])
    assert first.status_code == 400
    second = client.get("/trends/", headers=[("host", "localhost"), ("host", EVIL)])
    assert second.headers["location"] == "http://localhost/trends"


def test_a_page_under_a_rebound_name_cannot_rate(make: Make, serve: Servers) -> None:
    """DNS rebinding: the browser takes page and kiosk for one site, and both names are foreign."""
    app = make("kiosk")
    url = serve(app)
    port = url.rpartition(":")[2]
    name = f"{EVIL}:{port}"
    fields = {"visit": str(uuid4()), "department": "so_tu_phap", "rating": "1"}
    fields["fingerprint"] = app.state.context.surveys["in_centre"].fingerprint
    headers = {"host": name, "origin": f"http://{name}", "sec-fetch-site": "same-origin"}
    with httpx2.Client(base_url=url, trust_env=False) as client:
        assert client.get("/rate/so_tu_phap", headers={"host": name}).status_code == 400
        assert client.post("/rate", data=fields, headers=headers).status_code == 400
        assert app.state.context.outbox.pending(10) == []
        own = {name: value for name, value in headers.items() if name == "sec-fetch-site"}
        assert client.post("/rate", data=fields, headers=own).status_code == 303


def test_any_address_of_this_machine_is_its_own(make: Make, serve: Servers) -> None:
    """As phones of the same network ask, at whatever address the network gave this machine."""
    url = serve(make("kiosk"))
    port = url.rpartition(":")[2]
    with httpx2.Client(trust_env=False) as client:
        assert client.get(url, headers={"host": f"127.0.0.1:{port}"}).status_code == 200
        assert client.get(url, headers={"host": "127.0.0.2"}).status_code == 400


# One value for each parameter of a path.
EXAMPLES = {
    "code": "x",
    "day": "2026-11-23",
    "department": "so_tu_phap",
    "format": "pdf",
    "file": "0.wav",
    "id": "x",
    "key": "x",
    "kind": "day",
    "number": "1",
    "secret": "x",
    "section": "x",
    "serial": "1",
    "step": "1",
    "word": "x",
}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE")


@ROOMS
def test_a_wrong_method_is_told_the_right_ones_on_every_route(make: Make, room: str) -> None:
    app = make(room)
    taken: dict[str, set[str]] = defaultdict(set)
    for route in app.routes:
        if isinstance(route, Mount):
            taken[f"{route.path}/css/base.css"] = {"GET", "HEAD"}
        else:
            assert isinstance(route, Route)
            assert route.methods
            taken[route.path_format.format(**EXAMPLES)] |= route.methods
    client = TestClient(app, follow_redirects=False, raise_server_exceptions=False)
    for path, methods in taken.items():
        for method in METHODS:
            answer = client.request(method, path)
            assert (answer.status_code == 405) == (method not in methods), (method, path)
            if answer.status_code == 405:
                assert answer.headers.get_list("allow") == [", ".join(sorted(methods))]
            else:
                assert "allow" not in answer.headers
