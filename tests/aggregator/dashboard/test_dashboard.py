"""The manager's pages: what they show, by period, channel, survey and department."""

import re
from collections.abc import Callable
from urllib.parse import quote

import pytest

from tests.aggregator.conftest import EXAMPLE, Room, over_days, ratings, sipas, submission
from tests.aggregator.reading import card, row, words

HTMX = {"hx-request": "true", "hx-request-type": "partial"}
PAGES = [
    "/",
    "/?survey=sipas_2020",
    "/?survey=business",
    "/?survey=paper_ballot_2020",
    "/department/so_tu_phap",
    "/department/so_tu_phap?survey=sipas_2020",
    "/department/so_tu_phap?survey=business",
]


@pytest.fixture
def manager(room: Room) -> Room:
    """An aggregator with the contract's 120 ratings of today, and a manager before it."""
    room.take(ratings(EXAMPLE))
    room.sign_in()
    return room


def page(room: Room, path: str = "/") -> str:
    answer = room.client.get(path)
    assert answer.status_code == 200, answer.text
    return str(answer.text)


def test_today_by_department(manager: Room) -> None:
    manager.take(ratings([5, 5, 1], department="so_y_te", counter="q09"))
    today = page(manager)
    assert row(today, "Sở Tư pháp").startswith(
        "Sở Tư pháp 120 100 15 3 1 1 83,3% từ 75,7% đến 88,9% 95,8%"
    )
    assert row(today, "Sở Y tế").startswith("Sở Y tế 3 2 0 0 0 1 66,7%")
    assert row(today, "Toàn Trung tâm").startswith("Toàn Trung tâm 123 102 15 3 1 2")
    assert row(today, "Sở Công Thương").startswith("Sở Công Thương 0 0 0 0 0 0 – –")
    assert card(today, "Lượt đánh giá") == "Lượt đánh giá 123"
    assert "ngày 23/11/2026" in words(today)


def test_a_question_and_the_total_of_it_have_one_interval(room: Room) -> None:
    """Nothing is concluded yet, so the total's is widened to what was published."""
    room.take(over_days([5] * 36 + [4] * 4, 6))
    room.sign_in()
    panels = [
        words(page(room, f"/?period=month&how={name}.very_satisfied")).partition("Khoảng tin cậy")[
            2
        ]
        for name in ("centre", "question.rating")
    ]
    intervals = {re.findall(r"từ \d+,\d% đến \d+,\d%", panel)[0] for panel in panels}
    assert len(intervals) == 1
    assert "đến 96,3%" in intervals.pop()


def test_all_sixteen_departments_are_listed_rated_or_not(manager: Room) -> None:
    today = page(manager)
    names = [d.name.vi for d in manager.context.centre.departments]
    assert len(names) == 16
    assert all(row(today, name) for name in names)


def test_the_comparison_is_said_in_words(room: Room) -> None:
    places = {"so_tu_phap": "q05", "so_y_te": "q09", "so_noi_vu": "q12"}
    below, alike, few = (
        {"department": department, "counter": counter} for department, counter in places.items()
    )
    # Fewer ratings than thirty decide where they come on several days; many of one day do not.
    room.take([*over_days([5, 1], **below), *over_days([5] * 4, **alike)])
    room.take([*ratings([1] * 300, **few)])
    room.sign_in()
    month = page(room, "/?period=month")
    assert row(month, "Sở Tư pháp").endswith("Thấp hơn −46,3 điểm phần trăm")
    assert row(month, "Sở Y tế").endswith("Chưa đủ cơ sở kết luận có khác biệt +3,7 điểm phần trăm")
    assert row(month, "Sở Nội vụ").endswith("Quá ít ngày")
    assert row(month, "Sở Công Thương").endswith("–")
    assert row(page(room), "Sở Tư pháp").endswith("Quá ít ngày")
    english = page(room, "/?lang=en&period=month")
    assert row(english, "Department of Justice").endswith("Below −46.3 percentage points")
    assert row(english, "Department of Home Affairs").endswith("Too few days")


