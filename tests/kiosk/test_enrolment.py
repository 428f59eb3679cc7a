"""A kiosk enrols with a one-time code: a real aggregator, the command, and the kept file."""

import asyncio
import stat
from pathlib import Path

import httpx2
import pytest

from aggregator.dashboard.app import create_app as create_aggregator
from aggregator.settings import Settings as AggregatorSettings
from aggregator.storage.migrations import migrate
from aggregator.storage.store import Store
from kiosk.__main__ import main
from kiosk.app import create_app
from kiosk.enrolment import load_enrolment
from kiosk.settings import Settings
from tests.conftest import Servers
from tests.kiosk.conftest import CENTRE, submission


def test_a_code_gives_token_and_place_and_the_kiosk_tells_of_itself(
    tmp_path: Path,
    serve: Servers,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    there = AggregatorSettings(centre=CENTRE, var=tmp_path / "aggregator")
    store = Store(there.database)
    migrate(store.engine)
    app = create_aggregator(there)
    url = serve(app)
    accounts = app.state.context.accounts
    code = accounts.enrolment_code("quầy 5", (None, "q05"), "an")
    monkeypatch.setenv("HAILONG_AGGREGATOR_URL", url)
    monkeypatch.setenv("HAILONG_CENTRE", str(CENTRE))
    monkeypatch.setenv("HAILONG_VAR", str(tmp_path / "kiosk"))
    settings = Settings.from_env()

    assert main(["--lang", "en", "enrol", "7" * 8]) == 2
    assert "wrong, used or expired" in capsys.readouterr().err
    assert load_enrolment(settings.enrolment_file) is None
    assert main(["--lang", "en", "enrol", f"{code[:4]}-{code[4:].lower()}"]) == 0
    told = capsys.readouterr().out
    kept = load_enrolment(settings.enrolment_file)
    assert kept is not None
    assert "quầy 5" in told
    assert kept.token not in told
    assert stat.S_IMODE(settings.enrolment_file.stat().st_mode) == 0o600
    assert main(["--lang", "en", "enrol", code]) == 2  # used; the former stays
    assert load_enrolment(settings.enrolment_file) == kept

    kiosk = create_app(settings).state.context
    assert kiosk.place.counter_id == "q05"
    kiosk.outbox.add(submission())

    async def once() -> None:
        async with httpx2.AsyncClient(trust_env=False) as client:
            await kiosk.uploader._round(client)

    asyncio.run(once())
    [row] = store.devices.rows()
    assert (row.pending, row.refused, row.version) == (0, 0, "0.2.0")
    assert row.drift is not None
    assert abs(row.drift) < 60
    [stored] = store.submissions(None, None)
    assert stored.device == row.number
    kiosk.outbox.close()
    store.close()

    settings.enrolment_file.write_text('{"token": "cut o')
    again = create_app(settings).state.context
    assert again.place.department is None  # it takes answers all the same
    again.outbox.close()
    monkeypatch.setenv("HAILONG_AGGREGATOR_URL", "http://127.0.0.1:1")
    assert main(["--lang", "en", "enrol", "7" * 8]) == 2
    assert "cannot be reached" in capsys.readouterr().err
