"""Receipt codes: easily read, hard to guess, and told by their hash alone."""

import re

from hypothesis import given
from hypothesis import strategies as st

from surveys.receipts import ALPHABET, LENGTH, new_code, normal_code, read_code, receipt_of


def test_a_code_has_sixty_bits_in_groups_without_letters_to_misread() -> None:
    codes = {new_code() for _ in range(500)}
    assert len(codes) == 500
    assert all(re.fullmatch(f"([{ALPHABET}]{{4}}-){{2}}[{ALPHABET}]{{4}}", code) for code in codes)
    assert len(ALPHABET) ** LENGTH == 2**60
    assert not set("ILOU") & set(ALPHABET)
    used = {character for code in codes for character in code} - {"-"}
    assert used == set(ALPHABET)


@given(st.text(alphabet=ALPHABET, min_size=12, max_size=12), st.sampled_from(["-", " ", "–", ""]))
def test_a_code_is_read_however_it_is_typed(code: str, between: str) -> None:
    typed = (
        between.join((code[:4], code[4:8], code[8:])).lower().replace("1", "l").replace("0", "o")
    )
    assert read_code(f" {typed} ") == f"{code[:4]}-{code[4:8]}-{code[8:]}"
    assert receipt_of(typed) == receipt_of(code)


@given(st.text(max_size=40))
def test_whatever_else_is_typed_is_no_code(typed: str) -> None:
    code = read_code(typed)
    assert code is None or receipt_of(code) == receipt_of(typed)
    assert code is None or normal_code(code) == normal_code(typed)
