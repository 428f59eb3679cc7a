"""Text from outside: one form of it, and none that hides other lines."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveys.text import MAX_MARKS, cleaned, composed, has_too_many_marks

WORDS = "Cán bộ tận tình, thủ tục rõ ràng"
HEAP = "\u0302\u0301\u0323"  # circumflex, acute, dot below


@given(st.text())
def test_each_form_of_a_text_becomes_the_same(text: str) -> None:
    forms = {composed(unicodedata.normalize(form, text)) for form in ("NFC", "NFD")}
    if not has_too_many_marks(unicodedata.normalize("NFD", text)):
        assert forms == {unicodedata.normalize("NFC", text)}


@pytest.mark.parametrize(
    ("text", "too_many"),
    [
        (WORDS, False),
        (unicodedata.normalize("NFD", WORDS), False),
        ("a" + "\u0301" * MAX_MARKS, False),
        ("a" + "\u0301" * (MAX_MARKS + 1), True),
        ("".join(f"a{HEAP}" for _ in range(200)), False),
        (f"a{HEAP * 11}", True),
    ],
)
def test_marks_are_counted_by_letter(text: str, too_many: bool) -> None:
    assert has_too_many_marks(text) is too_many


@given(st.text("aế \u0301\u0344\u0323\r\n\u202e", max_size=120))
def test_what_was_typed_is_cleaned_once_and_keeps_few_marks(text: str) -> None:
    once = cleaned(text)
    assert cleaned(once) == once
    assert not has_too_many_marks(once)


def test_a_million_marks_are_not_sorted() -> None:
    """Composing sorts the marks of a letter, in the square of their number: hours for these."""
    heap = "a" + "\u0301\u0323" * 500_000
    assert composed(heap) is heap
    assert len(cleaned(heap)) <= MAX_MARKS + 1
