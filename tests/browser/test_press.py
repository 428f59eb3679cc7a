"""Every touch counts for what it began on, at once to be seen, and once: line 4 of the counter."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import settled
from tests.browser.fingers import MM, Fingers, centre
from tests.browser.test_touch import LYING, kiosk, page, stored, tap
from tests.conftest import Servers

__all__ = ["page"]  # the fixture of test_touch

POSTS = """() => {
  window.posts = [];
  document.addEventListener("submit", (event) => window.posts.push(event.submitter?.value));
}"""


@pytest.fixture
def faces(page: Page, serve: Servers, tmp_path: Path) -> Page:
    """The faces of a counter's kiosk, lying, ready to be touched."""
    page.set_viewport_size(LYING)  # type: ignore[arg-type]
    page.goto(serve(kiosk(tmp_path, counter="q05")))
    settled(page)
    page.evaluate(POSTS)
    return page


def face(page: Page, level: int) -> tuple[float, float]:
    return centre(page.locator(f"button[name=rating][value='{level}']"))


def hold(page: Page) -> None:
    """Twice as long as it takes until a browser makes something else of a press."""
    page.evaluate("new Promise((resolve) => setTimeout(resolve, 1500))")


def counted(page: Page, tmp_path: Path) -> list[int]:
    """The ratings of the visit, once its thank-you is there."""
    expect(page.locator(".thanks-screen")).to_be_visible()
    assert len(page.evaluate("window.posts")) == 1
    return [one["answers"]["rating"] for one in stored(tmp_path)]


def test_a_press_is_seen_within_a_frame(faces: Page) -> None:
    look = "e => [getComputedStyle(e).outlineStyle, getComputedStyle(e).boxShadow]"
    button = faces.locator("button[name=rating][value='4']")
    at_rest, box = button.evaluate(look), button.bounding_box()
    faces.evaluate("""() => {
      window.shown = new Promise((resolve) => document.addEventListener("touchstart", (event) => {
        const began = performance.now();
        requestAnimationFrame(() => resolve(
          [event.target.closest("button").classList.contains("pressed"), performance.now() - began],
        ));
      }, { once: true }));
    }""")
    fingers = Fingers(faces)
    fingers.down(0, *face(faces, 4))
    pressed, waited = faces.evaluate("window.shown")
    assert pressed
    assert waited < 100  # a frame, on a machine that is busy with other tests
    assert button.evaluate(look) != at_rest
    assert button.bounding_box() == box  # nothing moves under the finger
    fingers.up(0)


@pytest.mark.parametrize("way", [(0, 11.9), (0, -11.9), (11.9, 0)], ids=["down", "up", "across"])
def test_a_slide_of_12_mm_counts_for_where_it_began(
    faces: Page, tmp_path: Path, way: tuple[float, float]
) -> None:
    box = faces.locator("button[name=rating][value='2']").bounding_box()
    assert box is not None
    # From the edge, so that the finger leaves the face, and across reaches the next one.
    x = box["x"] + (box["width"] - 4 if way[0] else box["width"] / 2)
    y = box["y"] + (box["height"] / 2 if way[0] else 4 if way[1] < 0 else box["height"] - 4)
    fingers = Fingers(faces)
    fingers.down(0, x, y)
    for part in range(1, 9):
        fingers.move(0, x + way[0] * MM * part / 8, y + way[1] * MM * part / 8)
    fingers.up(0)
    assert counted(faces, tmp_path) == [2]


def test_a_slide_within_a_face_counts_however_long(faces: Page, tmp_path: Path) -> None:
    box = faces.locator("button[name=rating][value='3']").bounding_box()
    assert box is not None
    x, y, height = box["x"] + box["width"] / 2, box["y"] + 5, box["height"] - 10
    assert height > 13 * MM
    fingers = Fingers(faces)
    fingers.down(0, x, y)
    for part in range(1, 9):
        fingers.move(0, x, y + height * part / 8)
    fingers.up(0)
    assert counted(faces, tmp_path) == [3]


def test_a_finger_that_slides_away_takes_its_press_back(faces: Page, tmp_path: Path) -> None:
    box = faces.locator("button[name=rating][value='5']").bounding_box()
    other = faces.locator("button[name=rating][value='4']")
    assert box is not None
    fingers = Fingers(faces)
    fingers.down(0, box["x"] + box["width"] / 2, box["y"] + 40)
    fingers.move(0, *centre(other))
    expect(faces.locator(".pressed")).to_have_count(0)
    fingers.up(0)
    tap(faces, "Rất không hài lòng")  # the next touch is the one that counts
    assert counted(faces, tmp_path) == [1]


def test_a_finger_that_is_held_counts_when_it_is_lifted(faces: Page, tmp_path: Path) -> None:
    fingers = Fingers(faces)
    fingers.down(0, *face(faces, 2))
    hold(faces)
    expect(faces.locator(".pressed")).to_have_count(1)
    menu = "e => e.dispatchEvent(new MouseEvent('contextmenu', {bubbles: true, cancelable: true}))"
    assert faces.locator(".rating").first.evaluate(menu) is False  # none opens
    assert stored(tmp_path) == []
    fingers.up(0)
    assert counted(faces, tmp_path) == [2]


