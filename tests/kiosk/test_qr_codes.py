"""Places and codes: a poster stays valid, a guessed one is refused, a wrong binding is named."""

import stat
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from aggregator.organisation import acts
from kiosk.__main__ import main
from kiosk.places import UnknownPlaceError, bind
from kiosk.qr_codes import code_of, qr_codes, signed_code
from surveys.centre import load_centre
from surveys.receipts import normal_code
from tests.kiosk.conftest import CENTRE, ROOT, Kiosk

centre = load_centre(CENTRE)
TODAY = date(2026, 11, 23)
KEY = bytes(range(32))
merged = acts.merge(centre, "department", "so_ke_hoach_dau_tu", "so_tai_chinh", date(2025, 3, 1))


def test_a_code_never_changes() -> None:
    """Printed posters hang for years: this test must never be adapted."""
    assert code_of("lai_chau", "so_tu_phap", "q05", "citizen") == "02DQ93X1"
    assert code_of("lai_chau", None, None, "business") == code_of("lai_chau", "", "", "business")
    assert signed_code(KEY, "lai_chau", "so_tu_phap", "q05", "citizen") == "C4DJFHQBF8B4"


def test_every_place_has_a_code_for_each_audience() -> None:
    found = [one.code for one in qr_codes(centre, TODAY, KEY).values() if not one.former]
    places = 1 + len(centre.departments) + len(centre.counter)
    assert len(found) == 2 * places
    assert all(code == normal_code(code) and len(code) == 12 for code in found)


def test_another_key_makes_other_codes() -> None:
    ours, theirs = (
        {one.code for one in qr_codes(centre, TODAY, key).values() if not one.former}
        for key in (KEY, bytes(32))
    )
    assert ours.isdisjoint(theirs)


def test_a_computed_code_opens_nothing_and_takes_nothing(lobby: Kiosk) -> None:
    """What anybody can compute from the public centre file."""
    unsigned = code_of("lai_chau", "so_tu_phap", "q05", "citizen")
    page = lobby.client.get(f"/f/{unsigned}")
    assert page.status_code == 410
    assert "Mã này không còn dùng được" in page.text
    assert f'href="/f/{unsigned}"' not in page.text
    sent = {"visit": str(uuid4()), "fingerprint": lobby.fingerprint(), "rating": "1"}
    assert lobby.client.post(f"/f/{unsigned}", data=sent).status_code == 410
    guessed = lobby.code()[:-1] + ("1" if lobby.code()[-1] == "0" else "0")
    assert lobby.client.post(f"/f/{guessed}", data=sent).status_code == 404
    assert lobby.stored() == []


def test_posters_of_before_are_taken_until_the_day_that_the_centre_says(
    make_kiosk: Callable[..., Kiosk], tmp_path: Path
) -> None:
    file = tmp_path / "centre.toml"
    said = "\n[phone_form]\nunsigned_until = 2026-11-24\n"
    file.write_text(CENTRE.read_text("utf-8") + said, "utf-8")
    kiosk = make_kiosk(centre=file)
    path = f"/f/{code_of('lai_chau', 'so_tu_phap', 'q05', 'citizen')}"
    page = kiosk.client.get(path)
    assert page.status_code == 200
    assert kiosk.code() not in page.text  # or whoever computed the one would have the other
    assert path not in kiosk.client.get("/posters?department=all").text
    kiosk.clock.moment += timedelta(days=2)
    assert kiosk.client.get(path).status_code == 410


def test_the_key_is_made_once_for_its_user_alone(
    make_kiosk: Callable[..., Kiosk], tmp_path: Path
) -> None:
    first = make_kiosk()
    key = tmp_path / "kiosk" / "codes.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert make_kiosk().code() == first.code()
    assert len(first.context.qr_codes) == len(make_kiosk().context.qr_codes)


def test_a_file_that_is_no_key_is_named_and_nothing_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    key = tmp_path / "codes.key"
    key.write_text("c2hvcnQ=\n", "ascii")
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("HAILONG_VAR", str(tmp_path))
    monkeypatch.setenv("HAILONG_CODE_KEY", str(key))
    assert main(["codes"]) == 2
    assert f"{key}: not a key of 32 bytes" in capsys.readouterr().err
    assert key.read_text("ascii") == "c2hvcnQ=\n"


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
    found = qr_codes(merged, TODAY, KEY)
    places = {
        (department, counter): found[signed_code(KEY, "lai_chau", department, counter, "citizen")]
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
    before = qr_codes(merged, date(2025, 2, 28), KEY)
    assert not before[signed_code(KEY, "lai_chau", "so_ke_hoach_dau_tu", None, "citizen")].former


def test_a_binding_of_before_a_merger_is_followed() -> None:
    at_counter = bind(merged, "so_ke_hoach_dau_tu", "q08")
    assert (at_counter.department_id, at_counter.counter_id) == ("so_tai_chinh", "q08")
    assert bind(merged, "so_ke_hoach_dau_tu", "").department_id == "so_tai_chinh"
