"""Signing in at an OpenID Connect provider: a process of its own, over HTTP, with real keys."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from pydantic import ValidationError

from aggregator.settings import Settings
from tests.aggregator.conftest import Room
from tests.oidc_provider import CLIENT, SECRET, running
from tests.programs import free_port


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    with running() as address:
        yield address


@pytest.fixture
def office(make_room: Callable[..., Room], provider: str) -> Room:
    room = make_room(oidc_issuer=provider, oidc_client_id=CLIENT, oidc_client_secret=SECRET)
    room.clock.moment = datetime.now(UTC)
    configure(provider)
    return room


def configure(provider: str, **wanted: Any) -> None:
    assert httpx2.post(f"{provider}/set", json={"sub": "an", **wanted}).status_code == 200


def back(room: Room, asked: str = "") -> str:
    """Go to the provider as a browser does; the path that it sends the browser back to."""
    begun = room.client.get(f"/oidc/start{asked}")
    assert begun.status_code == 303
    returned = httpx2.get(begun.headers["location"])
    assert returned.status_code == 302
    parts = urlsplit(returned.headers["location"])
    return f"{parts.path}?{parts.query}"


def invited(room: Room, name: str = "Lò Thị Đào") -> str:
    link = room.context.accounts.invite(name, "reader", None, "", "giam_doc")
    return link.rpartition("/")[2]


def test_an_invitation_binds_the_subject_and_later_it_signs_in(office: Room) -> None:
    # Without one, an e-mail address or name that the provider tells opens no account.
    office.context.accounts.add_user("quan_ly", "administrator")
    assert office.client.get(back(office)).status_code == 403
    secret = invited(office)
    assert office.client.get(back(office, f"?invitation={secret}")).status_code == 303
    assert office.client.get("/comparison").status_code == 200
    office.client.cookies.clear()
    entered = office.client.get(back(office, "?next=/trends"))
    assert (entered.status_code, entered.headers["location"]) == (303, "/trends")
    user = office.context.store.credentials.user("Lò Thị Đào")
    assert user is not None
    assert (user.role, user.password_hash) == ("reader", None)
    assert user.identity == f"{office.settings.oidc_issuer} an"
    # The same subject cannot take a second invitation, nor does one work twice.
    assert office.client.get(back(office, f"?invitation={invited(office)}")).status_code == 403
    office.client.cookies.clear()
    configure(office.settings.oidc_issuer, sub="binh")
    assert office.client.get(back(office, f"?invitation={secret}")).status_code == 403
    assert office.client.get("/comparison").status_code == 303


def test_who_is_signed_in_binds_the_own_account(office: Room) -> None:
    office.sign_in()
    assert office.client.get(back(office, "?bind=1")).headers["location"] == "/account"
    office.client.cookies.clear()
    assert office.client.get(back(office)).status_code == 303
    assert office.client.get("/accounts").status_code == 200
    office.client.cookies.clear()
    assert office.client.get(back(office, "?bind=1")).status_code == 403  # nobody is signed in


@pytest.mark.parametrize(
    "fault",
    [
        {"nonce": "another"},
        {"exp": -120},
        {"aud": "another"},
        {"aud": [CLIENT, "another"]},
        {"iss": "https://elsewhere.example"},
        {"alien": True},
        {"none": True},
        {"sub": ""},
    ],
    ids=str,
)
def test_a_token_that_is_wrong_signs_nobody_in(office: Room, fault: dict[str, Any]) -> None:
    secret = invited(office)
    configure(office.settings.oidc_issuer, **fault)
    refused = office.client.get(back(office, f"?invitation={secret}"))
    assert refused.status_code == 403
    assert "không xác nhận" in refused.text
    assert office.context.store.credentials.users() == []
    assert office.client.get("/").status_code == 303


def test_a_state_works_once_in_the_browser_that_began(office: Room) -> None:
    secret = invited(office)
    path = back(office, f"?invitation={secret}")
    kept = dict(office.client.cookies)
    office.client.cookies.clear()
    assert office.client.get(path).status_code == 403  # another browser
    office.client.cookies.update(kept)
    query = parse_qs(urlsplit(path).query)
    wrong = office.client.get("/oidc/callback", params={"code": query["code"][0], "state": "x"})
    assert wrong.status_code == 403
    office.client.cookies.update(kept)
    assert office.client.get(path).status_code == 303
    office.client.cookies.clear()
    office.client.cookies.update(kept)
    replayed = office.client.get(path)
    assert replayed.status_code == 403
    assert "đã dùng hoặc đã hết hạn" in replayed.text


def test_who_only_begins_leaves_no_row(office: Room) -> None:
    def kept() -> int:
        return len(office.context.store.credentials.tokens("oidc"))

    back(office)
    office.client.get("/oidc/callback?state=x&code=y")
    paths = [back(office) for _ in range(3)]
    assert kept() == 0
    assert office.client.get(paths[-1]).status_code == 403  # confirmed, but nobody's account
    assert kept() == 1
    secret = "s" * 43
    assert [office.context.accounts.use_up(secret) for _ in range(2)] == [True, False]
    office.clock.moment += timedelta(minutes=11)
    office.context.accounts.use_up("another")
    assert kept() == 1


def test_a_provider_that_is_down_leaves_the_password(make_room: Callable[..., Room]) -> None:
    issuer = f"http://127.0.0.1:{free_port()}"
    room = make_room(oidc_issuer=issuer, oidc_client_id=CLIENT)
    page = room.client.get("/oidc/start")
    assert page.status_code == 502
    assert "Chưa liên hệ được" in page.text
    assert 'name="password"' in page.text


def test_without_a_provider_there_is_no_such_way(room: Room) -> None:
    assert room.client.get("/oidc/start").status_code == 404
    assert "/oidc/" not in room.client.get("/sign-in").text
    for wrong in (
        {"oidc_issuer": "http://sso.example.vn", "oidc_client_id": "x"},
        {"oidc_issuer": "https://x.vn"},
    ):
        with pytest.raises(ValidationError, match="oidc_issuer"):
            Settings(**wrong)  # type: ignore[arg-type]
