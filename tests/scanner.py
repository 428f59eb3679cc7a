"""Finds the forms of a room by walking its pages, and probes each as a scanner would.

No probe may be answered with a defect, come back as markup, add a header, lead to another site,
or be taken from another site's page.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

from lxml import html
from starlette.testclient import TestClient

MARKUP = "\"'><svg onload=alert(1)>{{7331*7}}${7331*7}"
ELSEWHERE = "//evil.example/"
PROBES = {
    "markup": MARKUP,
    "header": "vi\r\nX-Probe: 1\r\nSet-Cookie: probe=1",
    "elsewhere": ELSEWHERE,
    "query": "' OR 1=1; DROP TABLE submission; --",
    "path": "../../../../etc/passwd\x00",
    "long": "ế" * 5_000,
    "number": "9" * 400,
    "nothing": "",
}
OWN = "testserver"
MOST_PAGES = 250
SHORT = 400  # characters of a field in an address: clients refuse long ones


@dataclass
class Form:
    """A form as a browser has it; ``files`` where it takes some."""

    page: str
    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    files: bool = False

    @property
    def names(self) -> list[str]:
        """One name of each sort of field: those of a table's rows differ in numbers only."""
        return list({re.sub(r"\d+", "0", name): name for name in self.fields}.values())

    @property
    def kind(self) -> tuple[str, ...]:
        """What makes it another form than the rest: numbers and ids apart."""
        path = re.sub(r"[0-9a-f-]{8,}|\d+", "0", urlsplit(self.action).path)
        return (self.method, path, *sorted(re.sub(r"\d+", "0", name) for name in self.names))


def forms_of(page: str, text: str) -> Iterator[Form]:
    for found in html.fromstring(text).iter("form"):
        form = Form(
            page,
            urljoin(page, found.get("action") or page),
            (found.get("method") or "get").lower(),
            files=found.get("enctype") == "multipart/form-data",
        )
        for each in found.iter("input", "select", "textarea", "button"):
            if name := each.get("name"):
                form.fields.setdefault(name, each.get("value") or "")
        yield form


def walk(client: TestClient, starts: list[str]) -> dict[tuple[str, ...], Form]:
    """One form of each kind, of all pages that links lead to; pages that differ in a query once."""
    waiting, seen = list(starts), set[str]()
    forms: dict[tuple[str, ...], Form] = {}
    while waiting and len(seen) < MOST_PAGES:
        page = waiting.pop(0)
        path = re.sub(r"\d+", "0", urlsplit(page).path)
        if path in seen or "exports" in path or path.startswith(("/static", "/sign-out")):
            continue
        seen.add(path)
        answer = client.get(page)
        if not answer.headers.get("content-type", "").startswith("text/html"):
            continue
        for form in forms_of(page, answer.text):
            forms.setdefault(form.kind, form)
        links = re.findall(r'href="([^"#]+)"', answer.text)
        waiting += [urljoin(page, link) for link in links if not urlsplit(link).netloc]
    return forms


def send(client: TestClient, form: Form, fields: dict[str, str], **headers: str) -> Any:
    if form.method == "get":
        short = {name: value[:SHORT] for name, value in fields.items()}
        return client.get(urlsplit(form.action).path, params=short, headers=headers)
    if form.files:
        parts = {name: (None, value) for name, value in fields.items()}
        return client.post(form.action, files=parts, headers=headers)
    return client.post(form.action, data=fields, headers=headers)


def holds(answer: Any, probe: str, form: Form, name: str) -> None:
    """What must be so of an answer, whatever was sent."""
    said = f"{probe} in {name or 'all fields'} of {form.kind} on {form.page}"
    assert answer.status_code < 500, said
    assert "<svg onload" not in answer.text, said
    assert "51317" not in answer.text, said  # the product, where a template computed it
    assert "x-probe" not in answer.headers, said
    assert "probe" not in answer.cookies, said
    assert answer.headers["x-content-type-options"] == "nosniff", said
    assert "script-src 'self'" in answer.headers["content-security-policy"], said
    assert "Traceback" not in answer.text, said
    to = urlsplit(urljoin(f"http://{OWN}/", answer.headers.get("location", "")))
    assert to.netloc == OWN, said
    for cookie in answer.headers.get_list("set-cookie"):
        assert "samesite=" in cookie.lower(), said
        ended = "max-age=0" in cookie.lower()
        assert ended or cookie.startswith("lang=") or "httponly" in cookie.lower(), said


def probe(
    client: TestClient, forms: dict[tuple[str, ...], Form], renew: Callable[[], None]
) -> None:
    selected: set[str] = set()  # fields of a selection, which all pages read by the same code
    for form in forms.values():
        if form.method == "post":
            foreign = send(client, form, form.fields, origin="https://evil.example")
            assert foreign.status_code == 403, form
            # A browser's own word on a foreign page, where it sends no origin.
            assert send(client, form, {}, **{"sec-fetch-site": "cross-site"}).status_code == 403
        holds(send(client, form, {}), "no field", form, "")
        for name, text in PROBES.items():
            if form.method == "get" and name not in ("markup", "elsewhere", "number"):
                continue
            answer = send(client, form, dict.fromkeys(form.fields, text))
            holds(answer, name, form, "")
            if answer.status_code in (401, 403):
                renew()
        for name in form.names:
            if form.method == "get" and name in selected:
                continue
            selected.add(name)
            answer = send(client, form, {**form.fields, name: ELSEWHERE + MARKUP})
            holds(answer, "one field", form, name)
        renew()
