"""Posters as they come out of the printer: whole, legible for a phone, or only a warning."""

import io
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from playwright.sync_api import Browser, expect
from pypdf import PdfReader

from kiosk.app import create_app
from kiosk.posters import PAPERS
from kiosk.settings import Settings
from tests.browser.pictures import pixels_of
from tests.conftest import Servers
from tests.kiosk.test_posters import centre_with

pytestmark = pytest.mark.browser

# The most that may stand on a poster: a strip for a demonstration, one for the network, the
# longest of names, and an emblem and colours of the centre's own.
FULL = """[wifi]
name = "Trung tam Hanh chinh cong LChau"
password = "mot mat khau dai nhu the nay thi la dai lam roi 0123456789"
[looks]
emblem = "emblem.svg"
colour = "#1d5c38"
accent = "#8a3b12"
"""
EMBLEM = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0h9v9z"/></svg>'
MEASURE = """() => [...document.querySelectorAll(".poster")].map((poster) => {
  const whole = poster.getBoundingClientRect();
  const parts = [...poster.querySelectorAll("header, .strip, h2, .call, .faces, .code, .join, "
    + ".address, .network, footer p")].map((part) => [part, part.getBoundingClientRect()])
    .filter(([part]) => part.checkVisibility());
  const out = parts.filter(([part, box]) => box.left < whole.left - 0.5 || box.width === 0
    || box.right > whole.right + 0.5 || box.top < whole.top - 0.5
    || box.bottom > whole.bottom + 0.5 || part.scrollWidth > part.clientWidth + 1);
  const over = parts.filter(([part, box]) => parts.some(([other, its]) => other !== part
    && !other.contains(part) && !part.contains(other) && box.left < its.right - 1
    && its.left < box.right - 1 && box.top < its.bottom - 1 && its.top < box.bottom - 1));
  const modules = [...poster.querySelectorAll(".code, .join")].map((code) =>
    (code.clientWidth || code.getBoundingClientRect().width) / 96 * 25.4
      / code.viewBox.baseVal.width);
  return [[...out, ...over].map(([part]) => part.outerHTML.slice(0, 60)), Math.min(...modules)];
})"""


@pytest.mark.parametrize(
    ("url", "audience"),
    [
        ("https://danhgia.trungtamhanhchinhcong.laichau.gov.vn", "citizen"),
        ("http://192.168.100.200:8001", "business"),
    ],
    ids=["public", "network"],
)
def test_everything_on_paper_is_whole_and_every_code_is_read(
    browser: Browser, serve: Servers, tmp_path: Path, url: str, audience: str
) -> None:
    (tmp_path / "emblem.svg").write_text(EMBLEM, "utf-8")
    settings: Any = {"centre": centre_with(tmp_path, FULL), "var": tmp_path, "demo": True}
    app = create_app(Settings(public_url=url, **settings))
    address = serve(app)
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="vi-VN")
    page = context.new_page()
    page.emulate_media(media="print")
    wifi = app.state.context.centre.wifi.joining
    department = "so_van_hoa_the_thao_du_lich"
    chosen = f"department={department}&audience={audience}&confirmed=1"
    for paper in PAPERS:
        page.goto(f"{address}/posters?paper={paper}&{chosen}")
        page.evaluate("document.fonts.ready.then(() => true)")
        expect(page.locator(".emblem").first).to_be_visible()
        for faults, module in page.evaluate(MEASURE):
            assert faults == []
            assert module >= 0.79, "mm a module: a phone at half a metre needs that many"
        assert page.locator("header").first.evaluate("one => getComputedStyle(one).color") == (
            "rgb(255, 255, 255)"
        )
        codes = [
            one
            for one in app.state.context.qr_codes.values()
            if (one.place.department_id, one.audience) == (department, audience) and not one.former
        ]
        on_a_page = {"a4": 1, "a5": 2, "card": 4}[paper]
        wanted = {f"{url}{one.path}" for one in codes[:on_a_page]} | (
            {wifi} if paper != "card" else set()
        )
        picture = pixels_of(page.locator(".sheet").first.screenshot())
        assert {one.text for one in zxingcpp.read_barcodes(picture)} == wanted
        pages = PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True))).pages
        assert len(pages) == -(-len(codes) // on_a_page)
    context.close()


def test_until_it_is_confirmed_only_the_warning_is_printed(
    browser: Browser, serve: Servers, tmp_path: Path
) -> None:
    address = serve(create_app(Settings(centre=centre_with(tmp_path, ""), var=tmp_path)))
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="vi-VN")
    page = context.new_page()
    page.goto(f"{address}/posters?paper=a5")
    expect(page.get_by_role("button", name="In", exact=True)).to_have_count(0)
    expect(page.locator(".sheet")).to_be_visible()
    page.emulate_media(media="print")
    expect(page.locator(".sheet")).to_be_hidden()
    expect(page.get_by_role("alert")).to_contain_text("chỉ mở được trên máy này")
    [sheet] = PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True))).pages
    assert "HAILONG_PUBLIC_URL" in sheet.extract_text()
    page.emulate_media(media="screen")
    page.get_by_role("button", name="Tôi đã hiểu, vẫn in áp phích").click()
    expect(page.get_by_role("button", name="In", exact=True)).to_be_visible()
    page.emulate_media(media="print")
    expect(page.locator(".strip.machine").first).to_be_visible()
    expect(page.locator(".paper-a5 .sheet")).to_be_visible()
    context.close()