def test_the_comparison_follows_the_measure_and_names_its_reference(manager: Room) -> None:
    top = page(manager, "/?measure=very_satisfied")
    published = card(top, "Số công bố · Rất hài lòng")
    assert "96,3% số lượt đánh giá bằng 34,9% của 9.974 hồ sơ" in published
    assert "3.355 trên 3.483" in published
    both = page(manager, "/?measure=satisfied_or_better")
    assert "3.483 trên 3.483" in card(both, "Số công bố · Hài lòng trở lên")
    assert "Số công bố · Hài lòng trở lên" in words(both)
    manager.take(over_days([5] * 7 + [1] * 2))
    month = page(manager, "/?measure=satisfied_or_better&period=month")
    assert re.search("Thấp hơn −1.,. điểm phần trăm$", row(month, "Sở Tư pháp"))


def test_why_there_is_no_comparison_with_sipas_is_written_beside(manager: Room) -> None:
    said = words(page(manager))
    assert "SIPAS 2019 Lai Châu: hài lòng trở lên (82,33%): phiếu khảo sát khác" in said


@pytest.mark.parametrize(
    ("query", "n"),
    [
        ("", 2),
        ("?date=2026-11-22", 1),
        ("?period=week", 2),
        ("?period=week&date=2026-11-22", 3),
        ("?period=month", 5),
        ("?period=month&date=2026-10-15", 1),
        ("?from=2026-10-31&to=2026-11-22", 4),
        ("?period=week&date=2026-11-22&channel=qr", 1),
        ("?date=2030-01-01", 0),
    ],
)
def test_a_period_and_a_channel_choose_the_ratings(room: Room, query: str, n: int) -> None:
    room.take(
        [
            submission(answered_at="2026-11-23T00:00:00+07:00"),
            submission(answered_at="2026-11-22T18:00:00+00:00"),  # already the 23rd here
            submission(answered_at="2026-11-22T23:59:59+07:00"),
            submission(answered_at="2026-11-16T08:00:00+07:00", channel="qr"),
            submission(answered_at="2026-11-17T08:00:00+07:00"),
            submission(answered_at="2026-10-31T23:59:59+07:00"),
        ]
    )
    room.sign_in()
    assert card(page(room, f"/{query}"), "Lượt đánh giá") == f"Lượt đánh giá {n}"


def test_one_department_by_counter_and_by_question(manager: Room) -> None:
    manager.take(ratings([1, 1], counter="q06"))
    manager.take([submission(counter=None), submission(answers={"reasons": [1, 3]})])
    shown = page(manager, "/department/so_tu_phap")
    assert row(shown, "Cả cơ quan").startswith("Cả cơ quan 123 101 15 3 1 3")
    assert row(shown, "Quầy 05").startswith("Quầy 05 120")
    assert row(shown, "Quầy 06").startswith("Quầy 06 2 0 0 0 0 2")
    assert "Quầy 07" not in words(shown)
    assert "Trong đó 1 lượt đánh giá không ghi quầy, chỉ tính cho cả cơ quan." in words(shown)
    assert "Nơi chờ, trang thiết bị 1 Thủ tục, giấy tờ 0 Công chức phục vụ 1" in words(shown)


def test_a_departments_verdict_is_the_same_on_both_pages(room: Room) -> None:
    """On its own page it must not escape the adjustment for sixteen departments."""
    for department in room.context.centre.departments:
        codes = [5] if department.id != "so_tu_phap" else [5] * 9 + [1]
        place = {"department": department.id, "counter": department.counters[0].id}
        room.take(over_days(codes, 7, **place))
    room.sign_in()
    said = "Chưa đủ cơ sở kết luận có khác biệt −6,3 điểm phần trăm"
    assert row(page(room, "/?period=month"), "Sở Tư pháp").endswith(said)
    alone = page(room, "/department/so_tu_phap?period=month")
    assert row(alone, "Cả cơ quan").endswith(said)
    assert row(alone, "Quầy 05").endswith(said)
    # The interval beside it reaches the published share.
    assert "đến 96,3" in row(alone, "Cả cơ quan")


