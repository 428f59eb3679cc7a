"""Posters: every place, both audiences, both languages, and codes that say what they must."""

import asyncio
import re
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zxingcpp
from qrcode.constants import ERROR_CORRECT_M, ERROR_CORRECT_Q  # type: ignore[import-untyped]

import qr_images
from kiosk.posters import PAPERS
from qr_images import LEVEL, QUIET_ZONE, draw, matrix, png, svg_path, terminal
from tests.kiosk.conftest import CENTRE, Kiosk

PUBLIC = "https://gopy.laichau.gov.vn"
WIFI = """[wifi]
name = 'Khách <b> "1;2"'
password = 'a\\b;c:d,e'
"""


def centre_with(folder: Path, part: str) -> Path:
    """The sample's centre file with one more part."""
    head, counters, rest = CENTRE.read_text("utf-8").partition("\n[[departments]]")
    head = head.replace('published = "', '# published = "')
    file = folder / "centre.toml"
    file.write_text(f"{head}\n{part}{counters}{rest}", "utf-8")
    return file


def decoded(modules: list[list[bool]]) -> list[str]:
    """What a decoder reads on a picture of a code's modules, with its quiet zone."""
    dark = np.kron(np.pad(np.array(modules), QUIET_ZONE), np.ones((6, 6)))
    picture = np.where(dark > 0, 0, 255).astype(np.uint8)
    return [one.text for one in zxingcpp.read_barcodes(picture)]


def test_there_is_a_poster_for_every_qr_code(lobby: Kiosk) -> None:
    page = lobby.client.get("/posters?department=all").text
    codes = [one.code for one in lobby.context.qr_codes.values() if not one.former]
    assert page.count("<article") == len(codes)
    assert all(f"127.0.0.1:8001/f/{code}" in page for code in codes)


def test_the_first_posters_shown_are_those_of_the_whole_centre(
    make_kiosk: Callable[..., Kiosk],
) -> None:
    page = make_kiosk(public_url=PUBLIC).client.get("/posters").text
    assert page.count("<article") == 2
    assert page.count(">Toàn Trung tâm<span") == 2
    assert "data-print" in page


def test_every_poster_of_a_demonstration_says_so(make_kiosk: Callable[..., Kiosk]) -> None:
    page = make_kiosk(demo=True).client.get("/posters?department=so_tu_phap").text
    assert page.count('class="demo-mark strip"') == page.count("<article") == 6


def test_a_poster_speaks_both_languages(lobby: Kiosk) -> None:
    page = lobby.client.get("/posters?department=so_tu_phap&audience=business&paper=a5").text
    for words in ("Sở Tư pháp", "Justice", "Quầy 05", "Counter 05", "Dành cho doanh nghiệp"):
        assert words in page
    assert "Dành cho người dân" not in page
    assert page.count('class="sheet"') == 2  # the department and its two counters, in pairs


@pytest.mark.parametrize(
    ("url", "reach"),
    [
        (PUBLIC, None),
        ("http://127.0.0.1:8001", "machine"),
        ("http://192.168.1.50:8001", "network"),
    ],
)
def test_what_phones_cannot_open_is_printed_only_after_a_word_of_warning(
    make_kiosk: Callable[..., Kiosk], url: str, reach: str | None
) -> None:
    kiosk = make_kiosk(public_url=url)
    for paper in PAPERS:
        first, confirmed = (
            kiosk.client.get(f"/posters?paper={paper}{more}").text for more in ("", "&confirmed=1")
        )
        assert ('class="reach held" role="alert"' in first) == (reach is not None)
        assert ("data-print" in first) == (reach is None)
        assert "data-print" in confirmed
        for page in (first, confirmed):
            assert (f"CẢNH BÁO</strong> {url}" in page) == (reach is not None)
            strips = page.count(f'<p class="strip {reach}">')
            assert strips == (page.count("<article") if reach else 0)
            assert "&lt;" not in page


