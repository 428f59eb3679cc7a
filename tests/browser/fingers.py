"""Fingers on a touch screen, as the browser itself gets them from its panel."""

from playwright.sync_api import Locator, Page

MM = 149 / 25.4  # pixels of the densest panel that we name: 10.1 inches of 1280 × 800


class Fingers:
    """Any number of fingers, each by a name; what they do are the browser's own touch events."""

    def __init__(self, page: Page) -> None:
        self._session = page.context.new_cdp_session(page)
        self._down: dict[int, tuple[float, float]] = {}

    def down(self, finger: int, x: float, y: float) -> None:
        self._down[finger] = (x, y)
        self._send("touchStart")

    def move(self, finger: int, x: float, y: float) -> None:
        self._down[finger] = (x, y)
        self._send("touchMove")

    def up(self, finger: int) -> None:
        """Lift one finger. The others stay: the browser is told of those that are left."""
        del self._down[finger]
        self._send("touchMove" if self._down else "touchEnd")

    def tap(self, x: float, y: float) -> None:
        self.down(0, x, y)
        self.up(0)

    def _send(self, kind: str) -> None:
        points = [{"id": finger, "x": x, "y": y} for finger, (x, y) in self._down.items()]
        self._session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def centre(locator: Locator) -> tuple[float, float]:
    """The middle of an element, in pixels of the page."""
    box = locator.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
