"""The ring around what has the focus stands out on every ground: WCAG 2.2, criterion 1.4.11.

It has two tones. Where they are 9:1 apart, one of them has at least 3:1 on any ground between.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from kiosk.app import create_app
from kiosk.settings import Settings
from tests.browser.test_legible import press
from tests.browser.test_phone import form
from tests.browser.test_touch import kiosk
from tests.conftest import Servers
from tests.kiosk.test_looks import centre_with

OWN = 'colour = "#1d5c38"\naccent = "#8a3b12"'

# A sentence for each thing that can be focused and whose ring does not stand out everywhere.
FAULTS = """() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const light = (colour) => {
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3)
      .map((one) => one / 255)
      .map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, other) => {
    const [dark, bright] = [light(one), light(other)].sort((a, b) => a - b);
    return (bright + 0.05) / (dark + 0.05);
  };
  const forced = matchMedia("(forced-colors: active)").matches;
  const faults = [];
  const all = "a[href], button, input, textarea, select, summary";
  let looked = 0;
  for (const one of document.querySelectorAll(all)) {
    if (!one.checkVisibility() || one.matches("[tabindex='-1'], .visually-hidden")) continue;
    one.focus({ focusVisible: true, preventScroll: true });
    if (document.activeElement !== one) continue;
    looked += 1;
    const ring = one.closest(".screen .answer:has(input:focus-visible)");
    const shown = [one, ring].filter(Boolean).map((element) => getComputedStyle(element))
      .find((style) => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2);
    const name = one.outerHTML.slice(0, 80);
    if (!shown) { faults.push(`no ring: ${name}`); continue; }
    const inner = shown.boxShadow.match(/^(.*?\\)) 0px 0px 0px [2-9]/);
    if (forced) {
      const ratio = contrast(shown.outlineColor, "Canvas");
      if (ratio < 3) faults.push(`${ratio} in forced colours: ${name}`);
    } else if (!inner) {
      faults.push(`one tone, ${shown.boxShadow}: ${name}`);
    } else if (contrast(shown.outlineColor, inner[1]) < 9) {
      faults.push(`${contrast(shown.outlineColor, inner[1])}: ${name}`);
    }
  }
  if (!looked) faults.push("nothing was focused");
  return faults;
}"""


@pytest.fixture
def page(browser: Browser, serve: Servers) -> Iterator[Page]:
    # With ``serve``, so that its servers outlive the page, which asks whether they are there.
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="vi-VN")
    yield context.new_page()
    context.close()


@pytest.mark.browser
def test_a_ring_stands_out_on_every_ground(page: Page, serve: Servers, tmp_path: Path) -> None:
    found = {}

    def look(where: str) -> None:
        page.emulate_media(forced_colors="active")
        found[f"{where}, forced colours"] = page.evaluate(FAULTS)
        page.emulate_media(forced_colors="none")
        found[where] = page.evaluate(FAULTS)
        page.evaluate("document.documentElement.dataset.contrast = 'high'")
        found[f"{where}, high contrast"] = page.evaluate(FAULTS)

    desk = kiosk(tmp_path / "desk", counter="q05")
    url = serve(desk)
    page.goto(url)
    look("faces")
    press(page, ".rating")
    look("thanks")
    press(page, "[name=then][value=survey]")
    look("step")
    centre = centre_with(tmp_path, OWN)
    page.goto(serve(create_app(Settings(centre=centre, var=tmp_path / "own", counter="q05"))))
    found["own colours"] = page.evaluate(FAULTS)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for audience in ("citizen", "business"):
            page.goto(form(url, audience))
            found[f"phone, {audience}, {scheme}"] = page.evaluate(FAULTS)
    assert {where: faults for where, faults in found.items() if faults} == {}
