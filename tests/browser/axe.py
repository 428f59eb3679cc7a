"""What axe finds wrong on a page: WCAG 2.2 to level AA, and best practice."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
AXE = Axe()
RUN = "async options => (await axe.run(document, options)).violations"  # the rest is not read
OPTIONS = {"runOnly": TAGS, "resultTypes": ["violations"], "preload": False}


CONTRAST = {**OPTIONS, "runOnly": {"type": "rule", "values": ["color-contrast"]}}


def violations(page: Page, options: dict[str, Any] = OPTIONS) -> list[str]:
    """One line for each element that breaks a rule: the rule, the element, what is wrong."""
    page.evaluate("document.fonts.ready.then(() => true)")
    if page.evaluate("typeof axe") == "undefined":  # a page that was looked at before has it
        page.evaluate(AXE.axe_script)
    found: list[dict[str, Any]] = page.evaluate(RUN, options)
    return [
        f"{rule['id']}: {node['html'][:120]} ({node['failureSummary']})"
        for rule in found
        for node in rule["nodes"]
    ]
