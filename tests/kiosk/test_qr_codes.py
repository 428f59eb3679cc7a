"""Places and codes: a poster stays valid, a wrong binding is named."""

import pytest

from kiosk.places import UnknownPlaceError, bind
from kiosk.qr_codes import code_of, normal_code, qr_codes
from surveys.centre import load_centre
from tests.kiosk.conftest import CENTRE

centre = load_centre(CENTRE)


def test_a_code_never_changes() -> None:
    """Printed posters hang for years: this test must never be adapted."""
    assert code_of("lai_chau", "so_tu_phap", "q05", "citizen") == "02DQ93X1"
    assert code_of("lai_chau", None, None, "business") == code_of("lai_chau", "", "", "business")


def test_every_place_has_a_code_for_each_audience() -> None:
    found = qr_codes(centre)
    places = 1 + len(centre.departments) + len(centre.counter)
    assert len(found) == 2 * places
    assert all(code == normal_code(code) and len(code) == 8 for code in found)


def test_misread_letters_are_understood() -> None:
    assert normal_code(" o2dq-93xi ") == "02DQ93X1"


def test_a_counter_implies_its_department() -> None:
    place = bind(centre, "", "q05")
    assert (place.department_id, place.counter_id) == ("so_tu_phap", "q05")
    assert bind(centre, "so_tu_phap", "q05") == place
    assert bind(centre, "so_tu_phap", "").counter is None
    assert bind(centre, "", "").department is None


@pytest.mark.parametrize(
    ("department", "counter", "words"),
    [
        ("nowhere", "", "HAILONG_DEPARTMENT: lai_chau has no department 'nowhere'"),
        ("", "q99", "HAILONG_COUNTER: lai_chau has no counter 'q99'"),
        ("so_y_te", "q05", "belongs to 'so_tu_phap', not to 'so_y_te'"),
    ],
)
def test_a_wrong_binding_is_named(department: str, counter: str, words: str) -> None:
    with pytest.raises(UnknownPlaceError, match=words):
        bind(centre, department, counter)
