"""Takes the README's three pictures from a simulated quarter: ``make screenshots``."""

import os
import subprocess
import sys
import tempfile
from urllib.parse import urljoin

from playwright.sync_api import Page, sync_playwright

from tests.bench.servers import ROOT
from tests.conftest import CHROMIUM_FLAGS, chromium_path
from tests.programs import free_port

PICTURES = ROOT / "deploy" / "screenshots"


def main() -> None:
    """Start the demonstration on free ports, and picture touch screen, phone and dashboard."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as var:
        ports = {"HAILONG_PORT": str(free_port()), "HAILONG_KIOSK_PORT": str(free_port())}
        centre = subprocess.Popen(
            [sys.executable, "standalone.py", "--demo"],
            cwd=ROOT,
            env={**os.environ, **ports, "HAILONG_VAR": var, "HAILONG_KIOSK_HOST": "127.0.0.1"},
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            addresses = _addresses(centre)
            _take(addresses, f"http://127.0.0.1:{ports['HAILONG_KIOSK_PORT']}")
        finally:
            centre.terminate()
            centre.wait()


def _addresses(centre: "subprocess.Popen[str]") -> dict[str, str]:
    """The greeting's addresses by what they are for."""
    found: dict[str, str] = {}
    assert centre.stdout is not None
    for line in centre.stdout:
        for name in ("sign in once", "phone"):
            if f" {name} " in line and "http" in line:
                found[name] = next(word for word in line.split() if word.startswith("http"))
        if "Ctrl-C" in line:
            return found
    raise RuntimeError("the demonstration did not start")


def _take(addresses: dict[str, str], kiosk: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 800}, locale="vi-VN")
        page.goto(f"{kiosk}/rate/so_tu_phap")
        _shoot(page, "touch")
        page.goto(addresses["sign in once"])
        page.set_viewport_size({"width": 1366, "height": 900})
        page.goto(urljoin(page.url, "/?period=month"))
        _shoot(page, "dashboard")
        phone = browser.new_page(
            viewport={"width": 360, "height": 740}, device_scale_factor=2, locale="vi-VN"
        )
        phone.goto(addresses["phone"])
        _shoot(phone, "phone")
        browser.close()


def _shoot(page: Page, name: str) -> None:
    page.evaluate("document.fonts.ready")
    page.screenshot(path=PICTURES / f"{name}.png")


if __name__ == "__main__":
    main()
