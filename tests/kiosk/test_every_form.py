"""Every form of the kiosk, the phone form and the staff corner, probed as a scanner would."""

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from tests.kiosk.conftest import Kiosk
from tests.kiosk.test_staff import HASH
from tests.scanner import probe, walk


@pytest.mark.parametrize("counter", [None, "q05"], ids=["lobby", "desk"])
def test_every_form_of_the_kiosk(make_kiosk: Callable[..., Kiosk], counter: str | None) -> None:
    kiosk = make_kiosk(**({"counter": counter} if counter else {}), staff_pin=HASH)
    client = TestClient(kiosk.client.app, follow_redirects=False)
    starts = ["/", f"/f/{kiosk.code()}", f"/f/{kiosk.code('business')}", "/staff", "/c"]
    rated = kiosk.rated()
    survey = kiosk.client.post(f"/f/{kiosk.code()}/survey", data={"visit": rated})
    forms = walk(client, [*starts, survey.headers["location"]])
    assert len(forms) > 4, sorted(forms)
    probe(client, forms, client.cookies.clear)
