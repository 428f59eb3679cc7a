"""The words of the catalogues and of the managers' pages: formal, exact, and without jargon."""

import re
from html import unescape

import pytest

from aggregator.dashboard.app import SCREENS
from aggregator.wording.messages import MESSAGES
from surveys.messages import Language, Messages
from tests.aggregator.conftest import EXAMPLE, ROOT, Room, ratings, sipas, submission
from tests.aggregator.reading import words

# What was said before, each with what is said now in its place.
REPLACED = {
    "phân biệt được": "Chưa đủ cơ sở kết luận có khác biệt",
    "doanh nghiệp cho ý kiến": "Tiếp nhận ít nhất … phiếu ý kiến của doanh nghiệp",
    "Điểm thật": "Điểm chính thức",
    "điểm %": "điểm phần trăm",
    "co về mức chung": "đã điều chỉnh theo số lượt",
    "người im lặng": "người không tham gia đánh giá",
    "nặng như nhau": "có trọng số bằng nhau",
    "phép trừ, ": "so sánh số học, chưa kiểm định",
    "theo phép trừ": "so sánh số học, chưa kiểm định",
    "chỗ nào không khớp": "Đối chiếu số liệu đã công bố",
    "Bên cạnh số SIPAS": "Đối chiếu với chỉ số SIPAS đã công bố",
    "cắt bớt chữ số": "Bỏ bớt chữ số, không làm tròn",
    "ngày này chưa hết": "Số liệu trong ngày chưa đầy đủ",
    "chưa có ai trả lời": "chưa có số liệu thì tính 0 điểm",
    "không được điểm": "tính 0 điểm",
    "bên nào hơn": "cơ quan nào cao hơn",
    "gia quyền": "gán trọng số",
    "khen hay chê": "hài lòng, chưa hài lòng",
    "im lặng": "mất liên lạc",
    "tỷ lệ thô": "tỷ lệ chưa điều chỉnh",
    "trị số p": "giá trị p",
    "tổ chức lúc đó": "tổ chức tại thời điểm đó",
}
CATALOGUES = [
    MESSAGES,
    *(Messages.load(ROOT / room / "messages") for room in ("kiosk", "surveys")),
]
# What only statisticians know: behind a figure, where it can be asked, and on the page of methods.
JARGON = {
    "vi": (
        r"\bholm\b|\bdeff\b|wilson|newcombe|fisher|benjamini|hệ số thiết kế|cỡ mẫu hiệu dụng"
        r"|(?:giá )?trị(?: số)? p\b|khoảng p\b|\bp hiệu chỉnh"
    ),
    "en": (
        r"\bholm\b|\bdeff\b|wilson|newcombe|fisher|benjamini|design effect|effective sample"
        r"|p-value|p interval|adjusted p\b"
    ),
}
FOR_AUDITORS = "/method"


def test_no_text_says_what_was_replaced() -> None:
    texts = [one for catalogue in CATALOGUES for one in catalogue.texts["vi"].items()]
    found = {key: old for key, text in texts for old in REPLACED if old.lower() in text.lower()}
    assert found == {}
    assert [key for key, text in texts if "oàn trung tâm" in text] == []


@pytest.mark.parametrize("language", ["vi", "en"])
def test_percent_signs_and_ranges_are_written_as_in_documents(language: Language) -> None:
    """No space before the sign, and no dash between the ends of a range."""
    texts = [one for catalogue in CATALOGUES for one in catalogue.texts[language].items()]
    for key, text in texts:
        assert not re.search(r"\d[ \u00a0]%", text), key
        if language == "vi":
            assert not re.search(r"\} [–…] \{", text), key


def test_a_method_s_sources_stand_apart_from_what_it_does() -> None:
    """So that a document says what was done, and who asks a figure learns where it is from."""
    for language in ("vi", "en"):
        for key, text in MESSAGES.texts[language].items():
            if key.startswith("how_method."):
                assert not re.search(r"\((?:[^()]*, )?(?:1[89]|20)\d\d\b|, (?:tr|pp)\. \d", text), (
                    key
                )


@pytest.fixture
def at_work(room: Room) -> Room:
    """Ratings enough for every verdict, a SIPAS form and firms, so that no page is empty."""
    for department, counter in {"so_tu_phap": "q05", "so_y_te": "q09", "so_noi_vu": "q12"}.items():
        place = {"department": department, "counter": counter}
        room.take(ratings(EXAMPLE, **place))
        room.take(ratings([5] * 40 + [3] * 10, answered_at="2026-11-17T09:00:00+07:00", **place))
        room.take([sipas([5, 4, 3, 5] * 5 + [5, 2], **place), sipas([4] * 22, **place)])
    room.take([submission(survey="business", answers={"b2_2": 1, "b3_3": 2}, channel="qr")])
    room.sign_in()
    return room


@pytest.mark.parametrize("language", ["vi", "en"])
def test_a_lay_manager_reads_no_jargon(at_work: Room, language: Language) -> None:
    paths = [screen.path for screen in SCREENS if screen.path != FOR_AUDITORS]
    for path in [*paths, "/department/so_y_te", "/sipas/weighted"]:
        for asked in ("", "&survey=sipas_2020", "&survey=business"):
            page = at_work.client.get(f"{path}?period=quarter&lang={language}{asked}").text
            read = [
                words(page),
                *map(unescape, re.findall(r'(?:aria-label|title)="([^"]*)"', page)),
            ]
            for text in read:
                found = re.search(f".{{0,40}}(?:{JARGON[language]}).{{0,40}}", text, re.IGNORECASE)
                assert found is None, (path + asked, found and found[0])


def test_no_label_says_a_word_twice(at_work: Room) -> None:
    """Also those that only a screen reader says: "báo cáo ngày ngày 23/11/2026"."""
    for screen in SCREENS:
        page = at_work.client.get(f"{screen.path}?period=day").text
        # What stands in another cell, item or field begins anew.
        text = words(re.sub(r"</?(?!a\b|span|strong|small|b\b)\w+[^>]*>", " | ", page)).lower()
        twice = re.search(r"\b(ngày|tuần|tháng|quý|năm|khoảng|từ|đến) \1\b", text)
        assert twice is None, (screen.path, twice and text[twice.start() - 40 : twice.end() + 20])
