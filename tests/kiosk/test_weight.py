"""What it weighs: the phone's form over the wire, and the process in memory."""

import random
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kiosk.qr_codes import Audience
from tests.kiosk.conftest import CENTRE, ROOT, Kiosk, hidden
from tests.kiosk.test_posters import centre_with

FIRST_VIEW = 14 * 1024
ALL_THAT_IS_SENT = 24 * 1024
STATIC = ROOT / "static"


@pytest.mark.parametrize("audience", ["citizen", "business"])
@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_first_view_of_a_phone_is_at_most_14_kb(
    lobby: Kiosk, audience: Audience, language: str
) -> None:
    page = lobby.client.get(f"/f/{lobby.code(audience)}?lang={language}")
    needed = re.findall(r'<link rel="stylesheet" href="([^"]+)"', page.text)
    pictures = re.findall(r'<img[^>]+src="([^"]+)"', page.text)
    assert len(needed) == 2
    assert all(
        ' type="module"' in script or " defer" in script
        for script in re.findall(r"<script[^>]*>", page.text)
    )
    first = sum(over_the_wire(lobby, path) for path in (page.url, *needed, *pictures))
    everything = first + sum(over_the_wire(lobby, path) for path in scripts(page.text))
    everything += sent(thanks(lobby, audience, page.text))
    print(f"{audience} {language}: first view {first} bytes, everything {everything} bytes")
    assert first <= FIRST_VIEW
    assert everything <= ALL_THAT_IS_SENT


def test_an_emblem_and_colours_have_room_on_a_phone_and_a_large_one_stays_away(
    make_kiosk: Callable[..., Kiosk], tmp_path: Path
) -> None:
    def kiosk(emblem: int) -> Kiosk:
        looks = f'[looks]\nemblem = "{emblem}.svg"\ncolour = "#1d5c38"\naccent = "#8a3b12"\n'
        path = random.Random(1).choices("0123456789", k=emblem)
        svg = f'<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0h{"".join(path)}"/></svg>'
        (tmp_path / f"{emblem}.svg").write_text(svg, "utf-8")
        return make_kiosk(centre=centre_with(tmp_path, looks))

    added = tmp_path / "languages" / "hmn"  # a third language has a menu of its own
    added.mkdir(parents=True)
    (added / "language.toml").write_text('name = "Hmoob"', "utf-8")
    (added / "messages.toml").write_text("", "utf-8")
    small = kiosk(4_700)  # just under 2,500 bytes as it is sent: the most that a phone is given
    page = small.client.get(f"/f/{small.code('business')}?lang=vi")
    needed = re.findall(r'<link rel="stylesheet" href="([^"]+)"', page.text)
    emblem = re.findall(r'<img[^>]+src="([^"]+)"', page.text)
    assert (len(needed), len(emblem)) == (4, 1)
    first = sum(over_the_wire(small, path) for path in (page.url, *needed, *emblem))
    everything = first + sum(over_the_wire(small, path) for path in scripts(page.text))
    everything += sent(thanks(small, "business", page.text))
    print(f"own looks: first view {first} bytes, everything {everything} bytes")
    assert first <= FIRST_VIEW
    assert everything <= ALL_THAT_IS_SENT
    large = kiosk(6_000)
    assert '<img class="emblem"' in large.client.get("/").text
    page = large.client.get(f"/f/{large.code()}")
    assert "<img" not in page.text
    assert 'class="lotus"' in page.text


def thanks(lobby: Kiosk, audience: Audience, page: str) -> Any:
    """The answer to the form, as static/js/phone.js asks for it."""
    question = "rating" if audience == "citizen" else "b1_1"
    fields = {name: hidden(page, name) for name in ("visit", "fingerprint")}
    headers = {"hx-request": "true", "hx-request-type": "partial"}
    answer = lobby.client.post(
        f"/f/{lobby.code(audience)}", data={**fields, question: "4"}, headers=headers
    )
    assert "received-screen" in answer.text
    return answer


def over_the_wire(lobby: Kiosk, path: object) -> int:
    """The bytes of an answer as it is sent, with its head."""
    answer = lobby.client.get(str(path))
    assert answer.status_code == 200, path
    return sent(answer)


def sent(answer: Any) -> int:
    head = sum(len(name) + len(value) + 4 for name, value in answer.headers.raw)
    assert answer.headers.get("content-encoding") == "gzip" or len(answer.content) < 500
    return head + int(answer.headers["content-length"])


def scripts(page: str) -> set[str]:
    """The addresses of a page's scripts and of all modules that they import."""
    found = re.findall(r'<script[^>]+src="([^"]+)"', page)
    found += re.findall(r'<link rel="modulepreload" href="([^"]+)"', page)
    assert found
    for path in found:
        text = (STATIC / path.partition("?")[0].removeprefix("/static/")).read_text("utf-8")
        folder = path.rpartition("/")[0]
        found += [f"{folder}/{name}" for name in re.findall(r'from "\./([^"]+)"', text)]
    return set(found)


def test_no_font_is_fetched_by_a_phone(lobby: Kiosk) -> None:
    page = lobby.client.get(f"/f/{lobby.code()}").text
    assert "be-vietnam-pro" not in page


def test_pages_hold_no_inline_style_or_script(lobby: Kiosk) -> None:
    for path in ("/", "/rate/all", "/farewell", "/posters", f"/f/{lobby.code()}", "/nothing"):
        page = lobby.client.get(path).text
        assert " style=" not in page
        assert "<style" not in page
        assert not re.search(r"<script(?![^>]*\bsrc=)", page)
        assert not re.search(r"\s(on\w+|hx-on\S*)=", page)


MEMORY = """
import asyncio, sys
from pathlib import Path
import kiosk.__main__
from kiosk.app import create_app
from kiosk.settings import Settings

app = create_app(Settings(centre=Path(sys.argv[1]), var=Path(sys.argv[2])))
context = app.state.context

async def visit(path):
    sent = []
    async def receive(): return {"type": "http.request", "body": b"", "more_body": False}
    async def send(message): sent.append(message)
    scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode(),
             "query_string": b"", "headers": [(b"host", b"localhost")],
             "http_version": "1.1", "scheme": "http",
             "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 1), "root_path": ""}
    await app(scope, receive, send)
    assert sent[0]["status"] == 200, path

for path in ["/", "/posters", *(one.path for one in context.qr_codes.values() if not one.former)]:
    asyncio.run(visit(path))
heavy = {"pandas", "numpy", "scipy", "sqlalchemy", "sqlmodel", "altair", "statsmodels", "PIL"}
print(sorted(heavy & {name.partition(".")[0] for name in sys.modules}))
print(next(line for line in open("/proc/self/status") if line.startswith("VmRSS")).split()[1])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_process_is_light_and_knows_no_statistics(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, str(CENTRE), str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    heavy, kilobytes = done.stdout.split("\n")[:2]
    assert heavy == "[]"
    print(f"resident: {int(kilobytes) // 1024} MB")
    assert int(kilobytes) <= 90 * 1024
