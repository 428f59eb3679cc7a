"""The centre's work beside satisfaction: from published tables and from the data desk."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from aggregator.intake.importing import import_file
from aggregator.intake.ingest import Ingest
from aggregator.storage.batches import NewBatch
from tests.aggregator.conftest import CENTRE, GOLDEN, NOW, Room, over_days
from tests.aggregator.dashboard.screens import (
    answers_for_its_figures,
    is_a_fragment_to_htmx,
    is_shown_to_a_viewer,
    needs_no_script,
    shown,
)
from tests.aggregator.dashboard.test_screen_desk import form_of, put
from tests.aggregator.reading import card, row, words
from tests.files.making import csv

SPAN = "/operations?from=2019-09-03&to=2020-05-12"
DEPARTMENTS = Path(__file__).parents[2] / "golden" / "departments.csv"
MONTHS = [("2026-09-01", "2026-09-30"), ("2026-10-01", "2026-10-31")]
TABLE = [
    ("Kỳ báo cáo: Tháng 11/2026",),
    ("Cơ quan", "Lượt khách", "Tiếp nhận", "Đã giải quyết", "Đúng hạn", "Quá hạn"),
    ("Sở Y tế", 420, 300, 290, 288, 2),
    ("Sở Tư pháp", 1180, 900, 880, 880, 0),
]


@pytest.fixture
def manager(room: Room) -> Room:
    room.sign_in()
    return room


def enter(room: Room, rows: list[list[object]], name: str = "lô") -> None:
    """State figures: rows of day, until, department, figure, value."""
    desk = NewBatch(name, "operations", None, "bang.csv", f"h{name}", len(rows), NOW, "lan")
    store = room.context.store
    from aggregator.storage.audit import Entry

    store.batches.set_cells(
        desk,
        rows,
        lambda n, gone: Entry(
            NOW, "lan", "batch.taken", {"name": name, "file": "bang.csv", "hash": "h", "n": n}
        ),
    )


def test_the_published_report_s_figures_stand_beside_the_ratings(manager: Room) -> None:
    context = manager.context
    ingest = Ingest(context.store, context.surveys, context.centre, context.clock)
    import_file(GOLDEN, ingest, "vi")
    page = shown(manager, SPAN)
    whole = row(page, "Toàn Trung tâm 3.483")
    for text in ("96,3%", "hơn 18.000", "10.529", "9.974", "9.903 99,29%", "71 0,71%", "29", "583"):
        assert text in whole
    assert "44 trong 71 hồ sơ quá hạn của toàn Trung tâm là của Sở Tài nguyên" in words(page)
    settling = page[: page.index("Trực tuyến và bưu chính</h2>")]
    assert row(settling, "Sở Tài nguyên và Môi trường 0").endswith(" 44 24 –")
    assert " 19% 3.483 trên 18.000" in card(page, "Lượt đánh giá trên lượt khách")
    assert "34,9%" in card(page, "Lượt đánh giá trên hồ sơ đã giải quyết")
    assert "1.386" in card(page, "Thủ tục tiếp nhận tại Trung tâm")
    assert "285" in card(page, "Thủ tục giải quyết tại chỗ")
    assert "1.414.812.973 đồng" in card(page, "Phí, lệ phí đã thu")
    remote = row(page[page.index("Trực tuyến và bưu chính") :], "Sở Công Thương")
    assert remote.endswith("0 596 907")
    panel = words(shown(manager, f"{SPAN}&how=operations.overdue.so_tai_nguyen_moi_truong"))
    for text in ("44 trên 71 (62,0%)", "từ 03/09/2019 đến 12/05/2020", "UBND tỉnh Lai Châu"):
        assert text in panel
    assert answers_for_its_figures(manager, SPAN) > 100


def test_a_period_without_figures_says_so_and_leads_to_those_there_are(manager: Room) -> None:
    page = shown(manager, "/operations")
    assert "Chưa có số liệu hoạt động: tháng 11/2026." in words(page).replace("Tháng", "tháng")
    assert "from=2019-09-03&amp;to=2020-05-12" in page
    assert "/desk" in page
    inside = words(shown(manager, "/operations?period=month&date=2020-01-15"))
    assert "Có số liệu của các kỳ dài hơn" in inside, "a longer span is not cut"


def test_an_office_table_from_the_desk_stands_on_the_page_in_the_same_minute(
    manager: Room,
) -> None:
    manager.take(over_days([5] * 9 + [4], department="so_y_te", counter="q09"))
    path = put(manager, csv(TABLE).encode(), "Tháng 11.csv", "operations")
    looked = manager.client.get(path).text
    assert 'value="2026-11-01"' in looked
    form = form_of(looked) | {"since": "2026-11-01", "until": "2026-11-30"}
    done = manager.client.post(path, data=form | {"action": "take"}, follow_redirects=True)
    assert "thêm 10, rút 0" in done.text
    page = shown(manager, "/operations")
    health = row(page, "Sở Y tế")
    assert "90,0%" in health
    assert health.endswith("420 300 290 288 99,31% 2 0,69%")
    assert row(page, "Toàn Trung tâm").endswith("1.600 1.200 1.170 1.168 99,83% 2 0,17%")
    panel = words(shown(manager, "/operations?how=operations.visits."))
    assert "Cộng số của các cơ quan" in panel
    # The month is not over: its figures are of days that have no ratings yet.
    assert "Lượt đánh giá trên lượt khách" in words(page)


def test_a_table_without_days_waits_for_them_and_a_form_states_them(manager: Room) -> None:
    path = put(manager, DEPARTMENTS.read_bytes(), "departments.csv", "operations")
    looked = manager.client.get(path).text
    assert "Tệp không ghi số liệu của kỳ nào" in looked
    form = form_of(looked) | {"since": "2019-09-03", "until": "2020-05-12", "action": "look"}
    again = manager.client.post(path, data=form)
    assert "Nhận được 16 dòng" in again.text
    form |= {"found": "16", "action": "take", "name": "Báo cáo 2020"}
    assert "thêm 80" in manager.client.post(path, data=form, follow_redirects=True).text
    panel = words(shown(manager, f"{SPAN}&how=operations.overdue.so_tai_nguyen_moi_truong"))
    assert "Bảng của cơ quan" in panel, "what the centre entered goes before what is printed"


def test_months_add_up_to_their_quarter_and_a_day_counts_once(manager: Room) -> None:
    rows: list[list[object]] = [[*month, "", "visits", 100] for month in MONTHS]
    rows += [[*month, "", "in_process", n] for month, n in zip(MONTHS, (7, 5), strict=True)]
    enter(manager, rows)
    span = "/operations?from=2026-09-01&to=2026-10-31"
    assert row(shown(manager, span), "Toàn Trung tâm").endswith("200 5")
    enter(manager, [["2026-09-01", "2026-10-31", "", "visits", 190]], "hai tháng")
    assert row(shown(manager, span), "Toàn Trung tâm").endswith("190 5")
    assert row(shown(manager, "/operations?period=month&date=2026-09-02"), "Toàn").endswith("100 7")
    half = shown(manager, "/operations?from=2026-09-15&to=2026-10-31")
    assert row(half, "Toàn Trung tâm").endswith("100 5")
    assert "Lượt đánh giá trên lượt khách" not in words(half), "the figures lack a fortnight"


def test_dossiers_by_day_stand_where_nothing_else_is_stated(manager: Room) -> None:
    day = date(2026, 11, 20)
    manager.context.store.put_transactions([{"day": day, "department": "so_y_te", "dossiers": 33}])
    page = shown(manager, "/operations")
    assert row(page, "Sở Y tế").endswith("33")
    panel = words(shown(manager, "/operations?how=operations.settled.so_y_te"))
    assert "theo ngày và cơ quan" in panel


def test_a_survey_without_one_share_has_the_work_alone(manager: Room) -> None:
    page = shown(manager, f"{SPAN}&survey=business")
    assert " 44 24 –" in words(page)


def test_a_head_has_the_own_department_alone(any_room: Room) -> None:
    enter(
        any_room,
        [
            ["2026-11-01", "2026-11-30", id, "overdue", n]
            for id, n in (("so_y_te", 3), ("so_tu_phap", 8_765), ("", 8_768))
        ],
    )
    accounts = any_room.context.accounts
    accounts.add_user("truong", "head", department="so_y_te")
    any_room.client.get(accounts.new_link("truong", ""))
    page = shown(any_room, "/operations")
    assert row(page, "Sở Y tế").endswith(" 3")
    assert "8.76" not in page
    assert "Toàn Trung tâm" not in row(page, "Sở Y tế")
    assert "Sở Tư pháp" not in page
    old = words(shown(any_room, SPAN))
    assert "10.529" not in old
    assert "71" not in old


def test_a_centre_without_tables_has_an_empty_page(
    make_room: Callable[..., Room], tmp_path: Path
) -> None:
    bare = tmp_path / "centre.toml"
    lines = CENTRE.read_text().splitlines()
    bare.write_text("\n".join(line for line in lines if not line.startswith("published")))
    room = make_room(centre=bare)
    room.sign_in()
    assert "Có số liệu của các kỳ" not in shown(room, "/operations")


def test_as_a_fragment_without_a_script_and_for_viewers(manager: Room) -> None:
    is_a_fragment_to_htmx(manager, SPAN)
    needs_no_script(manager, SPAN)
    is_shown_to_a_viewer(manager, SPAN)
