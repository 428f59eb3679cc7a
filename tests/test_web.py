"""What both web rooms share: headers, assets, hostile forms, language, compression."""

import socket
import unicodedata
from urllib.parse import urlencode, urlsplit

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

import web
from surveys.wire import MAX_COMMENT
from tests.conftest import Servers
from web import SECURITY_HEADERS, Application, Assets, asset, language_of, read_form, vendor

FORM = {"content-type": "application/x-www-form-urlencoded"}


async def echo(request: Request) -> Response:
    return JSONResponse(await read_form(request, limit=1_000))


async def say(request: Request) -> Response:
    negotiate = "fixed" not in request.query_params
    return PlainTextResponse(language_of(request, negotiate=negotiate))


async def long(request: Request) -> Response:
    return PlainTextResponse("dài " * 1_000)


async def kept(request: Request) -> Response:
    return HTMLResponse("", headers={"cache-control": "max-age=60", "x-content-type-options": "x"})


async def broken(request: Request) -> Response:
    raise ZeroDivisionError


async def kind_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return PlainTextResponse("kind", status)


@pytest.fixture
def client() -> TestClient:
    """A small application inside a Guard."""
    app = Application(
        routes=[
            Route("/echo", echo, methods=["POST"]),
            Route("/say", say),
            Route("/long", long),
            Route("/kept", kept),
            Route("/broken", broken),
            Mount("/static", Assets(), name="static"),
        ],
        exception_handlers={HTTPException: kind_error, Exception: kind_error},
    )
    return TestClient(app, raise_server_exceptions=False)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/say", 200),
        ("/long", 200),
        ("/static/css/base.css", 200),
        ("/static/nothing.css", 404),
        ("/nothing", 404),
        ("/echo", 405),
        ("/broken", 500),
    ],
)
def test_every_answer_has_the_security_headers(client: TestClient, path: str, status: int) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    for name, value in SECURITY_HEADERS.items():
        assert answer.headers[name] == value


def test_a_refused_request_has_them_too(client: TestClient) -> None:
    answer = client.post("/echo", headers={"origin": "https://evil.example"})
    assert answer.status_code == 403
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "unsafe" not in answer.headers["content-security-policy"]


def test_pages_are_not_stored_unless_they_say_so(client: TestClient) -> None:
    assert client.get("/say").headers["cache-control"] == "no-store"
    assert client.get("/kept").headers["cache-control"] == "max-age=60"


def test_a_versioned_address_is_kept_and_a_bare_one_is_asked_for_again(client: TestClient) -> None:
    versioned = client.get(asset("css/base.css"))
    assert versioned.status_code == 200
    assert versioned.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert client.get("/static/css/base.css").headers["cache-control"] == "no-cache"
    library = client.get(vendor("htmx.org", "htmx.min.js"))
    assert library.status_code == 200
    assert "immutable" in library.headers["cache-control"]
    etag = client.get("/static/css/base.css").headers["etag"]
    again = client.get("/static/css/base.css", headers={"if-none-match": etag})
    assert again.status_code == 304


@pytest.mark.parametrize("path", ["/static/../web.py", "/static/%2e%2e/web.py", "/static//web.py"])
def test_nothing_outside_the_static_folder_is_served(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "http://testserver"},
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
        {"origin": "http://testserver", "sec-fetch-site": "same-origin"},
    ],
    ids=str,
)
def test_our_own_pages_may_post(client: TestClient, headers: dict[str, str]) -> None:
    assert client.post("/echo", data={"a": "1"}, headers=headers).json() == {"a": ["1"]}


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://testserver.evil.example"},
        {"origin": "http://testserver:81"},
        {"origin": "null"},
        {"origin": ""},
        {"origin": "http://testserver", "sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": ""},
    ],
    ids=str,
)
def test_another_sites_pages_may_not(client: TestClient, headers: dict[str, str]) -> None:
    assert client.post("/echo", data={"a": "1"}, headers=headers).status_code == 403


def test_a_form_keeps_order_doubles_and_blanks(client: TestClient) -> None:
    answer = client.post("/echo", content="a=1&b=&a=%C6%B0%E1%BB%9Bc", headers=FORM)
    assert answer.json() == {"a": ["1", "ước"], "b": [""]}


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"a=" + b"x" * 998, 200),
        (b"a=" + b"x" * 999, 413),
        (b"a=" + b"x" * 1_000_000, 413),
        (b"a=\xff\xfe", 400),
        (b"a=%ff", 400),
        (b"a=%ed%a0%80", 400),  # half a surrogate pair
        (b"a&" * 499, 200),
        (b"", 200),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_form_that_is_too_large_or_no_text_is_refused(
    client: TestClient, content: bytes, status: int
) -> None:
    assert client.post("/echo", content=content, headers=FORM).status_code == status