def test_a_poster_names_the_wifi_and_can_join_it(
    make_kiosk: Callable[..., Kiosk], tmp_path: Path
) -> None:
    url = "http://192.168.1.50:8001"
    kiosk = make_kiosk(centre=centre_with(tmp_path, WIFI), public_url=url)
    page = kiosk.client.get("/posters?paper=a5").text
    assert page.count("Trước hết, vào Wi-Fi") == page.count("<article") == 2
    assert page.count("<b>Khách &lt;b&gt; &#34;1;2&#34;</b>") == 2
    assert page.count("<b>a\\b;c:d,e</b>") == 2
    wifi = 'WIFI:T:WPA;S:Khách <b> \\"1\\;2\\";P:a\\\\b\\;c\\:d\\,e;;'
    assert page.count(draw(wifi).path) == 2
    card = kiosk.client.get("/posters?paper=card").text
    assert "Trước hết, vào Wi-Fi" in card
    assert draw(wifi).path not in card  # there is no room for it
    public = make_kiosk(centre=kiosk.context.settings.centre, public_url=PUBLIC)
    assert "Wi-Fi dành cho khách" in public.client.get("/posters").text


def test_a_decoder_reads_what_was_drawn() -> None:
    for text in (f"{PUBLIC}/f/7K4MP2QR9XWT", 'WIFI:T:WPA;S:Trung tâm \\"1\\";P:a\\;b\\\\cdefg;;'):
        assert decoded(matrix(text)) == [text]


def test_a_code_is_read_with_a_sixth_of_it_covered_and_one_of_a_lower_level_is_not() -> None:
    """`python -m tests.bench codes` has the figures for damage of other kinds."""
    address = f"{PUBLIC}/f/7K4MP2QR9XWT"

    def readable(level: int) -> bool:
        modules = matrix(address, level)
        side = len(modules)
        covered = range(side // 2 - round(0.21 * side), side // 2 + round(0.21 * side))
        for y in covered:
            for x in covered:
                modules[y][x] = True
        assert len(covered) ** 2 / side**2 > 1 / 6
        return decoded(modules) == [address]

    assert readable(LEVEL)
    assert not readable(ERROR_CORRECT_Q)
    assert not readable(ERROR_CORRECT_M)


def test_bars_and_picture_are_the_same_modules() -> None:
    modules = matrix("https://danhgia.example/f/7K4MP2QR9XWT")
    side = len(modules)
    drawn = [[False] * side for _ in range(side)]
    for x, y, width in re.findall(r"M(\d+) (\d+)h(\d+)v1", svg_path(modules)):
        for column in range(int(x), int(x) + int(width)):
            drawn[int(y) - QUIET_ZONE][column - QUIET_ZONE] = True
    assert drawn == modules

    data = png("https://danhgia.example/f/7K4MP2QR9XWT", scale=1)
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
    drawn = terminal("https://danhgia.example/f/7K4MP2QR9XWT")
    side = len(matrix("https://danhgia.example/f/7K4MP2QR9XWT")) + 2 * QUIET_ZONE
    assert len(drawn.strip("\n").splitlines()) == -(-side // 2)


def test_posters_are_drawn_once_and_beside_the_taps(
    lobby: Kiosk, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[str] = []

    def beside_the_taps() -> None:
        with pytest.raises(RuntimeError):
            asyncio.get_running_loop()

    def counted(text: str, level: int) -> list[list[bool]]:
        beside_the_taps()
        drawn.append(text)
        return matrix(text, level)

    def render(*values: Any, **named: Any) -> Any:
        beside_the_taps()
        return written(*values, **named)

    written = lobby.context.pages.render
    monkeypatch.setattr(qr_images, "matrix", counted)
    monkeypatch.setattr(lobby.context.pages, "render", render)
    qr_images.draw.cache_clear()
    pages = {lobby.client.get("/posters?department=all").text for _ in range(2)}
    assert len(pages) == 1
    codes = [one for one in lobby.context.qr_codes.values() if not one.former]
    assert len(drawn) == len(set(drawn)) == len(codes)
