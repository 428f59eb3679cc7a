"""Places and codes: a poster stays valid, a wrong binding is named."""

from datetime import date

import pytest

from aggregator.organisation import acts
from kiosk.places import UnknownPlaceError, bind
from kiosk.qr_codes import code_of, qr_codes
from surveys.centre import load_centre
from surveys.receipts import normal_code
from tests.kiosk.conftest import CENTRE

centre = load_centre(CENTRE)
TODAY = date(2026, 11, 23)
merged = acts.merge(centre, "department", "so_ke_hoach_dau_tu", "so_tai_chinh", date(2025, 3, 1))


def test_a_code_never_changes() -> None:
    """Printed posters hang for years: this test must never be adapted."""
    assert code_of("lai_chau", "so_tu_phap", "q05", "citizen") == "02DQ93X1"
    assert code_of("lai_chau", None, None, "business") == code_of("lai_chau", "", "", "business")


def test_every_place_has_a_code_for_each_audience() -> None:
    found = qr_codes(centre, TODAY)
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


def test_posters_that_hung_before_a_merger_lead_to_where_it_is_today() -> None:
    found = qr_codes(merged, TODAY)
    places = {
        (department, counter): found[code_of("lai_chau", department, counter, "citizen")]
        for department in ("so_ke_hoach_dau_tu", "so_tai_chinh")
        for counter in (None, "q08")
    }
    led = {
        asked: (code.place.department_id, code.place.counter_id, code.former)
        for asked, code in places.items()
    }
    assert led == {
        ("so_ke_hoach_dau_tu", None): ("so_tai_chinh", None, True),
        ("so_ke_hoach_dau_tu", "q08"): ("so_tai_chinh", "q08", True),
        ("so_tai_chinh", None): ("so_tai_chinh", None, False),
        ("so_tai_chinh", "q08"): ("so_tai_chinh", "q08", False),
    }
    before = qr_codes(merged, date(2025, 2, 28))
    assert not before[code_of("lai_chau", "so_ke_hoach_dau_tu", None, "citizen")].former


def test_a_binding_of_before_a_merger_is_followed() -> None:
    at_counter = bind(merged, "so_ke_hoach_dau_tu", "q08")
    assert (at_counter.department_id, at_counter.counter_id) == ("so_tai_chinh", "q08")
    assert bind(merged, "so_ke_hoach_dau_tu", "").department_id == "so_tai_chinh"