def test_sipas_by_department_factor_and_question(room: Room) -> None:
    room.take([sipas((5, 4, 3, 2) + (5,) * 18)])
    room.sign_in()
    shown = page(room, "/?survey=sipas_2020")
    assert card(shown, "Người trả lời") == "Người trả lời 1"
    assert "19 trên 22" in card(shown, "Rất hài lòng")
    assert "20 trên 22" in card(shown, "Hài lòng trở lên")
    assert "82,33%" in card(shown, "Số công bố · Hài lòng trở lên")
    assert row(shown, "Tiếp cận dịch vụ").startswith("Tiếp cận dịch vụ 1 1 1 1 1 0 25,0%")
    assert "Nơi ngồi chờ giải quyết công việc có đủ chỗ ngồi" in words(shown)


def test_every_comparable_reference_is_shown_with_how_it_was_taken(room: Room) -> None:
    room.take([sipas((5,) * 22)])
    room.sign_in()
    shown = page(room, "/?survey=sipas_2020")
    said = card(shown, "Số công bố · Hài lòng trở lên")
    assert "82,33% SIPAS 2019 Lai Châu" in said
    assert "84,45% SIPAS 2019 cả nước" in said
    assert said.count("Cách thu: Mẫu được chọn, hỏi tại nhà") == 2


def test_the_reader_chooses_which_published_figure_is_compared(room: Room) -> None:
    room.take(
        [sipas((5,) * 22, answered_at=f"2026-11-{day}T08:00:00+07:00") for day in range(11, 23)]
    )
    room.sign_in()
    first = page(room, "/?survey=sipas_2020&period=month")
    assert row(first, "Toàn Trung tâm").endswith("+17,7 điểm phần trăm")
    second = page(room, "/?survey=sipas_2020&period=month&reference=sipas_2019_national")
    assert row(second, "Toàn Trung tâm").endswith("+15,5 điểm phần trăm")
    assert '<option value="sipas_2019_national" selected>' in second
    assert "Số công bố (SIPAS 2019 cả nước: hài lòng trở lên): Mẫu được chọn" in words(second)
    assert "reference=sipas_2019_national" in re.findall(r'href="(/department/[^"]*)', second)[0]
    top = page(room, "/?survey=sipas_2020&measure=very_satisfied&reference=sipas_2019_national")
    assert "Không có số công bố" in card(top, "Số công bố · Rất hài lòng")
    assert page(room, "/?reference=sipas_2019_national").count('<select name="reference"') == 0


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("measure", ["very_satisfied", "satisfied_or_better"])
def test_no_published_figure_falls_through(room: Room, path: str, measure: str) -> None:
    room.sign_in()
    shown = words(page(room, f"{path}{'&' if '?' in path else '?'}measure={measure}"))
    for reference in room.context.centre.references:
        assert reference.label.vi in shown, reference.id


@pytest.mark.parametrize(
    ("query", "own"),
    [
        ("", "người trả lời tự chọn, trên màn hình cảm ứng hoặc qua mã QR."),
        ("&channel=qr", "người trả lời tự chọn, qua mã QR."),
        ("&channel=import", "nhập từ tệp."),
    ],
)
def test_the_difference_of_mode_is_written_beside_the_comparison(
    room: Room, query: str, own: str
) -> None:
    room.sign_in()
    survey = words(page(room, f"/?survey=sipas_2020{query}"))
    device = words(page(room, f"/?survey=in_centre{query}"))
    assert f"hài lòng trở lên): Mẫu được chọn, hỏi tại nhà. Số ở trang này: {own}" in survey
    assert "thiết bị tại quầy. Số ở trang này" not in survey
    assert f"Tự chấm trên thiết bị tại quầy. Số ở trang này: {own}" in device


