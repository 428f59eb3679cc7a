"""Every form of the dashboard, probed as a scanner would."""

from starlette.testclient import TestClient

from tests.aggregator.conftest import Room, ratings, sipas, submission
from tests.scanner import MARKUP, probe, walk


def test_every_form_of_the_dashboard(room: Room) -> None:
    room.take([*ratings((5, 5, 4, 3, 1)), sipas(), submission(comment=MARKUP)])
    room.sign_in()
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
    probe(client, forms, renew)
    renew()
    for page in sorted({form.page for form in forms.values()}):
        assert "<svg onload" not in client.get(page).text, page
