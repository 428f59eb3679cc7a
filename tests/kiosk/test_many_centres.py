"""A kiosk whose aggregator serves many centres: it is enrolled and delivers under its path."""

import asyncio
from pathlib import Path

import httpx2
from pydantic import SecretStr

from kiosk.app import create_app
from kiosk.enrolment import enrol, load_enrolment
from kiosk.settings import Settings
from tests.aggregator.conftest import Clock
from tests.aggregator.provinces import Hall, settings_of
from tests.conftest import Servers
from tests.kiosk.conftest import ROOT, submission


def test_a_kiosk_is_enrolled_at_one_centre_and_no_other_takes_its_answers(
    tmp_path: Path, serve: Servers, sqlite_template: Path
) -> None:
    hall = Hall.of(settings_of(tmp_path, ""), Clock(), sqlite_template)
    url = serve(hall.app)
    code = hall.context("tan_phong").accounts.enrolment_code("quầy 2", (None, "q02"), "an", 1)
    centre = ROOT / "deploy" / "tan_phong.toml"
    settings = Settings(centre=centre, var=tmp_path / "kiosk", aggregator_url=f"{url}/tan_phong/")
    scanned = f"{url}/tan_phong/devices#{code}"
    enrol(settings.aggregator_url, scanned, settings.enrolment_file)
    kept = load_enrolment(settings.enrolment_file)
    assert kept is not None

    def deliver(to: Settings) -> int:
        """One round of the uploader; returns how many answers still wait."""
        kiosk = create_app(to).state.context

        async def once() -> None:
            async with httpx2.AsyncClient(trust_env=False) as client:
                await kiosk.uploader._round(client)

        asyncio.run(once())
        waiting = len(kiosk.outbox.pending(10))
        kiosk.outbox.close()
        return waiting

    kiosk = create_app(settings).state.context
    assert kiosk.place.counter_id == "q02"
    kiosk.outbox.add(submission(department="kinh_te", counter="q02"))
    kiosk.outbox.close()
    elsewhere = {"aggregator_url": f"{url}/doan_ket", "device_token": SecretStr(kept.token)}
    assert deliver(settings.model_copy(update=elsewhere)) == 1  # its token is not known there
    assert deliver(settings) == 0
    for id, n in (("tan_phong", 1), ("doan_ket", 0), ("lai_chau", 0)):
        assert len(list(hall.context(id).store.submissions(None, None))) == n