def test_the_paper_ballots_best_level_has_the_best_colour_and_its_name(room: Room) -> None:
    room.sign_in()
    shown = page(room, "/?survey=paper_ballot_2020")
    assert re.findall(r'class="level level-(\d)"', shown)[:2] == ["5", "1"]
    assert "Tích cực" in card(shown, "Số công bố · Tích cực")
    assert "Thuận lợi" not in words(shown)


def test_a_survey_that_the_centre_does_not_ask_awaits_no_taps(room: Room) -> None:
    room.sign_in()
    ballot = words(page(room, "/?survey=paper_ballot_2020"))
    assert "Chưa có người trả lời nào trong kỳ này. Phiếu này được thu thập trước đây" in ballot
    assert "sẽ tự hiện ở đây" not in ballot
    assert "sẽ tự hiện ở đây" in words(page(room, "/?survey=sipas_2020"))


def test_a_survey_of_many_questions_counts_people(room: Room) -> None:
    room.take([sipas((5,) * 22), sipas((5,) * 22, department=None, counter=None)])
    room.sign_in()
    shown = page(room, "/?survey=sipas_2020")
    assert "Trong đó 1 người trả lời không ghi cơ quan" in words(shown)
    assert row(shown, "Sở Tư pháp").endswith("Quá ít ngày")
    assert "Một vài ngày thì chưa kết luận được" in words(shown)


def test_business_shows_statements_beside_the_published_figure(room: Room) -> None:
    room.take([submission(survey="business", answers={"b1_1": 4})])
    room.sign_in()
    shown = page(room, "/?survey=business")
    assert "Toàn Trung tâm" not in words(shown)
    assert "Công bố 2019" in words(shown)
    assert shown.count('<article class="question">') > 10
    assert card(shown, "Phiếu trả lời").startswith("Phiếu trả lời ít nhất 1 ")
    said = words(shown)
    assert "“Công bố 2019” là số của cả tỉnh theo PCI 2019 (VCCI)" in said
    assert "Công bố 2019 6\u00a0ngày trung vị; hạng 57/63" in said


def test_firms_are_at_least_as_many_as_answered_one_question(room: Room) -> None:
    room.take([submission(survey="business", answers={"b1_1": 4, "b3_3": 2}) for _ in range(3)])
    room.take([submission(survey="business", answers={"b3_3": 1})])
    room.sign_in()
    for path in ("/", "/department/so_tu_phap"):
        shown = card(page(room, f"{path}?survey=business"), "Phiếu trả lời")
        assert "ít nhất 4" in shown


@pytest.mark.parametrize("path", ["/", "/department/so_tu_phap"])
def test_a_survey_that_nobody_answered_is_one_notice_not_rows_of_zeros(
    room: Room, path: str
) -> None:
    room.sign_in()
    shown = page(room, f"{path}?survey=business")
    assert "Chưa có người trả lời nào trong kỳ này." in words(shown)
    assert '<article class="question">' not in shown
    assert 'class="card' not in shown


def test_a_print_of_the_page_says_that_it_stays_inside(manager: Room) -> None:
    manager.take([submission(department=None, counter=None)])
    said = words(page(manager))
    assert "Trong đó 1 lượt đánh giá không ghi cơ quan" in said
    assert "Bản in nội bộ, có cả nhóm dưới 5 người." in said


def test_the_sheet_to_sign_is_a_report_of_the_same_period(manager: Room) -> None:
    assert "/reports/day.pdf?date=2026-11-23&amp;lang=vi" in page(manager)
    assert "/reports/month.pdf?date=2026-10-01" in page(manager, "/?period=month&date=2026-10-09")
    assert "/reports/" not in page(manager, "/?from=2026-11-01&to=2026-11-09").split("<main")[1]


def test_the_chosen_days_are_written_the_way_they_are_read_here(manager: Room) -> None:
    """A date field itself follows the browser's language."""
    form = words(page(manager, "/?from=2026-11-01&to=2026-11-23"))
    assert "Từ ngày 01/11/2026" in form
    assert "Đến ngày 23/11/2026" in form


