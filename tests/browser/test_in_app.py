"""The phone form in the browsers inside Zalo and Facebook, and in old ones that lack much."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.test_phone import PHONE, address, form
from tests.browser.test_phone_network import cut, kept, says, thanks
from tests.browser.test_touch import stored

STATIC = Path(__file__).parents[2] / "static"
__all__ = ["address"]  # the fixture

pytestmark = pytest.mark.browser

ZALO = (
    "Mozilla/5.0 (Linux; Android 8.1.0; CPH1803 Build/OPM1; wv) AppleWebKit/537.36 (KHTML, like "
    "Gecko) Version/4.0 Chrome/70.0.3538.110 Mobile Safari/537.36 Zalo android/12100728 "
    "ZaloTheme/light ZaloLanguage/vi"
)
ZALO_IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 12_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Mobile/15E148 Zalo iOS/490 ZaloTheme/light ZaloLanguage/vn"
)
FACEBOOK = (
    "Mozilla/5.0 (Linux; Android 10; SM-A107F Build/QP1A; wv) AppleWebKit/537.36 (KHTML, like "
    "Gecko) Version/4.0 Chrome/83.0.4103.106 Mobile Safari/537.36 "
    "[FB_IAB/FB4A;FBAV/402.0.0.0.0;]"
)

# What WebViews of these years do not have, or have and lie about.
YOUNG = """for (const name of ["BroadcastChannel", "AbortController", "structuredClone",
    "CSSStyleSheet", "ResizeObserver", "queueMicrotask"]) delete window[name];
  delete Crypto.prototype.randomUUID;
  for (const name of ["at", "flat", "flatMap", "findLast"]) delete Array.prototype[name];
  for (const name of ["replaceAll", "matchAll"]) delete String.prototype[name];
  for (const name of ["replaceChildren", "checkVisibility"]) delete Element.prototype[name];
  delete Object.fromEntries; delete Promise.allSettled; delete Promise.any;
  delete Promise.prototype.finally;
  delete HTMLFormElement.prototype.requestSubmit;
  delete SubmitEvent.prototype.submitter;
  delete Document.prototype.startViewTransition;"""
NO_STORAGE = """for (const name of ["localStorage", "sessionStorage"]) {
    Object.defineProperty(window, name, { get() {
      throw new DOMException("denied", "SecurityError");
    } });
  }"""
ALWAYS_OFFLINE = 'Object.defineProperty(Navigator.prototype, "onLine", { get: () => false });'
ALWAYS_ONLINE = 'Object.defineProperty(Navigator.prototype, "onLine", { get: () => true });'
OLD_CSS = {":has(": ":not-known(", "gap:": "not-known-gap:", ":focus-visible": ":not-known"}


YOUNGER = re.compile(r"\?\.[\w(\[]|\?\?|\|\|=|&&=|catch \{|this\.#|static \{|\bawait import\b")


def test_no_script_of_the_phone_is_younger_than_modules() -> None:
    """One word that a browser cannot read, and nothing of the script runs."""
    for name in ("phone.js", "phone-kept.js"):
        code = (STATIC / "js" / name).read_text("utf-8")
        assert YOUNGER.findall(re.sub(r"//.*|/\*.*?\*/", "", code)) == [], name


def aged(page: Page) -> None:
    """Takes from our stylesheets what a browser of 2018 does not read."""

    def old(route: Route) -> None:
        answer = route.fetch()
        text = answer.text()
        for known, unknown in OLD_CSS.items():
            text = text.replace(known, unknown)
        route.fulfill(response=answer, body=text)

    page.route("**/*.css*", old)


def without_modules(page: Page) -> None:
    """A browser that passes over scripts of type module, as it does with any unknown type."""

    def old(route: Route) -> None:
        answer = route.fetch(max_redirects=0)
        text = answer.text().replace('type="module"', 'type="not-known"')
        route.fulfill(response=answer, body=text)

    page.route("**/f/**", old)


def cut_posts(route: Route) -> None:
    route.fallback() if is_get(route) else cut(route)


def is_get(route: Route) -> bool:
    return route.request.method == "GET"


def phone(browser: Browser, user_agent: str, script: str) -> Page:
    context = browser.new_context(
        viewport=PHONE,
        has_touch=True,
        locale="vi-VN",
        user_agent=user_agent,
        extra_http_headers={"x-requested-with": "com.zing.zalo"},
    )
    context.add_init_script(script)
    return context.new_page()


@pytest.mark.parametrize(
    ("user_agent", "script", "take_away"),
    [
        (ZALO, YOUNG + ALWAYS_ONLINE, aged),
        (ZALO_IPHONE, YOUNG + NO_STORAGE, aged),
        (FACEBOOK, YOUNG + NO_STORAGE + ALWAYS_OFFLINE, aged),
    ],
    ids=["Zalo", "Zalo, no storage", "Facebook, no storage, always offline"],
)
def test_the_form_says_what_it_could_not_send_and_sends_it_once(
    browser: Browser,
    address: str,
    tmp_path: Path,
    user_agent: str,
    script: str,
    take_away: Callable[[Page], None],
) -> None:
    page = phone(browser, user_agent, script)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    take_away(page)
    # What these apps put behind an address.
    page.goto(f"{form(address)}?zarsrc=1301&utm_source=zalo&fbclid=IwAR0")
    page.get_by_role("textbox").fill("Cán bộ rất nhiệt tình")
    page.get_by_text("Rất hài lòng").tap()
    expect(page.get_by_label("Rất hài lòng")).to_be_checked()
    chosen, other = (page.locator(".answer span").nth(number) for number in (0, 1))
    assert weight(chosen) > weight(other), "what is chosen is seen, also without :has"
    page.get_by_role("button", name="English").tap()
    expect(page.get_by_role("button", name="Send")).to_be_visible()
    expect(page.get_by_role("textbox")).to_have_value("Cán bộ rất nhiệt tình")
    page.get_by_role("button", name="Tiếng Việt").tap()
    expect(page.get_by_role("button", name="Gửi đánh giá")).to_be_visible()
    page.route("**/f/*", cut_posts)
    page.get_by_role("button", name="Gửi đánh giá").tap()
    says(page, "Chưa gửi được")
    if NO_STORAGE in script:
        says(page, "Xin để trang này mở")
    else:
        assert len(kept(page)) == 1
        page.reload()
        expect(page.get_by_role("textbox")).to_have_value("Cán bộ rất nhiệt tình")
    page.unroute("**/f/*")
    send_now(page)
    thanks(page)
    assert [one["answers"] for one in stored(tmp_path)] == [{"rating": 5}, {}]
    page.get_by_role("button", name="Bắt đầu").tap()
    page.locator("#q1 .answer").nth(1).tap()
    page.get_by_role("button", name="Tiếp tục").last.tap()
    expect(page.get_by_text("Phần 2/6")).to_be_visible()
    page.get_by_role("button", name="Dừng và gửi").tap()
    thanks(page)
    assert stored(tmp_path)[2]["answers"] == {"q1": 4}
    page.context.close()
    assert complaints == []


def send_now(page: Page) -> None:
    """Presses "Gửi lại ngay", also where it has just been sent by itself."""
    page.locator("[data-do=again]").evaluate("one => one.click()")


def weight(words: Any) -> int:
    return int(words.evaluate("one => getComputedStyle(one).fontWeight"))


def test_without_modules_the_form_is_sent_as_any_other(
    browser: Browser, address: str, tmp_path: Path
) -> None:
    page = phone(browser, ZALO, YOUNG + NO_STORAGE)
    aged(page)
    without_modules(page)
    scripted: list[str] = []
    page.on(
        "request", lambda one: scripted.extend({one.url} if "hx-request" in one.headers else ())
    )
    page.goto(form(address))
    page.get_by_text("Rất hài lòng").tap()
    page.get_by_role("button", name="English").tap()
    page.get_by_role("button", name="Send").tap()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    assert scripted == []
    page.reload()
    assert [one["answers"] for one in stored(tmp_path)] == [{"rating": 5}]
    page.context.close()


@pytest.mark.parametrize("script", ["", NO_STORAGE], ids=["storage", "no storage"])
def test_a_reload_of_an_unsent_form_keeps_what_was_typed(
    browser: Browser, address: str, tmp_path: Path, script: str
) -> None:
    page = phone(browser, FACEBOOK, script)
    page.goto(form(address, "business"))
    page.locator("#b1_1 .answer").nth(1).tap()
    page.locator("summary").tap()
    folded = page.locator("details .answer").first
    folded.tap()
    page.get_by_role("textbox").last.fill("Thủ tục còn dài")
    page.get_by_role("button", name="English").tap()
    expect(page.locator("h1")).to_have_text("Business opinion")
    for leave in (page.reload, lambda: away_and_back(page)):
        leave()
        expect(page.get_by_role("textbox").last).to_have_value("Thủ tục còn dài")
        expect(page.locator("#b1_1 input").nth(1)).to_be_checked()
        expect(folded.locator("input")).to_be_checked()
        expect(folded).to_be_visible()
    assert stored(tmp_path) == []
    page.context.close()


def away_and_back(page: Page) -> None:
    page.goto(page.url.partition("/f/")[0] + "/f/unknown")
    page.go_back()
