"""Pictures that a centre brings along: what is one, and what may be shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveys.pictures import PictureError, check_picture
from tests.surveys.pictures import GOOD, png


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (GOOD.encode(), "not a PNG file"),
        (png()[:20], "not a PNG file"),
        (png(20_000, 20_000), "20000 x 20000 pixels"),
        (png(0, 4), "0 x 4 pixels"),
    ],
)
def test_a_png_must_be_one_and_of_a_size_to_show(content: bytes, reason: str) -> None:
    with pytest.raises(PictureError, match=reason):
        check_picture(content, "png")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_picture_or_refused_by_name(data: bytes) -> None:
    for kind in ("svg", "png"):
        try:
            check_picture(data, kind)
        except PictureError as error:
            assert str(error)  # noqa: PT017 - either outcome is right