def test_rows_with_too_few_days_are_quieter(room: Room) -> None:
    room.take(ratings([5] * 300) + over_days([5], department="so_y_te", counter="q09"))
    room.sign_in()
    month = page(room, "/?period=month")
    rows = re.findall(r'<tr class="(.*?)">\s*<th scope="row">(.*?)</th>', month, re.DOTALL)
    kinds = {words(name): kind.split() for kind, name in rows}
    assert kinds["Toàn Trung tâm"] == ["whole"]
    assert kinds["Sở Tư pháp"] == ["few"]
    assert kinds["Sở Y tế"] == []
    assert kinds["Sở Nội vụ"] == ["silent", "few"]


def test_an_empty_day_says_so_kindly(room: Room) -> None:
    room.sign_in()
    today = page(room)
    assert "Chưa có lượt đánh giá nào trong kỳ này." in words(today)
    assert row(today, "Toàn Trung tâm") == "Toàn Trung tâm 0 0 0 0 0 0 – – –"
    assert 'aria-label="chưa có lượt nào"' in today


def test_the_asker_may_read_english_and_it_is_remembered(manager: Room) -> None:
    english = manager.client.get("/?lang=en")
    assert '<html lang="en">' in english.text
    assert row(english.text, "Department of Justice").startswith(
        "Department of Justice 120 100 15 3 1 1 83.3% 75.7% to 88.9%"
    )
    assert '<html lang="en">' in page(manager, "/?period=week")


def test_vietnamese_comes_first_whatever_the_browser_speaks(manager: Room) -> None:
    answer = manager.client.get("/", headers={"accept-language": "en-US"})
    assert '<html lang="vi">' in answer.text


@pytest.mark.parametrize("path", PAGES)
def test_a_fragment_is_one_element_that_the_page_contains(manager: Room, path: str) -> None:
    fragment = manager.client.get(path, headers=HTMX)
    assert fragment.status_code == 200
    assert "HX-Request-Type" in fragment.headers["vary"]
    text = fragment.text.strip()
    assert text.startswith('<section id="figures"')
    assert text.endswith("</section>")
    assert text.count("<section") == 1
    assert "<html" not in text
    assert text in page(manager, path)


@pytest.mark.parametrize("path", PAGES)
def test_no_page_needs_inline_script_or_style(manager: Room, path: str) -> None:
    answer = manager.client.get(path)
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert not re.search(r"\sstyle=|<style|\son[a-z]+=|javascript:", answer.text)
    assert all("src=" in script for script in re.findall(r"<script[^>]*>", answer.text))


def test_the_page_refreshes_what_was_asked_for(manager: Room) -> None:
    """Without a date it goes on being today, also when left open over midnight."""
    assert re.search(r'id="figures"[^>]* hx-get="/"', page(manager))
    chosen = page(manager, "/?period=week&date=2026-11-20&channel=qr")
    assert 'hx-get="/?period=week&amp;date=2026-11-20&amp;channel=qr"' in chosen


@pytest.mark.parametrize("path", ["/", "/department/so_tu_phap", "/account", "/sign-in", "/x"])
def test_a_demonstration_is_marked_on_every_page(make_room: Callable[..., Room], path: str) -> None:
    room = make_room(demo=True)
    room.sign_in()
    assert "MÔ PHỎNG · DEMO" in room.client.get(path).text
    assert "DEMO · MÔ PHỎNG" in room.client.get(f"{path}?lang=en").text


def test_reserved_characters_are_escaped_in_links_and_names(manager: Room) -> None:
    manager.sign_in("<b>\"&'</b>")
    hostile = quote("\"><script>alert(1)</script>&x='")
    shown = page(manager, f"/?x={hostile}")
    assert "<script>alert" not in shown
    assert "<b>" not in shown
    assert "&lt;b&gt;" in shown
