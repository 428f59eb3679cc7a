"""The law on pages: what is in force in a period is named, and what is not known is said."""

from datetime import date

import pytest

from aggregator.figures.trends import breaks
from aggregator.indices.circular_01_2018 import BY_DOSSIER, Counts
from tests.aggregator.conftest import Room
from tests.aggregator.dashboard.screens import shown
from tests.aggregator.dashboard.test_screen_settings import LAW, preview, saved
from tests.aggregator.reading import words

RULE = "Thông tư số 01/2018/TT-VPCP"
DECREE = "Nghị định số 61/2018/NĐ-CP ngày 23/4/2018 của Chính phủ"
NEW = {**LAW, "called_vi": "Nghị định thử 2026", "governs.classification": "1"}


@pytest.fixture
def manager(room: Room) -> Room:
    room.sign_in()
    return room


def test_a_page_names_the_law_and_says_that_its_days_are_not_known(manager: Room) -> None:
    page = words(shown(manager, "/handling?period=month"))
    assert f"chấm theo {RULE}" in page
    assert f"việc đánh giá theo {DECREE}; chỉ số theo {RULE}; xếp loại theo {RULE}" in page
    assert f"Phần mềm chưa rõ {RULE} có hiệu lực từ ngày nào" in page
    assert "vẫn tính theo" not in page


def test_a_successor_is_cited_from_its_day_on_and_its_text_is_said_to_be_missing(
    manager: Room,
) -> None:
    effect = words(preview(manager, "laws/new", **NEW).text)
    assert "Chín chỉ số giải quyết hồ sơ:" in effect
    assert "Nghị định thử 2026 (từ 01/07/2026)" in effect
    assert "phần mềm chưa có nội dung văn bản này" in effect
    said = saved(manager, "laws/new", **NEW)
    assert "Thêm căn cứ pháp lý “Nghị định thử 2026”" in said
    before = words(shown(manager, "/handling?period=month&date=2026-06-15"))
    assert f"chỉ số theo {RULE};" in before
    assert "Nghị định thử 2026" not in before
    after = words(shown(manager, "/handling?period=month&date=2026-07-15"))
    assert "chỉ số theo Nghị định thử 2026; xếp loại theo Nghị định thử 2026" in after
    assert "Nghị định thử 2026 (từ 01/07/2026 đến 31/07/2026): phần mềm chưa có" in after
    assert f"vẫn tính theo {RULE}, chỉ để tham khảo" in after
    year = words(shown(manager, "/handling?period=year&date=2026-07-15"))
    told = "Chuỗi số liệu gián đoạn: từ ngày 01/07/2026 áp dụng Nghị định thử 2026"
    assert f"{told}, trước đó là {RULE}." in year
    assert year.count("Chuỗi số liệu gián đoạn") == 1, "two subjects change on one day by one law"


def test_a_figure_says_which_law_was_in_force(manager: Room) -> None:
    counts = {number: Counts(0, 0, 0, 3) for number in BY_DOSSIER}
    days = {(date(2026, month, 3), "so_tu_phap"): counts for month in (6, 7)}
    manager.context.store.handling.set_dossiers(days)
    saved(manager, "laws/new", **NEW)
    for month, law in ((6, RULE), (7, "Nghị định thử 2026")):
        path = f"/handling?period=month&date=2026-0{month}-03"
        for name in ("1", "total"):
            panel = words(shown(manager, f"{path}&how=so_tu_phap.{name}"))
            assert f"Văn bản áp dụng trong kỳ {law}" in panel


def test_trends_of_the_survey_break_where_the_law_changes(manager: Room) -> None:
    saved(manager, "laws/new", **NEW)
    context = manager.context
    [found] = breaks(context.surveys["circular_01_2018"], context.centre)
    assert (str(found.day), found.reason.vi) == ("2026-07-01", "Nghị định thử 2026")
    assert breaks(context.surveys["in_centre"], context.centre) == []
    saved(manager, "laws/nghi_dinh_thu_2026", instrument="circular_01_2018")
    assert breaks(context.surveys["circular_01_2018"], manager.context.centre) == []


def test_the_ministry_s_method_is_that_of_its_years(manager: Room) -> None:
    now = words(shown(manager, "/sipas?period=month"))
    assert "Chưa rõ văn bản nào áp dụng từ 01/11/2026 đến 30/11/2026" in now
    then = words(shown(manager, "/sipas?period=month&date=2019-11-05"))
    assert "Chưa rõ văn bản nào" not in then


def test_the_settings_list_what_is_known_and_what_is_not(manager: Room) -> None:
    page = words(shown(manager, "/settings"))
    assert f"{DECREE} Việc đánh giá giải quyết thủ tục hành chính · hiệu lực từ chưa rõ" in page
    assert "theo thể thức của Nghị định số 30/2020/NĐ-CP" in page
