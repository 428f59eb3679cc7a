"""Comparison, trends, coverage and documents; and that every figure tells how it was computed."""

import re
from datetime import date, timedelta
from html import unescape

import pytest

from aggregator.dashboard.app import SCREENS
from tests.aggregator.conftest import EXAMPLE, Room, over_days, ratings, sipas, submission
from tests.aggregator.reading import card, row, words

PARTIAL = {"hx-request": "true", "hx-request-type": "partial"}
PLACES = {"so_tu_phap": "q05", "so_y_te": "q09", "so_noi_vu": "q12", "so_xay_dung": "q16"}
# A page's own parameters, so that there is something on it.
SHOWN = ["", "?survey=sipas_2020&period=month", "?survey=business&period=month", "?period=quarter"]


def page(room: Room, path: str) -> str:
    answer = room.client.get(path)
    assert answer.status_code == 200, answer.text
    return str(answer.text)


def rows(html: str, name: str) -> list[str]:
    """The texts of the table rows that begin with a name."""
    found = [words(each) for each in re.findall(r"<tr.*?</tr>", html, re.DOTALL)]
    return [each for each in found if each.startswith(name)]


@pytest.fixture
def centre_at_work(room: Room) -> Room:
    """Four departments rated this week and the week before, a SIPAS form each, dossiers."""
    items: list[object] = []
    for department, counter in PLACES.items():
        place = {"department": department, "counter": counter}
        items += ratings(EXAMPLE, **place)
        items += ratings([5] * 40 + [3] * 10, answered_at="2026-11-17T09:00:00+07:00", **place)
        items += [sipas([5, 4, 3, 5] * 5 + [5, 2], **place), sipas([4] * 22, **place)]
    business = {"b2_2": 1, "b3_3": 2, "b4_1": 3}
    items += [submission(survey="business", answers=business, channel="qr") for _ in range(3)]
    room.take(items)
    days = [date(2026, 11, 17) + timedelta(days=back) for back in range(7)]
    room.context.store.put_transactions(
        {"day": day, "department": department, "dossiers": 200}
        for day in days
        for department in PLACES
    )
    room.sign_in()
    return room


@pytest.mark.parametrize("path", [screen.path for screen in SCREENS])
def test_every_figure_on_every_screen_tells_how_it_was_computed(
    centre_at_work: Room, path: str
) -> None:
    """Of figures of one kind the last is asked: ten departments have the same words."""
    for shown in SHOWN if path == "/" else SHOWN[-1:]:
        asked: dict[str, str] = {}
        for link in re.findall(r'class="ask" href="([^"]+)"', page(centre_at_work, path + shown)):
            name = link.rpartition("how=")[2]
            first, _, rest = name.partition(".")
            kind = (first if rest.count(".") else "", name.rpartition(".")[2])
            asked[re.sub(r"\d+", "0", ".".join(kind))] = unescape(link)
        for link in asked.values():
            panel = centre_at_work.client.get(link, headers=PARTIAL).text
            assert panel.lstrip().startswith('<section id="how"'), link
            assert "Cách tính" in panel, link


@pytest.mark.parametrize("path", [screen.path for screen in SCREENS])
@pytest.mark.parametrize("language", ["vi", "en"])
def test_every_screen_has_an_empty_state_in_both_languages(
    room: Room, path: str, language: str
) -> None:
    room.sign_in()
    for shown in SHOWN:
        found = page(room, f"{path}{shown}{'&' if shown else '?'}lang={language}")
        assert "<h1" in found
        assert not re.search(r"\bnan\b|>\s*None\s*<", found), path + shown


