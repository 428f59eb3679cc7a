"""QR codes that another program puts together: those of the library, letter by letter."""

import numpy as np
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st

from qr_images import ON_SCREEN, Flips
from surveys.receipts import ALPHABET, grouped

START = "https://danh-gia.laichau.gov.vn/c/"
NONE = grouped("0" * 12)
FLIPS = Flips.of(START, NONE, ON_SCREEN)


@settings(max_examples=25, deadline=None)
@given(st.text(ALPHABET, min_size=12, max_size=12))
def test_any_receipt_code_is_the_base_with_the_flips_of_its_letters(letters: str) -> None:
    code, modules = grouped(letters), FLIPS.base
    for at, letter in enumerate(code):
        for bit, flip in enumerate(FLIPS.flips[at]):
            if (ord(letter) ^ ord(NONE[at])) >> bit & 1:
                modules ^= flip
    rows = np.array(list(f"{modules:0{FLIPS.side**2}b}")).reshape(FLIPS.side, FLIPS.side)
    picture = np.pad(np.where(rows == "1", 0, 255).astype(np.uint8), 4, constant_values=255)
    [found] = zxingcpp.read_barcodes(picture.repeat(6, axis=0).repeat(6, axis=1))
    assert found.text == START + code
