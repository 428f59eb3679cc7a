"""A kiosk enrols with a one-time code: a real aggregator, the command, and the kept file."""

import asyncio
import hashlib
import os
import signal
import stat
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest

from aggregator.storage.audit import Entry
from kiosk.__main__ import main
from kiosk.app import create_app
from kiosk.centre_copy import CentreCopy, CentreCopyError
from kiosk.enrolment import EnrolmentError, enrol, follow, load_enrolment
from kiosk.outbox import Outbox
from kiosk.settings import Settings
from surveys.definition import Text
from tests.conftest import Servers
from tests.kiosk.conftest import CENTRE, ROOT, RealAggregator, submission
from tests.programs import free_port

NEW_NAME = Text(vi="Trung tâm mới", en="New centre")


def test_a_code_gives_token_and_place_and_the_kiosk_tells_of_itself(
    tmp_path: Path,
    real_aggregator: RealAggregator,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    there, url = real_aggregator()
    store, accounts = there.store, there.accounts
    code = accounts.enrolment_code("quầy 5", (None, "q05"), "an", 1)
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

    # The document came with the round, and is what a kiosk starts by without a network.
    organisation = there.organisation
    moved = organisation.stored.model_copy(update={"name": NEW_NAME})
    body = moved.model_dump_json(exclude_defaults=True).encode()
    copy = CentreCopy(settings.centre_copy, kiosk.centre, lambda centre: None)
    assert copy.read() == organisation.stored
    before = settings.centre_copy.read_bytes()
    right = f'"{hashlib.sha256(body).hexdigest()}"'
    cut = f'"{hashlib.sha256(body[:500]).hexdigest()}"'
    for given, etag in ((body[:500], right), (body[:500], cut), (body, ""), (b"{}", right)):
        with pytest.raises(CentreCopyError):
            copy.take(given, etag)
        assert settings.centre_copy.read_bytes() == before
        assert not copy.newer
    copy.take(body, right)
    assert copy.newer
    bearer = {"authorization": f"Bearer {kept.token}"}
    answer = httpx2.get(f"{url}/api/v1/centre", headers=bearer, trust_env=False)
    assert answer.content == before
    same = {**bearer, "if-none-match": answer.headers["etag"]}
    again = httpx2.get(f"{url}/api/v1/centre", headers=same, trust_env=False)
    assert (again.status_code, again.content) == (304, b"")
    assert httpx2.get(f"{url}/api/v1/centre", trust_env=False).status_code == 401
    kiosk.outbox.close()
    renewed = create_app(settings).state.context
    assert renewed.centre == moved
    renewed.outbox.close()
    settings.centre_copy.write_bytes(before[:700])

    settings.enrolment_file.write_text('{"token": "cut o')
    alone = create_app(settings).state.context
    assert alone.centre == organisation.stored
    assert alone.place.department is None  # it takes answers all the same
    alone.outbox.close()
    monkeypatch.setenv("HAILONG_AGGREGATOR_URL", "http://127.0.0.1:1")
    assert main(["--lang", "en", "enrol", "7" * 8]) == 2
    assert "cannot be reached" in capsys.readouterr().err


def test_a_kiosk_never_asks_for_another_centre_than_the_one_it_is_enrolled_at(
    tmp_path: Path, real_aggregator: RealAggregator
) -> None:
    there, url = real_aggregator(CENTRE.parent / "tan_phong.toml")
    [department, *_] = there.centre.departments
    settings = Settings(centre=CENTRE, var=tmp_path / "kiosk", aggregator_url=url)
    counter = department.counters[0].id
    code = there.accounts.enrolment_code("quầy", (None, counter), "an", 1)
    enrol(url, code, settings.enrolment_file)
    gone = settings.model_copy(update={"aggregator_url": "http://127.0.0.1:1"})
    with pytest.raises(EnrolmentError, match="no_centre"):
        create_app(gone)
    for cut in (None, 700):  # it has no copy yet; what it has is cut off
        if cut:
            settings.centre_copy.write_bytes(settings.centre_copy.read_bytes()[:cut])
        kiosk = create_app(settings).state.context
        kiosk.outbox.close()
        assert kiosk.centre.id == "tan_phong"
        assert kiosk.place.counter_id == counter
    kiosk = create_app(gone).state.context  # by its copy, without a network
    kiosk.outbox.close()
    assert kiosk.centre.id == "tan_phong"


def test_a_kiosk_that_is_moved_follows_and_loses_no_answer(
    tmp_path: Path, real_aggregator: RealAggregator, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, url = real_aggregator()
    store, accounts = there.store, there.accounts
    settings = Settings(centre=CENTRE, var=tmp_path / "kiosk", aggregator_url=url)
    enrol(url, accounts.enrolment_code("quầy", (None, "q05"), "an", 1), settings.enrolment_file)
    ended: list[int] = []
    monkeypatch.setattr(os, "kill", lambda pid, _: ended.append(pid))
    monkeypatch.setenv("INVOCATION_ID", "as systemd sets it")

    def round_of(*answered: str) -> tuple[str | None, int]:
        """Hand answers in; where the kiosk works by now, and how many it was refused."""
        kiosk = create_app(settings).state.context
        for counter in answered:
            kiosk.outbox.add(submission(counter=counter))

        async def once() -> None:
            async with httpx2.AsyncClient(trust_env=False) as client:
                await kiosk.uploader._round(client)

        asyncio.run(once())
        refused = kiosk.outbox.status().refused
        kiosk.outbox.close()
        return kiosk.place.counter_id, refused

    assert round_of("q05") == ("q05", 0)
    [row] = store.devices.rows()
    told = Entry(datetime.now(UTC), "an", "device.placed", {"name": "quầy", "place": "q06"})
    store.devices.place(row.number or 0, None, "q06", told, 1)
    accounts.forget_devices()
    assert not ended
    assert round_of("q05") == ("q05", 0)  # it was told, and ends to start again
    assert ended == [os.getpid()]
    accounts._told.clear()  # a minute passes
    assert round_of("q05", "q06") == ("q06", 0)
    [row] = store.devices.rows()
    assert row.formerly is not None
    assert [place[:2] for place in row.formerly] == [[None, "q05"]]
    assert row.formerly[0][2] is not None
    assert len(ended) == 1
    kept = load_enrolment(settings.enrolment_file)
    older = replace(kept, counter="q05") if kept else None
    assert older is not None
    assert not follow(settings.enrolment_file, older, {})  # an aggregator that does not say
    assert follow(settings.enrolment_file, older, {"department": None, "counter": "q06"})


def test_a_change_on_the_screen_reaches_a_kiosk_by_itself(
    tmp_path: Path, serve: Servers, real_aggregator: RealAggregator
) -> None:
    there, url = real_aggregator()
    store, organisation = there.store, there.organisation
    changed = organisation.stored.model_copy(update={"name": NEW_NAME})
    organisation.save(changed, "an", "another name", organisation.number)
    environment = os.environ | {
        "INVOCATION_ID": "as systemd sets it",
        "HAILONG_AGGREGATOR_URL": url,
        "HAILONG_CENTRE": str(CENTRE),
        "HAILONG_DEVICE_TOKEN": there.accounts.enrol("sảnh"),
        "HAILONG_VAR": str(tmp_path / "kiosk"),
        "HAILONG_PORT": str(free_port()),
    }
    outbox = Outbox(tmp_path / "kiosk" / "kiosk" / "outbox.sqlite3")
    outbox.add(submission())
    outbox.close()
    command = [sys.executable, "-m", "kiosk", "serve"]
    ended = subprocess.run(command, env=environment, cwd=ROOT, timeout=60, check=False)
    assert ended.returncode in (0, -signal.SIGTERM)
    [row] = store.submissions(None, None)
    assert row.device == store.devices.rows()[0].number
    serve.stop(url)  # weeks without a network
    settings = Settings(centre=CENTRE, var=tmp_path / "kiosk", aggregator_url=url)
    again = create_app(settings).state.context
    assert again.centre.name == NEW_NAME
    again.outbox.close()
