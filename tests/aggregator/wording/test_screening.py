"""What is masked in free text, and what must stay."""

import re
import unicodedata

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from aggregator.wording.screening import MASK, screened

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
    "٠٩١٢٣٤٥٦٧٨",
    "0912\u200b345\u200b678",  # what cannot be seen: no width, a soft hyphen
    "0912\u00ad345678",
    "0912\u2011345\u2011678",
    "0912—345—678",
    "0912·345·678",
    "0912•345•678",
    "0912'345'678",
    "0912_345_678",
    "0912\n345\n678",
    "091 234\t5678",
    "0912    345678",
    "0912/345/678",
    "0912 / 345 / 678",
    "0912:345:678",
    "09:12:34:56:78",
    "0912*345*678",
    "0912|345|678",
    "0912..345..678",
    "0912....345....678",
    "09/12/34/56/78",
    "0, 9, 1, 2, 3, 4, 5, 6, 7, 8",
    "0912345678 đồng",
    "(+84) 912.345.678",
    "84912345678 VND",
    "912 34 56 78",
    "912, 345, 678",
    "2019 912345678",
    "7, 0912 345 678",
    "c1234567",
    "B 1234567",
    "P01234567",
    "ten＠gmail.com",
    "a.b @ c.vn",
    "a.b(at)c.vn",
    "ten@gmail",
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
    "lệ phí 100.000, 200.000, 300.000",
    "100.000-200.000-300.000",
    "100.000 - 200.000 đồng",
    "giá 250.000.000-300.000.000 đồng",
    "kinh phí 84.912.345.678 đồng",
    unicodedata.normalize("NFD", "kinh phí 84.912.345.678 đồng"),
    "500,000,000.00 VND",
    "1.200.000.000,50 đồng",
    "3.483 3.355 128",
    "1.5 2.5 3.5 4.5 5.5",
    "96,3% 3,7% 82,33%",
    "quầy 11, 12, 13, 14, 15",
    "chờ 5-10, 15-20, 20-30, 30-45 phút",
    "07:30-11:30 13:30-17:00",
    "01/09/2019-12/05/2020, 20/11, 21/11",
    "năm 2016-2017-2018-2019",
    "Luật 91/2025/QH15, 13/2023/NĐ-CP, 356/2025",
    "Thông tư 01/2018, 61/2018, 107/2021",
    "từ 2016 - 2020, 2021 - 2025",
    "5 @ 4",
    "Cảm ơn!",
    "",
]


@pytest.mark.parametrize("personal", PERSONAL)
@pytest.mark.parametrize("text", ["{}", "gọi {} nhé", "số:{}.", "({})", "Ông A,{}\nBà B"])
def test_a_personal_number_is_masked_wherever_it_stands(personal: str, text: str) -> None:
    shown = screened(text.format(personal))
    assert MASK in shown
    assert not re.search(r"\d\d|[@＠]|\(at\)", shown)
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


def test_a_day_beside_a_number_stays() -> None:
    assert screened("ngày 12/03/2020 0912345678") == f"ngày 12/03/2020 {MASK}"
    assert screened("1/2/2020-0912345678") == f"1/2/2020-{MASK}"


def test_what_is_not_masked_stays_as_it_was_written() -> None:
    text = "Ｃảm\u00ad ơn ① ½ ﬁ e\u0301\u200b {} số ² №\u00a0٣ …"
    assert screened(text.format("09\u200b12345678")) == text.format(MASK)


@given(
    st.from_regex(r"0[35789][0-9]{8}|0[0-9]{11}|\+84[35789][0-9]{8}", fullmatch=True),
    st.text(st.characters(categories=["P", "S", "Z", "Cc"]), max_size=4),
    st.integers(2, 4),
)
def test_no_separator_hides_a_phone_or_an_identity_card(
    number: str, separator: str, size: int
) -> None:
    read = unicodedata.normalize("NFKC", separator)  # some signs are letters, or several signs
    assume(len(read) <= 4 and not any(c.isalnum() or c in MASK for c in read))
    grouped = in_groups(number, separator, size)
    assume(not grouped_is_a_day(grouped))
    assert not re.search(r"\d{2}", screened(grouped))


@given(
    st.from_regex(r"0[35789][0-9]{8}|0[0-9]{11}|[1-9][0-9]{8}", fullmatch=True),
    st.sampled_from(["", " ", ".", "-"]),
    st.integers(2, 4),
    st.text("àb !?\n:/", max_size=8),
)
def test_no_digit_of_a_grouped_number_is_left(
    number: str, separator: str, size: int, around: str
) -> None:
    grouped = in_groups(number, separator, size)
    shown = screened(f"{around} {grouped} {around}")
    assert not re.search(r"\d{2}", shown) or grouped_is_a_day(grouped)


def in_groups(number: str, separator: str, size: int) -> str:
    return separator.join(number[at : at + size] for at in range(0, len(number), size))


def grouped_is_a_day(grouped: str) -> bool:
    return bool(re.match(r"\d{2}[-.]\d{2}[-.](19|20)\d\d", grouped))


@given(st.text(st.characters(exclude_categories=["N"], exclude_characters="@＠﹫"), max_size=200))
def test_words_are_never_touched(text: str) -> None:
    assert screened(text) == text


@given(st.text("0123456789 .-đồng@a", max_size=60))
@example("0@g.@g")
@example("a@b+c@d")
def test_screening_twice_changes_nothing_more(text: str) -> None:
    assert screened(screened(text)) == screened(text)