def test_a_link_that_is_held_is_not_dragged(page: Page, serve: Servers, tmp_path: Path) -> None:
    page.goto(serve(kiosk(tmp_path)))
    settled(page)
    page.evaluate("""() => {
      window.lost = 0;
      document.addEventListener("touchcancel", () => { window.lost += 1; });
    }""")
    fingers = Fingers(page)
    fingers.down(0, *centre(page.get_by_role("link", name="Sở Tư pháp")))
    hold(page)
    fingers.up(0)
    expect(page.locator(".faces-screen")).to_contain_text("Sở Tư pháp")
    assert page.evaluate("window.lost") == 0


@pytest.mark.parametrize("order", ["palm first", "palm last"])
@pytest.mark.parametrize("lifted", ["palm", "finger"])
def test_a_palm_beside_the_finger_changes_nothing(
    faces: Page, tmp_path: Path, order: str, lifted: str
) -> None:
    palm = centre(faces.locator("h1"))
    fingers = Fingers(faces)
    steps = [(1, palm), (0, face(faces, 4))]
    for finger, (x, y) in steps if order == "palm first" else steps[::-1]:
        fingers.down(finger, x, y)
    fingers.move(1, palm[0] + 3, palm[1] + 3)
    for finger in (1, 0) if lifted == "palm" else (0, 1):
        fingers.up(finger)
    assert counted(faces, tmp_path) == [4]


def test_a_palm_on_a_button_is_no_press_of_it(faces: Page, tmp_path: Path) -> None:
    fingers = Fingers(faces)
    fingers.down(1, *centre(faces.locator("a.corner").first))
    fingers.down(0, *face(faces, 3))
    fingers.up(1)
    fingers.up(0)
    assert counted(faces, tmp_path) == [3]
    expect(faces.locator("html")).to_have_attribute("lang", "vi")


@pytest.mark.parametrize("first_up", [0, 1])
def test_two_faces_at_once_count_for_none_and_ask_again(
    faces: Page, tmp_path: Path, first_up: int
) -> None:
    lead = faces.locator("main .lead")
    boxes = "() => [...document.querySelectorAll('.rating')].map(e => e.getBoundingClientRect().y)"
    usual, where = lead.inner_text(), faces.evaluate(boxes)
    fingers = Fingers(faces)
    fingers.down(0, *face(faces, 5))
    fingers.down(1, *face(faces, 1))
    expect(lead).to_have_text("Xin Ông/Bà chạm một khuôn mặt.")
    expect(faces.locator("#said")).to_have_text("Xin Ông/Bà chạm một khuôn mặt.")
    assert faces.evaluate(boxes) == where
    fingers.down(2, *face(faces, 3))  # one more, while they are still there
    fingers.up(first_up)
    fingers.up(1 - first_up)
    fingers.up(2)
    assert faces.evaluate("window.posts") == []
    expect(faces.locator(".pressed")).to_have_count(0)
    expect(lead).to_have_text(usual, timeout=10_000)
    fingers.tap(*face(faces, 5))
    assert counted(faces, tmp_path) == [5]


def test_two_fingers_on_one_face_count_once(faces: Page, tmp_path: Path) -> None:
    x, y = face(faces, 4)
    fingers = Fingers(faces)
    fingers.down(0, x, y)
    fingers.down(1, x + 20, y + 20)
    fingers.up(1)
    fingers.up(0)
    assert counted(faces, tmp_path) == [4]


def test_a_finger_whose_end_was_never_told_stops_nobody(faces: Page, tmp_path: Path) -> None:
    faces.evaluate("""() => {
      const button = document.querySelector("button[name=rating][value='1']");
      const touch = new Touch({ identifier: 9, target: button, clientX: 5, clientY: 5 });
      button.dispatchEvent(new TouchEvent("touchstart",
        { bubbles: true, touches: [touch], changedTouches: [touch] }));
    }""")
    expect(faces.locator(".pressed")).to_have_count(1)
    Fingers(faces).tap(*face(faces, 5))
    assert counted(faces, tmp_path) == [5]


def test_keys_and_a_mouse_press_as_ever(faces: Page, tmp_path: Path) -> None:
    faces.locator("button[name=rating][value='4']").focus()
    faces.keyboard.press("Enter")
    assert counted(faces, tmp_path) == [4]
    settled(faces)
    faces.locator(".answer").nth(1).click()
    expect(faces.locator("input:checked")).to_have_count(1)
    faces.locator(".answer input").nth(2).focus()
    faces.keyboard.press("Space")
    expect(faces.locator("input:checked")).to_have_count(2)


def test_a_field_is_typed_in_after_a_touch(faces: Page) -> None:
    tap(faces, "Hài lòng")
    expect(faces.locator(".thanks-screen")).to_be_visible()
    settled(faces)
    field = faces.locator("#comment-input")
    Fingers(faces).tap(*centre(field))
    expect(field).to_be_focused()
    faces.keyboard.type("Xin cảm ơn")
    expect(field).to_have_value("Xin cảm ơn")


def test_a_long_page_scrolls_under_a_finger_and_nothing_is_pressed(
    faces: Page, tmp_path: Path
) -> None:
    faces.evaluate("document.querySelector('main').style.minHeight = '3000px'")
    expect(faces.locator("button[name=rating]").first).not_to_have_css("pointer-events", "none")
    x, y = face(faces, 3)
    fingers = Fingers(faces)
    fingers.down(0, x, y)
    for part in range(1, 21):
        fingers.move(0, x, y - 15 * part)
    fingers.up(0)
    faces.evaluate("""() => new Promise((resolve) => {
      const look = () => (scrollY > 50 ? resolve() : requestAnimationFrame(look));
      look();
    })""")
    assert faces.evaluate("window.posts") == []
    assert stored(tmp_path) == []
