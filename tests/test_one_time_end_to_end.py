"""One-time codes from the door of the one-stop software to the phone, and no further."""

from pathlib import Path

import httpx2
import pytest

from aggregator.dashboard.app import create_app
from aggregator.settings import Settings
from aggregator.storage.migrations import migrate
from aggregator.storage.store import Store
from kiosk.app import create_app as create_kiosk
from kiosk.settings import Settings as KioskSettings
from tests.conftest import Servers
from tests.programs import ROOT

CENTRE = ROOT / "deploy" / "lai_chau.toml"
PUBLIC = "http://kiosk.test"


@pytest.fixture
def aggregator(tmp_path: Path, serve: Servers) -> tuple[str, str, Store]:
    """Its address, a token of the one-stop software, and its store."""
    settings = Settings(centre=CENTRE, var=tmp_path / "aggregator")
    store = Store(settings.database)
    migrate(store.engine)
    app = create_app(settings)
    secret = app.state.context.accounts.new_token("one_stop", "mot_cua")
    device = app.state.context.accounts.new_token("device", "sanh")
    return f"{serve(app)} {device}", secret, store


def test_a_code_of_the_door_opens_one_form_at_once(
    aggregator: tuple[str, str, Store], serve: Servers, tmp_path: Path
) -> None:
    (address, device), secret, store = aggregator[0].split(), *aggregator[1:]
    settings = KioskSettings(
        centre=CENTRE, var=tmp_path / "kiosk", aggregator_url=address, device_token=device,
        public_url=PUBLIC,
    )  # fmt: skip
    kiosk = create_kiosk(settings)
    url = serve(kiosk)
    context = kiosk.state.context
    door = {"authorization": f"Bearer {secret}"}
    wanted = {"codes": {"number": 3, "counter": "q05"}}
    with httpx2.Client(base_url=url) as phone:
        phone.get("/o/000000000000")  # whoever tries a wrong code makes the kiosk ask
        answer = httpx2.post(f"{address}/api/v1/dossiers", json=wanted, headers=door)
        codes = answer.raise_for_status().json()["codes"]
        assert {one["address"] for one in codes} == {f"{PUBLIC}/o/{one['code']}" for one in codes}
        # The kiosk asks at most every two seconds: what it has not fetched yet it asks for.
        context.uploader._fetched = None
        found = phone.get(f"/o/{codes[0]['code']}")
        assert found.status_code == 303
        form = context.citizens_code(context.qr_codes[found.headers["location"][3:15]].place)
        assert form.place.counter_id == "q05"
        again = phone.get(f"/o/{codes[2]['code']}")
        assert again.status_code == 303, "all that waited came together"
        with store.database.begin() as connection:
            left = connection.exec_driver_sql("SELECT count(*) FROM one_time_code").scalar()
        assert left == 0, "what the kiosk has the aggregator has forgotten"


def test_a_kiosk_that_phones_do_not_reach_serves_none(
    aggregator: tuple[str, str, Store], serve: Servers, tmp_path: Path
) -> None:
    (address, device), _, store = aggregator[0].split(), *aggregator[1:]
    settings = KioskSettings(
        centre=CENTRE, var=tmp_path / "kiosk", aggregator_url=address, device_token=device
    )
    with httpx2.Client(base_url=serve(create_kiosk(settings))) as phone:
        assert phone.get("/o/000000000000").status_code == 404
    assert store.one_time.server() is None
