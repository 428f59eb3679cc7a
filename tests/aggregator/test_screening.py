"""What is masked in free text, and what must stay."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.screening import MASK, screened

PERSONAL = [
    "0912345678",
    "0912 345 678",
    "0912.345.678",
    "0912-345-678",
    "0912,345,678",
    "091 234 5678",
    "09.12.34.56.78",
    "0 9 1 2 3 4 5 6 7 8",
    "0912 – 345 – 678",
    "0912\u00a0345\u00a0678",
    "+84912345678",
    "+84 912 345 678",
    "84 912 345 678",
    "0084 912345678",
    "01234567890",  # a mobile before 2018
    "0213 3876 543",  # a landline of Lai Châu
    "02133.876.543",
    "024 3825 6789",
    "045123456",  # identity card, nine digits
    "123456789",
    "123 456 789",
    "123.456.789",
    "012095001234",  # identity card, twelve digits
    "012 095 001 234",
    "012.095.001.234",
    "0120 9500 1234",
    "1 2 3 4 5 6 7 8 9",
    "9704 3612 3456 7890",  # a bank card
    "B1234567",
    "C12345678",
    "nguyen.van-a@example.com.vn",
    "a@b.vn",
    "０９１２３４５６７８",
]

HARMLESS = [
    "phí 1.414.812.973 đồng",
    "phí 1.414.812.973",
    "phí 1,414,812,973",
    "1 414 812 973",
    "10.500.000.000",
    "350.000.000 đồng",
    "350.000.000đ",
    "350000000 đồng",
    "150.000.000.000 VNĐ",
    "1.000.000",
    "ngày 07/11/2026 lúc 8 giờ",
    "ngày 07-11-2026 08:30",
    "07.11.2026 08.30",
    "2026-11-07 08:30:15",
    "các năm 2018 2019 2020 2021",
    "năm 2018-2019, 2020",
    "điểm 5, 4, 5, 5, 4, 3, 5, 5, 4, 5",
    "quầy 5, số 12, chờ 45 phút",
    "gọi 1900 1234",
    "tổng đài 18001096",
    "Quyết định số 2640/QĐ-BNV",
    "Nghị định 61/2018/NĐ-CP và Thông tư 01/2018/TT-VPCP",
    "5 @ 4",
    "Cảm ơn!",
    "",
]


@pytest.mark.parametrize("personal", PERSONAL)
@pytest.mark.parametrize("text", ["{}", "gọi {} nhé", "số:{}.", "({})", "Ông A,{}\nBà B"])
def test_a_personal_number_is_masked_wherever_it_stands(personal: str, text: str) -> None:
    shown = screened(text.format(personal))
    assert MASK in shown
    assert not re.search(r"\d\d", shown)
    assert "@" not in shown
    before, after = text.split("{}")
    assert shown.startswith(before)
    assert shown.endswith(after)


@pytest.mark.parametrize("harmless", HARMLESS)
def test_amounts_days_and_lists_stay(harmless: str) -> None:
    assert screened(harmless) == harmless


def test_each_number_of_a_text_is_judged_by_itself() -> None:
    text = "SĐT 0912 345 678, CCCD 012095001234, phí 1.414.812.973 đồng ngày 07/11/2026, a@b.vn"
    assert screened(text) == (
        f"SĐT {MASK}, CCCD {MASK}, phí 1.414.812.973 đồng ngày 07/11/2026, {MASK}"
    )


@given(
    st.from_regex(r"0[35789][0-9]{8}|0[0-9]{11}|[1-9][0-9]{8}", fullmatch=True),
    st.sampled_from(["", " ", ".", "-"]),
    st.integers(2, 4),
    st.text("àb !?\n:/", max_size=8),
)
def test_no_digit_of_a_grouped_number_is_left(
    number: str, separator: str, size: int, around: str
) -> None:
    grouped = separator.join(number[at : at + size] for at in range(0, len(number), size))
    shown = screened(f"{around} {grouped} {around}")
    assert not re.search(r"\d{2}", shown) or grouped_is_a_day(grouped)


def grouped_is_a_day(grouped: str) -> bool:
    return bool(re.match(r"\d{2}[-.]\d{2}[-.](19|20)\d\d", grouped))


@given(st.text(st.characters(exclude_categories=["Nd"], exclude_characters="@"), max_size=200))
def test_words_are_never_touched(text: str) -> None:
    assert screened(text) == text


@given(st.text("0123456789 .-đồng@a", max_size=60))
def test_screening_twice_changes_nothing_more(text: str) -> None:
    assert screened(screened(text)) == screened(text)
