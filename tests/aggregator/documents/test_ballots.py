"""Printed ballots: their pages, codes that a scanner reads, marks, keys, and no colour."""

import io
import re
from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import png
import pytest
import zxingcpp
from pypdf import PdfReader

from aggregator.documents.ballots import Sheets, render, render_pictures
from aggregator.intake.ballots.keys import fields_of
from aggregator.intake.ballots.serials import scanned, shown
from aggregator.storage.tables import BallotBatch
from surveys.centre import Centre
from surveys.definition import Survey

PPI = 100
MM = PPI / 25.4  # pixels
A5 = (148, 210)


def batch_of(survey: Survey, places: Sequence[str] = ()) -> BallotBatch:
    return BallotBatch(
        number=12,
        name="Hòm 1",
        survey=survey.id,
        fingerprint=survey.fingerprint,
        department=None if places else "so_tu_phap",
        counter=None if places else "q05",
        places=list(places),
        day=date(2026, 11, 23),
        printed=200,
        seed="00" * 32,
    )


def printed(
    survey: Survey, centre: Centre, serials: Sequence[int], sheets: Sheets, places: bool = False
) -> list[str]:
    """The text of each page."""
    batch = batch_of(survey, list(centre.department) if places else ())
    fields = fields_of(survey, centre, batch.places)
    content = render(batch, survey, fields, centre, serials, sheets)
    assert b"pdfaid" in content, "to be kept: PDF/A"
    return [page.extract_text() for page in PdfReader(io.BytesIO(content)).pages]


def pixels(
    survey: Survey, centre: Centre, serials: Sequence[int], sheets: Sheets
) -> list[np.ndarray]:
    """Each page as rows of red, green and blue."""
    batch = batch_of(survey)
    fields = fields_of(survey, centre, ())
    found = []
    for page in render_pictures(batch, survey, fields, centre, serials, sheets, PPI):
        width, height, rows, _ = png.Reader(bytes=page).asRGBA8()
        found.append(np.vstack([*rows]).reshape(height, width, 4)[:, :, :3])
    return found


def dark(picture: np.ndarray, x: float, y: float) -> bool:
    """Whether it is black at a place in mm."""
    return bool(picture[round(y * MM), round(x * MM), 0] < 80)


@pytest.mark.parametrize(
    ("survey", "paper", "pages"),
    [
        ("in_centre", "a5", 3),
        ("in_centre", "a4", 2),
        ("sipas_2020", "a5", 6),
        ("sipas_2020", "a4", 3),
    ],
)
def test_a_rating_is_one_side_and_sipas_a_folded_sheet(
    surveys: Mapping[str, Survey], centre: Centre, survey: str, paper: str, pages: int
) -> None:
    sheets = Sheets("a4" if paper == "a4" else "a5")
    found = printed(surveys[survey], centre, (7, 8, 9), sheets)
    assert len(found) == pages
    for serial in (7, 8, 9):
        assert shown(12, 200, serial) in "".join(found)


@pytest.mark.parametrize("survey", ["in_centre", "sipas_2020", "business", "paper_ballot_2020"])
def test_a_ballot_asks_everything_and_names_its_version(
    surveys: Mapping[str, Survey], centre: Centre, survey: str
) -> None:
    asked = surveys[survey]
    text = "".join(printed(asked, centre, (1,), Sheets("a5", bilingual=True), places=True))
    words = re.sub(r"\s", "", text)
    for question in asked.all_questions():
        assert re.sub(r"\s", "", question.text.vi) in words
        assert re.sub(r"\s", "", question.text.en) in words
    assert asked.fingerprint in text
    assert "Sở Tư pháp" in text
    # A place that handed it out would be told; where the ballot asks, each has a key.
    assert "03" in text


@pytest.mark.parametrize(("survey", "serials"), [("in_centre", (1, 2)), ("sipas_2020", (1,))])
def test_codes_are_read_and_hold_batch_and_serial_alone(
    surveys: Mapping[str, Survey], centre: Centre, survey: str, serials: Sequence[int]
) -> None:
    [picture] = pixels(surveys[survey], centre, serials, Sheets())
    codes = {one.text for one in zxingcpp.read_barcodes(np.ascontiguousarray(picture[:, :, 0]))}
    assert codes == {scanned(12, 200, serial) for serial in serials}


@pytest.mark.parametrize("paper", ["a4", "a5"])
def test_every_side_has_marks_in_its_corners_and_no_colour(
    surveys: Mapping[str, Survey], centre: Centre, paper: str
) -> None:
    sheets = Sheets("a4" if paper == "a4" else "a5", faces=True)
    [picture, *_] = pixels(surveys["in_centre"], centre, (1, 2), sheets)
    assert np.ptp(picture.astype(int), axis=2).max() <= 2, "black, white and grey alone"
    width, height = A5
    for left in (0, width)[: 2 if paper == "a4" else 1]:
        right = left + width
        for x, y in ((right - 7.5, 7.5), (left + 7.5, height - 7.5), (right - 7.5, height - 7.5)):
            assert dark(picture, x, y)
        assert dark(picture, left + 5.7, 5.7)
        assert not dark(picture, left + 7.5, 7.5), "the first one is hollow: which way is up"
