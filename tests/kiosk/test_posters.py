"""Posters: every place, both audiences, both languages, and codes that say what they must."""

import asyncio
import re
import struct
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from kiosk import qr_images
from kiosk.qr_images import QUIET_ZONE, matrix, png, svg_path, terminal
from tests.kiosk.conftest import Kiosk


def test_there_is_a_poster_for_every_qr_code(lobby: Kiosk) -> None:
    page = lobby.client.get("/posters?department=all").text
    assert page.count("<article") == len(lobby.context.qr_codes)
    assert all(f"127.0.0.1:8001/f/{code}" in page for code in lobby.context.qr_codes)


def test_the_first_posters_shown_are_those_of_the_whole_centre(lobby: Kiosk) -> None:
    page = lobby.client.get("/posters").text
    assert page.count("<article") == 2
    assert page.count(">Toàn Trung tâm<span") == 2
    assert "data-print" in page


def test_every_poster_of_a_demonstration_says_so(make_kiosk: Callable[..., Kiosk]) -> None:
    page = make_kiosk(demo=True).client.get("/posters?department=so_tu_phap").text
    assert page.count('class="demo-mark"') == page.count("<article") == 6


def test_a_poster_speaks_both_languages(lobby: Kiosk) -> None:
    page = lobby.client.get("/posters?department=so_tu_phap&audience=business&paper=a4").text
    for words in ("Sở Tư pháp", "Justice", "Quầy 05", "Counter 05", "Dành cho doanh nghiệp"):
        assert words in page
    assert "Dành cho người dân" not in page
    assert page.count('class="sheet"') == 2  # the department and its two counters, in pairs


def test_bars_and_picture_are_the_same_modules() -> None:
    modules = matrix("https://danhgia.example/f/02DQ93X1")
    side = len(modules)
    drawn = [[False] * side for _ in range(side)]
    for x, y, width in re.findall(r"M(\d+) (\d+)h(\d+)v1", svg_path(modules)):
        for column in range(int(x), int(x) + int(width)):
            drawn[int(y) - QUIET_ZONE][column - QUIET_ZONE] = True
    assert drawn == modules

    data = png("https://danhgia.example/f/02DQ93X1", scale=1)
    width = struct.unpack(">I", data[16:20])[0]
    assert width == side + 2 * QUIET_ZONE
    length = struct.unpack(">I", data[33:37])[0]
    lines = zlib.decompress(data[41 : 41 + length])
    stride = 1 + -(-width // 8)
    for y, row in enumerate(modules):
        line = int.from_bytes(lines[(y + QUIET_ZONE) * stride + 1 : (y + QUIET_ZONE + 1) * stride])
        bits = f"{line:0{(stride - 1) * 8}b}"[QUIET_ZONE : QUIET_ZONE + side]
        assert [bit == "0" for bit in bits] == row


def test_the_terminal_draws_two_rows_a_line() -> None:
    drawn = terminal("https://danhgia.example/f/02DQ93X1")
    side = len(matrix("https://danhgia.example/f/02DQ93X1")) + 2 * QUIET_ZONE
    assert len(drawn.strip("\n").splitlines()) == -(-side // 2)


def test_posters_are_drawn_once_and_beside_the_taps(
    lobby: Kiosk, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[str] = []

    def beside_the_taps() -> None:
        with pytest.raises(RuntimeError):
            asyncio.get_running_loop()

    def counted(text: str) -> list[list[bool]]:
        beside_the_taps()
        drawn.append(text)
        return matrix(text)

    def render(*values: Any, **named: Any) -> Any:
        beside_the_taps()
        return written(*values, **named)

    written = lobby.context.pages.render
    monkeypatch.setattr(qr_images, "matrix", counted)
    monkeypatch.setattr(lobby.context.pages, "render", render)
    qr_images.draw.cache_clear()
    pages = {lobby.client.get("/posters?department=all").text for _ in range(2)}
    assert len(pages) == 1
    assert len(drawn) == len(set(drawn)) == len(lobby.context.qr_codes)
