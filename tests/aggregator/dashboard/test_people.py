"""Invitations, changes of accounts, and the page of the audit log."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from html import unescape
from threading import Barrier
from typing import Any

import pytest

from aggregator.dashboard.accounts import AccountError
from aggregator.storage.audit import Search, entry
from aggregator.storage.credentials import ROLES
from tests.aggregator.conftest import PASSWORD, Room


def act(room: Room, action: str, name: str, **fields: str) -> Any:
    return room.client.post("/accounts", data={"action": action, "name": name, **fields})


def link_in(answer: Any) -> str:
    assert answer.status_code == 200
    found = re.search(r'id="link"[^>]* value="http://[^/]+([^"]+)"', answer.text)
    assert found
    return unescape(found[1])


def open_invitation(room: Room, link: str, name: str, password: str = PASSWORD) -> Any:
    room.client.cookies.clear()
    return room.client.post(link, data={"name": name, "password": password, "again": password})


def events(room: Room) -> list[str]:
    return [one.event for one in room.context.store.audit.entries(Search(kind="account"), 99)]


def test_an_invitation_works_once_and_makes_the_account_it_says(any_room: Room) -> None:
    room = any_room
    room.sign_in()
    link = link_in(act(room, "invite", "Lò Thị Đào", role="head", department="so_y_te"))
    secret = link.rpartition("/")[2]
    [waiting] = room.context.store.credentials.invitations(room.clock())
    assert secret not in (waiting.hash, waiting.name)  # only its hash is kept
    for _ in range(2):  # looking at it uses nothing up
        assert "Lò Thị Đào" in room.client.get(link).text
    assert open_invitation(room, link, "dao", "ngắn").status_code == 422
    assert open_invitation(room, link, "giam_doc").status_code == 422  # the name is taken
    assert open_invitation(room, link, "dao").status_code == 303
    user = room.context.store.credentials.user("dao")
    assert user is not None
    assert (user.role, user.department) == ("head", "so_y_te")
    assert (user.password_hash or "").startswith("$argon2id$")
    assert room.client.get("/department/so_y_te").status_code == 200
    assert open_invitation(room, link, "hai").status_code == 403
    assert room.client.get(link).status_code == 403
    assert events(room)[:2] == ["account.accepted", "account.invited"]


def test_an_invitation_ends_after_a_week_or_when_withdrawn(room: Room) -> None:
    room.sign_in()
    first = link_in(act(room, "invite", "An", role="reader"))
    [one] = room.context.store.credentials.invitations(room.clock())
    assert act(room, "withdraw", "An", invitation=one.hash).status_code == 303
    assert room.client.get(first).status_code == 403
    second = link_in(act(room, "invite", "An", role="reader"))
    room.clock.moment += timedelta(days=7)
    assert open_invitation(room, second, "an").status_code == 403
    assert room.context.store.credentials.user("an") is None


def test_a_manager_manages_heads_and_readers_alone(room: Room) -> None:
    accounts = room.context.accounts
    for role in ROLES:
        accounts.add_user(role, role, department="so_y_te" if role == "head" else None)
    accounts.add_user("quan_ly", "manager")
    room.client.get(accounts.new_link("quan_ly", ""))
    before = events(room)
    for name in ("administrator", "manager", "quan_ly", "nobody"):
        for action in ("disabled", "removed", "reset", "signed_out"):
            assert act(room, action, name).status_code == 422, (name, action)
        assert act(room, "role", name, role="reader").status_code == 422
    for wish in ("administrator", "manager", "emperor", ""):
        assert act(room, "invite", "x", role=wish).status_code == 400
        assert act(room, "role", "reader", role=wish).status_code == 400
    assert act(room, "invite", "x", role="head").status_code == 422
    assert act(room, "invite", "x", role="head", department="no").status_code == 400
    assert act(room, "explode", "reader").status_code == 400
    assert events(room) == before
    assert act(room, "disabled", "reader").status_code == 303
    assert act(room, "role", "head", role="reader").status_code == 303
    assert [user.role for user in room.context.store.credentials.users() if user.disabled] == [
        "reader"
    ]


def test_who_is_disabled_is_out_at_once_and_cannot_come_back(room: Room) -> None:
    accounts = room.context.accounts
    accounts.add_user("an", "reader", PASSWORD)
    link, later = accounts.new_link("an", ""), accounts.new_link("an", "")
    room.client.get(link)
    session = dict(room.client.cookies)
    room.sign_in()
    act(room, "disabled", "an")
    room.client.cookies.clear()
    room.client.cookies.update(session)
    assert room.client.get("/comparison").status_code == 303
    assert room.client.get(later).status_code == 403
    again = room.client.post("/sign-in", data={"name": "an", "password": PASSWORD})
    assert again.status_code == 403


def test_signed_out_everywhere_and_the_last_administrator(room: Room) -> None:
    room.sign_in()
    for action, fields in (("disabled", {}), ("removed", {}), ("role", {"role": "reader"})):
        refused = act(room, action, "giam_doc", **fields)
        assert refused.status_code == 422
        assert "quản trị cuối cùng" in refused.text
    link = link_in(act(room, "reset", "giam_doc"))
    assert room.client.get("/").status_code == 303  # the reset has ended this session, too
    assert room.client.get(link).status_code == 303
    assert room.client.get("/").status_code == 200
    assert room.client.post("/account/sign-out").status_code == 303
    assert room.client.get("/").status_code == 303
    cross = room.client.post("/accounts", headers={"origin": "http://elsewhere.example"})
    assert cross.status_code == 403


def test_the_audit_log_is_searched_paged_and_taken_along(room: Room) -> None:
    room.sign_in()
    log = room.context.store.audit
    for number in range(120):
        told = {"name": f"quầy {number:03}"}
        log.add(entry(room.clock() - timedelta(days=number), "Tẩn A Sử", "device.added", **told))
    log.add(entry(room.clock(), "=1+1", "device.removed", name="<b>&"))
    page = room.client.get("/audit?kind=device").text
    assert "&lt;b&gt;&amp;" in page
    assert page.count("<time") == 50
    older = re.search(r'href="(/audit\?kind=device&amp;before=\d+)"', page)
    assert older
    second = room.client.get(unescape(older[1])).text
    assert (second.count("<time"), "quầy 070" in second) == (50, True)
    for asked in (
        "q=quay+007",
        "q=quầy+007",
        "q=quay+007&actor=Tẩn+A+Sử&since=2026-11-16&until=2026-11-16",
    ):
        assert room.client.get(f"/audit?{asked}").text.count("<time") == 1, asked
    assert "Không có dòng nào" in room.client.get("/audit?q=quẩy").text
    for bad in ("kind=x", "since=yesterday", "since=2026-11-02&until=2026-11-01", "before=-1"):
        assert room.client.get(f"/audit?{bad}").status_code == 400, bad
    file = room.client.get("/audit.csv?kind=device")
    assert file.text.startswith("\ufeffThời điểm,")
    assert len(file.text.splitlines()) == 122
    assert ",'=1+1," in file.text
    assert log.entries(Search(), 1)[0].event == "export.file"


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_every_event_can_be_shown(room: Room, lang: str) -> None:
    """With the sentence of each in the catalogue, whatever its places are called."""
    room.sign_in()
    act(room, "invite", "An", role="reader")
    assert room.client.get(f"/accounts?lang={lang}").status_code == 200
    page = room.client.get(f"/audit?lang={lang}")
    assert ("Mời An làm người xem" if lang == "vi" else "Invited An as reader") in page.text


def at_once(n: int, do: Callable[[int], object]) -> list[object]:
    """What each of ``n`` threads was given, or the reason for which it was refused."""
    together = Barrier(n)

    def one(number: int) -> object:
        together.wait()
        try:
            return do(number)
        except AccountError as refused:
            return refused.key

    with ThreadPoolExecutor(n) as pool:
        return list(pool.map(one, range(n)))


def test_of_many_who_accept_at_once_one_gets_the_account_and_the_others_a_reason(
    any_room: Room,
) -> None:
    """As several processes do, which have no queue in common."""
    accounts, users = any_room.context.accounts, any_room.context.store.credentials.users

    def invited(name: str) -> str:
        return accounts.invite(name, "reader", None, "", "giam_doc").rpartition("/")[2]

    one = invited("một")
    given = at_once(8, lambda n: accounts._accept(one, f"an{n}", None, None) is not None)
    assert (sorted(map(str, given)), len(users())) == (["False"] * 7 + ["True"], 1)
    many = [invited(f"b{number}") for number in range(6)]
    given = at_once(6, lambda n: accounts._accept(many[n], "binh", None, None) is not None)
    assert sorted(map(str, given)) == ["True"] + ["name_taken"] * 5
    # Those who were refused may choose another name.
    left = [secret for secret, got in zip(many, given, strict=True) if got != True]  # noqa: E712
    assert all(accounts.invitation(secret) for secret in left)
    given = at_once(5, lambda n: accounts.accept_identity(left[n], "https://id|1") is not None)
    assert sorted(map(str, given)) == ["True"] + ["identity_taken"] * 4
    assert len(users()) == 3

    def made(number: int) -> str:
        accounts.add_user("chi", "reader")
        return "made"

    given = at_once(4, made)
    assert sorted(map(str, given)) == ["made"] + ["name_taken"] * 3
