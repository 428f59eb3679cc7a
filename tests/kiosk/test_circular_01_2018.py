"""A centre that asks citizens how their dossier was handled: another survey, no other code."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from kiosk.app import create_app
from kiosk.settings import Settings
from tests.kiosk.conftest import CENTRE, Clock, Kiosk

SURVEY = "circular_01_2018"


@pytest.fixture
def asking(tmp_path: Path) -> Iterator[Kiosk]:
    """A kiosk at counter q05 whose centre names this survey for citizens."""
    centre = tmp_path / "centre.toml"
    text = CENTRE.read_text("utf-8")
    assert "\n[instruments]" not in text
    before, departments, after = text.partition("[[departments]]")
    centre.write_text(
        f'{before}[instruments]\ncitizens = "{SURVEY}"\n\n{departments}{after}', "utf-8"
    )
    clock = Clock()
    app = create_app(Settings(centre=centre, var=tmp_path, counter="q05"), clock=clock)
    kiosk = Kiosk(TestClient(app, follow_redirects=False), app.state.context, clock)
    yield kiosk
    kiosk.client.close()
    kiosk.context.outbox.close()


def test_the_touch_screen_asks_the_three_questions_in_one_step(asking: Kiosk) -> None:
    fields = {"visit": asking.rated(), "fingerprint": asking.fingerprint(), "then": "survey"}
    address = asking.client.post("/follow-up", data=fields).headers["location"]
    page = asking.client.get(address)
    assert page.status_code == 200
    for question in ("desk_contacts", "agencies_contacted", "staff_attitude"):
        assert f'name="{question}" value="2"' in page.text
    answers = {"desk_contacts": "0", "agencies_contacted": "", "staff_attitude": "2"}
    sent = {"fingerprint": asking.fingerprint(SURVEY), **answers, "to": "finish"}
    assert asking.client.post(address, data=sent).headers["location"] == "/farewell"
    (one,) = asking.stored()
    assert one["survey"] == SURVEY
    assert one["answers"] == {"desk_contacts": 0, "staff_attitude": 2}
    assert (one["department"], one["counter"]) == ("so_tu_phap", "q05")


def test_the_form_behind_a_code_asks_them_too(asking: Kiosk) -> None:
    code = asking.code()
    form = asking.client.get(f"/f/{code}")
    assert form.status_code == 200
    visit = {"visit": asking.rated()}
    address = asking.client.post(f"/f/{code}/survey", data=visit).headers["location"]
    page = asking.client.get(address)
    assert page.status_code == 200
    assert 'name="staff_attitude" value="0"' in page.text
