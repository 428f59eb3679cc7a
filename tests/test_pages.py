"""A page whole, or its fragment alone to htmx."""

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from surveys.messages import Messages
from web import Pages

HTMX = {"hx-request-type": "partial"}


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        ({}, "<html>&lt;b&gt;<p>&lt;b&gt;</p></html>"),
        (HTMX, "<p>&lt;b&gt;</p>"),
        ({"hx-request-type": "full"}, "<html>&lt;b&gt;<p>&lt;b&gt;</p></html>"),
        # Back asks for the whole page, whatever it was made of.
        (HTMX | {"hx-history-restore-request": "true"}, "<html>&lt;b&gt;<p>&lt;b&gt;</p></html>"),
    ],
    ids=str,
)
def test_a_page_or_its_fragment(tmp_path: Path, headers: dict[str, str], text: str) -> None:
    (tmp_path / "_x.html").write_text("{% set title = name %}<p>{{ name }}</p>")
    (tmp_path / "base.html").write_text("<html>{{ fragment.title }}{{ fragment }}</html>")
    pages = Pages(tmp_path, Messages({"vi": {}, "en": {}}))

    async def page(request: Request) -> Response:
        return pages.render(request, "x", {"name": "<b>"})

    answer = TestClient(Starlette(routes=[Route("/", page)])).get("/", headers=headers)
    assert answer.text == text
    assert "HX-Request-Type" in answer.headers["vary"]
    assert answer.headers["content-language"] == "vi"
