"""The menu: few doors, what each role finds behind them, and the selection that goes along."""

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest

from aggregator.dashboard.app import SCREENS
from aggregator.storage.credentials import Role
from tests.aggregator.conftest import Room

LINK = re.compile(r'<a href="([^"]*)"(?: aria-current="(\w+)")?>([^<]*)</a>')
ASKED = {
    "survey": "sipas_2020",
    "period": "quarter",
    "date": "2026-11-20",
    "channel": "qr",
    "department": "so_y_te",
    "measure": "very_satisfied",
}
QUERY = "&".join(f"{name}={value}" for name, value in ASKED.items())


def rows(html: str) -> list[list[tuple[str, str, str]]]:
    """The rows of the menu: of each link its address, whether it is current, and its words."""
    return [
        [(unescape(to), current, unescape(text)) for to, current, text in LINK.findall(nav)]
        for nav in re.findall(r'<nav class="screens.*?</nav>', html, re.DOTALL)
    ]


def sign_in_as(room: Room, role: Role, department: str | None = None) -> None:
    room.context.accounts.add_user("nguoi_khac", role, department=department)
    room.client.get(room.context.accounts.new_link("nguoi_khac", ""))


def test_few_doors_lead_everywhere(room: Room) -> None:
    room.sign_in()
    first, *_ = rows(room.client.get("/").text)
    assert [text for _, _, text in first] == [
        "Hôm nay",
        "Kết quả",
        "Góp ý",
        "Báo cáo",
        "Quản trị",
        "Phương pháp",
    ]
    reached = {
        urlsplit(to).path
        for door, _, _ in first
        for row in rows(room.client.get(door).text)
        for to, _, _ in row
    }
    assert reached == {screen.path for screen in SCREENS}


@pytest.mark.parametrize(
    ("path", "door", "page"),
    [
        ("/", "Hôm nay", "Bảng tổng hợp"),
        ("/department/so_y_te", "Hôm nay", "Bảng tổng hợp"),
        ("/sipas/weighted", "Kết quả", "SIPAS"),
        ("/settings/hours", "Quản trị", "Cài đặt"),
        ("/published", "Phương pháp", "Đối chiếu số công bố"),
        ("/account", None, None),
    ],
)
def test_a_page_and_its_parts_stand_under_one_door(
    room: Room, path: str, door: str | None, page: str | None
) -> None:
    room.sign_in()
    found = [
        [text for _, current, text in row if current] for row in rows(room.client.get(path).text)
    ]
    assert found == [[one] if one else [] for one in (door, page)[: 2 if page else 1]]


@pytest.mark.parametrize(
    ("role", "doors"),
    [
        ("reader", ["Hôm nay", "Kết quả", "Góp ý", "Báo cáo", "Phương pháp"]),
        ("head", ["Hôm nay", "Kết quả", "Góp ý", "Báo cáo", "Phương pháp"]),
    ],
)
def test_a_door_without_a_page_for_the_reader_is_not_there(
    room: Room, role: Role, doors: list[str]
) -> None:
    sign_in_as(room, role, "so_y_te" if role == "head" else None)
    page = room.client.get("/method").text
    assert [text for _, _, text in rows(page)[0]] == doors
    for to, _, _ in rows(page)[0]:
        assert room.client.get(to, follow_redirects=True).status_code == 200, to


@pytest.mark.parametrize("path", [screen.path for screen in SCREENS])
def test_the_selection_goes_along_to_every_page_and_back(room: Room, path: str) -> None:
    """Also by a page that has no use for it: its links and its form hand it on."""
    room.sign_in()
    page = room.client.get(f"{path}?{QUERY}")
    assert page.status_code == 200
    for row in rows(page.text):
        for to, _, _ in row:
            assert {name: [value] for name, value in ASKED.items()} == parse_qs(urlsplit(to).query)
    form = re.search(r'<form id="filters".*?</form>', page.text, re.DOTALL)
    if form:
        names = re.findall(r' name="(\w+)"', form[0])
        assert len(names) == len(set(names))
        assert set(ASKED) <= set(names)
        for name in re.findall(r'type="hidden" name="(\w+)"', form[0]):
            if name != "of":
                assert f'name="{name}" value="{ASKED[name]}"' in form[0]


def test_a_step_in_time_keeps_what_the_page_does_not_know(room: Room) -> None:
    room.sign_in()
    page = room.client.get(f"/sipas?{QUERY.replace('sipas_2020', 'in_centre')}").text
    steps = re.findall(r'<nav class="steps".*?</nav>', page, re.DOTALL)[0]
    before = parse_qs(urlsplit(unescape(re.findall(r'href="(\?[^"]*)"', steps)[0])).query)
    assert before == {
        name: [{"survey": "in_centre", "date": "2026-07-01"}.get(name, value)]
        for name, value in ASKED.items()
    }


def test_a_page_of_a_department_has_selected_it(room: Room) -> None:
    room.sign_in()
    page = room.client.get("/department/so_y_te?period=month").text
    assert all("department=so_y_te" in to for row in rows(page) for to, _, _ in row)


def test_what_a_page_refuses_is_in_none_of_its_links(room: Room) -> None:
    room.sign_in()
    page = room.client.get("/comparison?channel=pigeon&period=month")
    assert page.status_code == 400
    assert [to for row in rows(page.text) for to, _, _ in row if "?" in to] == []


@pytest.mark.parametrize("path", [screen.path for screen in SCREENS])
def test_a_page_begins_with_the_month_and_what_was_selected_stands_in_its_forms(
    room: Room, path: str
) -> None:
    room.sign_in()
    chosen = re.compile(r'<option value="(\w+)" selected')
    for query, kind in (("", "day" if path == "/" else "month"), (f"?{QUERY}", "quarter")):
        page = room.client.get(f"{path}{query}").text
        for select in re.findall(r'<select name="period">.*?</select>', page, re.DOTALL):
            assert chosen.findall(select) == [kind]
    if path in ("/organisation", "/accounts"):
        return  # there a department is what is acted on
    for name in ("survey", "channel", "department"):
        for select in re.findall(rf'<select[^>]* name="{name}">.*?</select>', page, re.DOTALL):
            if f'value="{ASKED[name]}"' in select:
                assert chosen.findall(select) == [ASKED[name]], name


def test_reports_and_exports_are_filled_with_what_was_selected(room: Room) -> None:
    room.sign_in()
    page = room.client.get(f"/documents?{QUERY.replace('2026-11-20', '2026-02-20')}").text
    assert 'href="/reports/quarter.pdf?date=2026-01-01' in page
    assert 'href="/reports/month.pdf?date=2026-02-01' in page
    assert 'href="/reports/month.pdf?date=2026-11-01' in page
    form = page[page.index('action="/exports/submissions"') :]
    for field in ('name="from" value="2026-01-01"', 'name="to" value="2026-03-31"'):
        assert field in form
    for value in ("sipas_2020", "qr", "so_y_te"):
        assert f'<option value="{value}" selected>' in form
    assert 'name="date" value="2026-02-20"' in page
    plain = room.client.get("/documents").text
    form = plain[plain.index('action="/exports/submissions"') :]
    assert " selected" not in form.partition("</form>")[0]
    assert room.client.get("/documents?channel=pigeon").status_code == 400