def test_a_chunked_body_is_cut_off_at_the_limit(client: TestClient) -> None:
    taken = 0

    def body() -> object:
        nonlocal taken
        for _ in range(100):
            taken += 1
            yield b"a" * 500

    assert client.post("/echo", content=body(), headers=FORM).status_code == 413  # type: ignore[arg-type]


async def _form(request: Request) -> Response:
    return JSONResponse(await read_form(request))


PLAIN_FORM = Application(
    routes=[Route("/", _form, methods=["POST"])],
    exception_handlers={HTTPException: kind_error},
)


def test_a_form_has_room_for_the_longest_comment_and_not_for_much_more() -> None:
    client = TestClient(PLAIN_FORM)
    for letter in ("\U00020000", unicodedata.normalize("NFD", "ậ"), "\r\n"):
        comment = urlencode({"comment": letter * MAX_COMMENT})
        assert client.post("/", content=comment, headers=FORM).status_code == 200
    assert client.post("/", content="a=" + "b" * 65_534, headers=FORM).status_code == 200
    assert client.post("/", content="a=" + "b" * 65_535, headers=FORM).status_code == 413


@pytest.mark.parametrize(("announced", "status"), [(65_537, b"413"), (65_536, b"408")])
def test_a_body_is_not_waited_for_in_vain(
    serve: Servers, monkeypatch: pytest.MonkeyPatch, announced: int, status: bytes
) -> None:
    monkeypatch.setattr(web, "BODY_SECONDS", 0.05 if status == b"408" else 1e9)
    address = urlsplit(serve(PLAIN_FORM))
    head = f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {announced}\r\n"
    kind = f"Content-Type: {FORM['content-type']}\r\n\r\na"
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
        connection.sendall((head + kind).encode())
        assert connection.recv(12) == b"HTTP/1.1 " + status


@pytest.mark.parametrize("length", ["", "many", "-1", "0" * 5_000 + "1"], ids=len)
def test_a_length_that_nobody_can_read_is_no_error_of_ours(client: TestClient, length: str) -> None:
    headers = FORM | {"content-length": length}
    assert client.post("/echo", content=b"a=1", headers=headers).json() == {"a": ["1"]}


def test_a_form_of_a_thousand_fields_is_refused() -> None:
    many = "&".join(f"f{n}=1" for n in range(1_000))
    answer = TestClient(PLAIN_FORM).post("/", content=many, headers=FORM)
    assert answer.status_code == 400


@pytest.mark.parametrize("kind", ["", "text/plain", "application/json", "multipart/form-data"])
def test_another_type_of_body_is_refused(client: TestClient, kind: str) -> None:
    answer = client.post("/echo", content=b"a=1", headers={"content-type": kind})
    assert answer.status_code == 415


def test_the_type_may_name_its_charset(client: TestClient) -> None:
    headers = {"content-type": "Application/X-WWW-Form-URLEncoded; charset=UTF-8"}
    assert client.post("/echo", content=b"a=1", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("query", "cookie", "wish", "language"),
    [
        ("", "", "", "vi"),
        ("", "", "en-US,en;q=0.9", "en"),
        ("", "", "fr", "vi"),
        ("", "vi", "en", "vi"),
        ("?lang=en", "vi", "vi", "en"),
        ("?lang=xx", "en", "vi", "en"),
        ("?lang=xx", "yy", "vi", "vi"),
        ("?fixed", "", "en-US", "vi"),
        ("?fixed", "en", "vi", "en"),
        ("", "", ";;q=,,=x" * 50, "vi"),
    ],
)
def test_the_language_of_an_asker(
    client: TestClient, query: str, cookie: str, wish: str, language: str
) -> None:
    headers = {"accept-language": wish} | ({"cookie": f"lang={cookie}"} if cookie else {})
    assert client.get(f"/say{query}", headers=headers).text == language


def test_long_answers_are_compressed_for_those_who_can(client: TestClient) -> None:
    packed = client.get("/long", headers={"accept-encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.text == "dài " * 1_000
    plain = client.get("/long", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert "content-encoding" not in client.get("/say").headers