@pytest.mark.parametrize("path", [screen.path for screen in SCREENS])
def test_every_screen_needs_a_sign_in(room: Room, path: str) -> None:
    answer = room.client.get(path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in")


@pytest.mark.parametrize("path", [screen.path for screen in SCREENS])
def test_every_verdict_on_every_screen_is_a_link(centre_at_work: Room, path: str) -> None:
    """Whatever it says: that nothing can be concluded has its reasons too."""
    verdicts = [
        verdict
        for shown in SHOWN
        for verdict in re.findall(
            r'<span class="(?:mark|side)[^"]*">(.*?)</span>', page(centre_at_work, path + shown)
        )
    ]
    assert [verdict for verdict in verdicts if not verdict.startswith('<a class="ask"')] == []
    assert verdicts or path not in ("/", "/comparison", "/trends", "/sipas", "/published")


def test_an_unknown_figure_is_said_to_be_gone(centre_at_work: Room) -> None:
    panel = centre_at_work.client.get("/?how=nothing.such", headers=PARTIAL).text
    assert "không còn trên trang" in panel


def test_departments_are_compared_in_the_order_of_their_shares(centre_at_work: Room) -> None:
    place = {"department": "so_cong_thuong", "counter": "q01"}
    centre_at_work.take(ratings([5] * 30, **place))
    found = page(centre_at_work, "/comparison?period=day")
    below, _ranked = rows(found, "Sở Tư pháp")
    assert "83,3% từ 75,7% đến 88,9% −13,0" in below
    assert "từ −20,7 đến −7,3 Quá ít ngày" in below
    centre_at_work.take(over_days([5, 5, 5, 1, 1], **place))
    month = page(centre_at_work, "/comparison?period=month")
    assert "Thấp hơn" in rows(month, "Sở Công Thương")[0]
    names = ("Toàn Trung tâm", "Sở Tư pháp", "Sở Công Thương")
    places = [found.index(f">{name}<") for name in names]
    assert places == sorted(places)


def test_four_good_ratings_do_not_lead_the_ranking(centre_at_work: Room) -> None:
    few = {"department": "so_tai_chinh", "counter": "q18"}
    many = {"department": "so_cong_thuong", "counter": "q01"}
    centre_at_work.take([*ratings([5] * 4, **few), *ratings([5] * 300 + [4] * 5, **many)])
    found = page(centre_at_work, "/comparison?period=day")
    ranking = found[found.index("ranking") :]
    assert row(ranking, "Sở Công Thương").startswith("Sở Công Thương 1 ")
    assert not row(ranking, "Sở Tài chính").startswith("Sở Tài chính 1 ")


def test_the_standardised_figure_weighs_departments_by_their_dossiers(centre_at_work: Room) -> None:
    centre_at_work.take(ratings([1] * 480, department="so_y_te", counter="q09"))
    found = page(centre_at_work, "/comparison?period=day")
    # Raw, the ratings count: 400 of 960. By dossiers, which are equal: (3 * 100/120 + 100/600)/4.
    assert "41,7%" in card(found, "Toàn Trung tâm · Rất hài lòng")
    assert "66,7%" in card(found, "Theo cơ cấu hồ sơ")


def test_an_unlike_reference_is_refused_with_the_reason(centre_at_work: Room) -> None:
    found = words(page(centre_at_work, "/comparison"))
    refused = found[found.index("Không so sánh với") :]
    assert "SIPAS" in refused
    assert "không cùng một đại lượng" in refused


def test_a_week_is_held_against_the_week_before(centre_at_work: Room) -> None:
    found = page(centre_at_work, "/trends")
    changed, _ = rows(found, "Tuần này từ 23/11/2026 đến 29/11/2026")
    assert "83,3% 400 trên 480" in changed
    assert "tuần liền trước từ 16/11/2026 đến 22/11/2026 80,0% 160 trên 200 +3,3" in changed


def test_the_control_chart_shows_its_points_and_no_line_across_empty_weeks(
    centre_at_work: Room,
) -> None:
    centre_at_work.take(ratings([5] * 50, answered_at="2026-09-08T09:00:00+07:00"))
    found = page(centre_at_work, "/trends?grain=week")
    assert len(re.findall(r'<circle class="dot', found)) == 3
    # Only this week and the last are neighbours.
    assert len(re.findall(r'<line class="series"', found)) == 1


@pytest.mark.parametrize("grain", ["day", "week", "month", "quarter"])
def test_the_chart_adds_up_to_the_answers(centre_at_work: Room, grain: str) -> None:
    found = page(centre_at_work, f"/trends?grain={grain}&measure=very_satisfied")
    table = found[found.index('class="points"') :]
    numbers = [
        int(words(each).replace(".", ""))
        for each in re.findall(r"</th>\s*<td>(.*?)</td>", table, re.DOTALL)
    ]
    assert sum(numbers) == 680


def test_a_trend_of_one_department(centre_at_work: Room) -> None:
    found = page(centre_at_work, "/trends?department=so_y_te")
    assert all("100 trên 120" in each for each in rows(found, "Tuần này"))
    assert centre_at_work.client.get("/trends?department=so_nao").status_code == 400
    assert centre_at_work.client.get("/trends?grain=century").status_code == 400


def test_coverage_by_department_and_channel_with_the_bounds_of_the_silent(
    centre_at_work: Room,
) -> None:
    centre_at_work.take(ratings([5] * 20, department="so_y_te", counter="q09", channel="qr"))
    found = page(centre_at_work, "/coverage?period=day")
    # 140 of 200 dossiers; 120 of them very satisfied: from 120/200 to 180/200.
    health = row(found, "Sở Y tế")
    assert health.startswith("Sở Y tế 200 140 70,0% 60,0% 120 10,0% 20")
    assert health.endswith("từ 60,0% đến 90,0%")


def test_more_ratings_than_dossiers_have_no_bounds(centre_at_work: Room) -> None:
    centre_at_work.take(ratings([5] * 100, department="so_y_te", counter="q09"))
    found = page(centre_at_work, "/coverage?period=day&measure=very_satisfied")
    assert row(found, "Sở Y tế").endswith("–")


def test_documents_are_offered_to_all_and_raw_answers_to_managers(centre_at_work: Room) -> None:
    found = page(centre_at_work, "/documents")
    assert 'href="/reports/quarter.pdf?date=2026-10-01' in found
    assert "SPSS" in words(found)
    accounts = centre_at_work.context.accounts
    accounts.add_user("nguoi_xem", "reader", None)
    centre_at_work.client.get(accounts.new_link("nguoi_xem", ""))
    viewed = page(centre_at_work, "/documents")
    assert 'href="/reports/quarter.pdf' in viewed
    assert "SPSS" not in words(viewed)


def test_a_form_leads_to_the_file_that_it_asks_for(centre_at_work: Room) -> None:
    answer = centre_at_work.client.get("/reports/week?date=2026-11-10&format=docx&lang=vi")
    assert answer.headers["location"] == "/reports/week.docx?date=2026-11-10&lang=vi"
    assert centre_at_work.client.get("/reports/week?format=exe").status_code == 400
    assert centre_at_work.client.get("/reports/week?format=csv").status_code == 400
    assert centre_at_work.client.get("/reports/evil?format=pdf").status_code == 404
    assert centre_at_work.client.get("/exports/submissions?format=pdf").status_code == 400


@pytest.mark.parametrize("path", ["/", "/comparison", "/sipas", "/coverage", "/handling"])
def test_another_kind_of_period_keeps_the_day(room: Room, path: str) -> None:
    room.sign_in()
    kinds = ("week", "month", "quarter", "year", "day")
    day = "2026-11-20"
    for kind in kinds:
        found = page(room, f"{path}?period={kind}&date={day}")
        [day] = re.findall(r'name="date" value="([^"]+)"', found)
    assert day == "2026-11-20"


def test_without_a_day_the_form_holds_today_and_in_another_period_its_first(room: Room) -> None:
    room.sign_in()
    assert 'name="date" value="2026-11-23"' in page(room, "/comparison")
    assert 'name="date" value="2026-11-01"' in page(room, "/?from=2026-11-01&to=2026-11-09")


@pytest.mark.parametrize("path", ["/", "/comparison", "/trends", "/coverage", "/sipas"])
@pytest.mark.parametrize("query", ["measure=zzz", "reference=zzz", "survey=zzz", "channel=zzz"])
def test_a_choice_that_does_not_exist_is_refused(room: Room, path: str, query: str) -> None:
    room.sign_in()
    bound = path == "/sipas" and query.startswith("survey")
    assert room.client.get(f"{path}?{query}").status_code == (200 if bound else 400)


def test_a_measure_of_another_survey_gives_way_to_the_survey_s_own(room: Room) -> None:
    room.sign_in()
    page(room, "/comparison?survey=in_centre&measure=favourable")


def test_a_day_out_of_range_names_the_range(room: Room) -> None:
    room.sign_in()
    answer = room.client.get("/?from=1900-01-01&to=1900-02-01")
    assert answer.status_code == 400
    assert "từ 2000 đến 2999" in words(answer.text)


def test_the_report_is_offered_where_it_holds_the_same_figures(centre_at_work: Room) -> None:
    label = "Báo cáo tháng toàn Trung tâm (PDF)"
    assert label in words(page(centre_at_work, "/comparison"))
    assert label in words(page(centre_at_work, "/trends"))
    for other in (
        "/comparison?channel=qr",
        "/comparison?survey=sipas_2020",
        "/department/so_y_te?period=month",
        "/trends?department=so_y_te",
        "/sipas?period=month",
    ):
        assert "toàn Trung tâm (PDF)" not in words(page(centre_at_work, other)), other


def test_answers_are_offered_where_they_are_what_the_page_shows(centre_at_work: Room) -> None:
    assert "Tải phiếu trả lời (CSV)" in words(page(centre_at_work, "/comparison"))
    assert "/exports/" not in page(centre_at_work, "/handling")


def test_an_interval_with_signs_is_written_in_words(centre_at_work: Room) -> None:
    found = page(centre_at_work, "/comparison?period=day")
    figure = re.findall(r"how=(so_tu_phap\.very_satisfied\.\w+)", found)[0]
    link = f"/comparison?period=day&how={figure}"
    panel = words(centre_at_work.client.get(link, headers=PARTIAL).text)
    assert "từ −20,7 đến −7,3 điểm phần trăm" in panel
    english = words(centre_at_work.client.get(f"{link}&lang=en", headers=PARTIAL).text)
    assert "−20.7 to −7.3 percentage points" in english


def test_a_trend_until_a_past_day_does_not_call_it_this_week(centre_at_work: Room) -> None:
    past = page(centre_at_work, "/trends?period=day&date=2026-11-17")
    assert rows(past, "Tuần được chọn từ 16/11/2026")
    assert rows(past, "Tháng này từ 01/11/2026")
    assert not rows(past, "Tuần này")


def test_a_trend_without_ratings_says_so(room: Room) -> None:
    room.sign_in()
    first, *_ = rows(page(room, "/trends"), "Tuần này")
    assert "0 trên 0" not in first
    assert first.endswith("Chưa có số liệu")


def test_coverage_says_which_days_it_counts(centre_at_work: Room) -> None:
    old = ratings([5] * 9, answered_at="2026-11-02T09:00:00+07:00")
    centre_at_work.take(old)
    found = words(page(centre_at_work, "/coverage?period=month"))
    assert "chỉ tính những ngày đã có số hồ sơ" in found
    assert "Cả kỳ có 689 lượt đánh giá; bảng này đếm 680" in found


def test_a_survey_taken_earlier_has_no_share_of_those_who_took_part(centre_at_work: Room) -> None:
    shown = page(centre_at_work, "/?survey=paper_ballot_2020&period=month")
    assert card(shown, "Tỷ lệ tham gia") == "Tỷ lệ tham gia – Phiếu này được thu thập trước đây"
    assert row(shown, "Toàn Trung tâm").startswith("Toàn Trung tâm 0 0 0")
    covered = words(page(centre_at_work, "/coverage?survey=paper_ballot_2020"))
    assert "Phiếu này được thu thập trước đây" in covered
    assert "0,0%" not in covered


def test_an_empty_day_that_is_over_awaits_nothing(room: Room) -> None:
    room.sign_in()
    assert "sẽ tự hiện ở đây" in words(page(room, "/?period=month"))
    past = words(page(room, "/?date=2026-11-20"))
    assert "sẽ tự hiện ở đây" not in past
    assert "Chưa có lượt đánh giá nào trong kỳ này. Xin chọn kỳ khác." in past


def test_the_marks_of_the_charts_are_explained(centre_at_work: Room) -> None:
    for path in ("/", "/comparison?period=day"):
        found = words(page(centre_at_work, path))
        assert "Vòng rỗng, nét đứt: chưa đủ để kết luận" in found
        assert "Vạch đỏ nét đứt: số công bố (96,3%)" in found


def test_sipas_and_business_begin_with_a_sentence(centre_at_work: Room) -> None:
    found = words(page(centre_at_work, "/sipas"))
    # Of 22 answers one person of two is satisfied with 16, the other with all.
    assert "chỉ số SIPAS tại Trung tâm là 86,4% (khoảng tin cậy 95%: từ" in found
    assert "Yếu tố có tỷ lệ thấp nhất:" in found
    assert "Mới có 8 người trả lời, dưới 30" in found
    assert "Năm 2021 để trống" in found
    said = words(page(centre_at_work, "/business"))
    assert re.search(r"Trong \d nhận định có số PCI để đặt cạnh, \d nghiêng", said)
    assert "chưa đủ để kết luận là tốt hơn" in said


def test_where_no_ranking_is_set_the_decisions_come_before_the_technical_steps(room: Room) -> None:
    room.sign_in()
    found = words(page(room, "/ddci"))
    decisions = found.index("lãnh đạo đã quyết định ba điểm")
    assert decisions < found.index("Dành cho người quản trị máy chủ") < found.index("HAILONG_DDCI")


def test_a_day_that_late_answers_restated_says_so(room: Room) -> None:
    closings, zone = room.context.store.closings, room.context.centre.zone
    room.take(ratings([5, 5, 1]))
    room.clock.moment += timedelta(days=1)
    closings.close(room.clock.moment.astimezone(zone))
    room.take([submission(answered_at="2026-11-23T08:16:00+07:00")])
    room.clock.moment += timedelta(days=1)
    closings.close(room.clock.moment.astimezone(zone))
    room.sign_in()
    said = "đã chốt sổ với 3 phiếu; sau đó có thêm 1 phiếu đến muộn, ghi vào sổ ngày 25/11/2026"
    assert said in room.client.get("/?period=day&date=2026-11-23").text
    for other in ("/?period=day&date=2026-11-24", "/?period=week&date=2026-11-23"):
        assert "chốt sổ" not in room.client.get(other).text
