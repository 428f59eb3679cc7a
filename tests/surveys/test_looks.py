"""Emblem and colours of a centre: legible, and whole where they are in the document."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from surveys.looks import CONTRAST, LARGEST_WITHIN, Looks, contrast, data_address, deep, tint
from tests.surveys.pictures import GOOD, SVG, png


def test_an_emblem_within_the_document_is_given_back() -> None:
    for data, kind in ((GOOD.encode(), "svg"), (png(), "png")):
        looks = Looks(emblem=data_address(data, kind))
        assert looks.picture == (data, kind)
        assert Looks.model_validate_json(looks.model_dump_json()) == looks
    assert Looks(emblem="own.svg").picture is None


@pytest.mark.parametrize(
    ("emblem", "reason"),
    [
        (data_address(SVG.format("<script/>").encode(), "svg"), "has <script>"),
        (data_address(png(), "svg"), "not an SVG file"),
        (data_address(GOOD.encode(), "png"), "not a PNG file"),
        (data_address(png() + b"x" * LARGEST_WITHIN, "png"), "larger than 64 KB"),
        (data_address(png(), "png")[:-3], "not whole"),
        (data_address(png(), "png") + "\n", "pattern"),
        ("data:image/png;base64,", "not whole"),
        ("data:image/gif;base64,AAAA", "not whole"),
        ("data:text/html;base64,AAAA", "pattern"),
        ("javascript:alert(1)", "pattern"),
    ],
)
def test_a_hostile_emblem_within_the_document_is_refused(emblem: str, reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        Looks(emblem=emblem)


@given(st.integers(0, 0xFFFFFF))
def test_every_colour_that_is_taken_can_be_read(number: int) -> None:
    colour = f"#{number:06x}"
    try:
        Looks(colour=colour)
    except ValueError:
        assert contrast(colour, tint(colour)) < CONTRAST
    else:
        for ground in ("#ffffff", tint(colour)):
            assert contrast(colour, ground) >= CONTRAST
            assert contrast(deep(colour), ground) >= CONTRAST


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@given(st.tuples(*[st.integers(0, 150)] * 3))
def test_the_ring_of_a_centres_colour_has_two_tones_far_apart(
    channels: tuple[int, int, int],
) -> None:
    """9:1, so that on every ground one of them has 3:1."""
    colour = "#" + "".join(f"{one:02x}" for one in channels)
    assume(contrast(colour, tint(colour)) >= CONTRAST)
    assert contrast(deep(colour), "#ffffff") >= 9
