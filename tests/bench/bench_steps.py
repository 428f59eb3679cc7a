"""The full survey, a factor a screen or a question a screen: seconds of a visitor who answers all.

A Keystroke-Level estimate (Card, Moran and Newell 1980): what both ways share, reading and
deciding (M), is counted once a question; pointing is Fitts' law in Shannon's form (MacKenzie
1992) over the rectangles that Chromium draws; each new screen costs a look that finds it new.
"""

import tempfile
from collections.abc import Iterator, Sequence
from math import hypot, log2
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Page, expect, sync_playwright

from kiosk.app import create_app
from kiosk.settings import Settings
from tests.bench.report import Row
from tests.conftest import CHROMIUM_FLAGS, Servers, chromium_path
from tests.kiosk.conftest import CENTRE

SIZES = [(1280, 800), (800, 1280)]
DECIDE = 1.35  # s: the operator M
WORD = 60 / 238  # s to read a word silently (Brysbaert 2019)
POINT, BIT = 0.0128, 0.0947  # s, s per bit: tapping with a stylus (Fitts 1954)
SCREEN = 0.1 + 0.23  # s: the answer of the kiosk at its goal, and a glance at what is new
QUESTIONS = 22

# The targets of one screen: for each question that is shown, its words and its five answers.
LOOK = """() => {
  const box = (one) => {
    const { x, y, width, height } = one.getBoundingClientRect();
    return [x + width / 2, y + height / 2, Math.min(width, height)];
  };
  const shown = [...document.querySelectorAll(".question.faced:not([hidden])")];
  return {
    questions: shown.map((one) => ({
      words: one.querySelector("legend").textContent.trim().split(/\\s+/).length,
      answers: [...one.querySelectorAll(".answer:not(.skip)")].map(box),
    })),
    next: box(document.querySelector(".actions .button:last-child")),
  };
}"""
ALONE = """(id) => document.querySelectorAll(".question").forEach((one) => {
  one.hidden = one.id !== id;
})"""
Target = Sequence[float]  # the middle, x and y, and the smaller side


class Screen(NamedTuple):
    """What is touched on one screen, in order, and the words that are read before."""

    answers: list[list[Target]]
    words: int
    next: Target


def rows() -> Iterator[Row]:
    serve = Servers()
    with tempfile.TemporaryDirectory() as var, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_FLAGS)
        address = serve(create_app(Settings(centre=CENTRE, var=Path(var), counter="q05")))
        for width, height in SIZES:
            page = browser.new_page(viewport={"width": width, "height": height}, has_touch=True)
            page.goto(address)
            together, alone = walk(page)
            page.close()
            name = f"full survey at {width} x {height}"
            yield Row(f"{name}, a factor a screen", seconds(together), "s")
            yield Row(f"{name}, a question a screen", seconds(alone), "s")
            yield Row(f"{name}, the same that turns itself", seconds(alone, turns=True), "s")
        browser.close()
    serve.stop_all()


def walk(page: Page) -> tuple[list[Screen], list[Screen]]:
    """The screens as they are, and as they would be with one question each."""
    together: list[Screen] = []
    alone: list[Screen] = []
    _press(page, ".rating", ".thanks-screen")
    _press(page, "[name=then][value=survey]", ".step-screen")
    while sum(len(screen.answers) for screen in together) < QUESTIONS:
        page.evaluate("document.fonts.ready.then(() => true)")
        together.append(look(page))
        shown = ".question.faced:not([hidden])"
        for question in page.locator(shown).evaluate_all("all => all.map((one) => one.id)"):
            page.evaluate(ALONE, question)
            alone.append(look(page))
        before = page.title()
        _press(page, ".actions [value=next]", ".step-screen")
        expect(page).not_to_have_title(before)
    return together, alone


def look(page: Page) -> Screen:
    seen = page.evaluate(LOOK)
    words = sum(question["words"] for question in seen["questions"])
    return Screen([question["answers"] for question in seen["questions"]], words, seen["next"])


def seconds(screens: list[Screen], *, turns: bool = False) -> float:
    """The time for all screens; ``turns``: an answer leads on without a touch of the button."""
    total, at, number = 0.0, screens[0].next, 0
    for screen in screens:
        total += SCREEN + screen.words * WORD
        for answers in screen.answers:
            target = answers[number % len(answers)]  # every face as often
            total += DECIDE + reach(at, target)
            at, number = target, number + 1
        if not turns:
            total += reach(at, screen.next)
            at = screen.next
    return total


def reach(start: Target, end: Target) -> float:
    """Seconds of a hand from one target to another, and of the tap on it."""
    distance = hypot(end[0] - start[0], end[1] - start[1])
    return POINT + BIT * log2(distance / end[2] + 1)


def _press(page: Page, button: str, screen: str) -> None:
    page.locator(button).last.evaluate("one => one.click()")
    expect(page.locator(screen)).to_be_visible()
