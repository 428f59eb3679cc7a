"""Every form of the dashboard, probed as a scanner would."""

from uuid import uuid4

from starlette.testclient import TestClient

from aggregator.intake.ballots.serials import written
from tests.aggregator.conftest import Room, ratings, sipas, submission
from tests.scanner import MARKUP, probe, walk


def test_every_form_of_the_dashboard(room: Room) -> None:
    room.take([*ratings((5, 5, 4, 3, 1)), sipas(), submission(comment=MARKUP)])
    room.sign_in()
    batch = {"name": "Hòm 1", "instrument": "in_centre", "day": "2026-11-23", "printed": "9"}
    room.client.post("/ballots", data=batch)
    for rating in ("4", "2"):  # the second has to be decided
        ballot = {"id": str(uuid4()), "serial": written(1, 9, 1), "a.rating": rating}
        assert room.client.post("/ballots/1/enter", data=ballot).status_code == 303
    client = TestClient(room.app, follow_redirects=False)

    def renew() -> None:
        """Some forms end a session, change a language or throttle whoever errs."""
        client.cookies.clear()
        accounts = room.context.accounts
        if room.context.store.credentials.user("giam_doc") is None:
            accounts.add_user("giam_doc", "administrator")
        client.get(accounts.new_link("giam_doc", ""))

    renew()
    forms = walk(client, ["/briefing", "/"])
    assert len(forms) > 40, sorted(forms)
    assert {"enter", "again", "correct", "resolve"} <= {
        form.action.split("/")[3] for form in forms.values() if "/ballots/1/" in form.action
    }
    probe(client, forms, renew)
    renew()
    for page in sorted({form.page for form in forms.values()}):
        assert "<svg onload" not in client.get(page).text, page
