"""Whatever the audit log has a sentence for is really recorded, on the pages and by commands."""

import io
import re
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from aggregator.__main__ import main
from aggregator.intake.ballots.serials import written
from aggregator.organisation import acts
from aggregator.storage.audit import KINDS, Search, entry
from aggregator.storage.cases import Filters
from aggregator.storage.comments import Search as Found
from aggregator.wording.messages import MESSAGES
from surveys.definition import Text
from tests.aggregator.alerts.watching import watch_of
from tests.aggregator.conftest import PASSWORD, Room, ratings, submission

# Recorded in tests of their own: it takes answers without a definition.
ISSUED = {f"report.{event}" for event in ("written", "issued", "reissued", "fetched")}
ELSEWHERE = {"survey.defined", "data.restored", *ISSUED}


def link_on(page: str) -> str:
    found = re.search(r'id="link"[^>]* value="([^"]+)"', page)
    assert found is not None
    return found[1]


def test_every_sentence_of_the_log_is_of_something_that_is_recorded(
    room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.sign_in()
    people(room)
    devices(room)
    versions(room)
    room.take(ratings([1, 1, 1]))
    watch_of(room).look()
    assert room.client.post("/alerts", data={"number": "1"}).status_code == 303
    cases(room)
    assert room.client.get("/exports/submissions.json").status_code == 200
    assert room.get("/api/v1/submissions.csv").status_code == 200
    comments(room)
    officials(room)
    ballots(room)
    commands(room, tmp_path, monkeypatch)

    log = room.context.store.audit
    recorded = {one.event for one in log.entries(Search(), 999)}
    told = [
        key.removeprefix("audit.")
        for key in MESSAGES.texts["vi"]
        if key.startswith(tuple(f"audit.{kind}." for kind in KINDS))
    ]
    assert recorded == set(told) - ELSEWHERE
    by_command = {one.event for one in log.entries(Search(actor=""), 999)}
    assert {"account.password", "device.added", "report.made", "unmasking.export"} <= by_command
    names_and_no_ids(room)


def names_and_no_ids(room: Room) -> None:
    """Whoever reads the log reads names: no id of a department, counter or survey."""
    room.sign_in("nguoi_doc")
    centre = room.context.organisation.centre
    text = unescape(re.sub(r"<[^>]*>", " ", room.client.get("/audit.csv").text))
    assert "Sở Y tế" in text
    ids = [*centre.department, *room.context.surveys]
    assert [id for id in ids if re.search(rf"(?<![\w/.(]){id}(?![\w.])", text)] == []
    assert not re.search(r"\bq\d\d\b", text)
    found = unescape(room.client.get("/audit?q=sở y tế&kind=case").text)
    assert "cho Sở Y tế" in found
    assert "cho Sở Y tế" in unescape(room.client.get("/audit?q=so y te&kind=case").text)
    assert "cho Sở Y tế" not in unescape(room.client.get("/audit?q=so tu phap&kind=case").text)


def cases(room: Room) -> None:
    form = {"way": "desk", "text": "Chờ lâu", "contact": "0912 345 678"}
    assert room.client.post("/cases", data=form).status_code == 200
    acts = (("assigned", "so_y_te"), ("answered", ""), ("closed", ""), ("contact", ""))
    for act, department in acts:
        [case] = room.context.store.cases.page(Filters(), room.clock(), 1)
        fields = {"act": act, "last": str(case.last), "text": "x", "department": department}
        assert room.client.post(f"/cases/{case.number}", data=fields).status_code in (200, 303)
    for more in ({}, {"withdraw": "1"}):
        told = {"act": "tell", "said": "Chờ lâu", "done": "Thêm quầy", **more}
        assert room.client.post(f"/cases/{case.number}", data=told).status_code == 303


def ballots(room: Room) -> None:
    batch = {"name": "Hòm 1", "instrument": "in_centre", "day": "2026-11-23", "printed": "9"}
    path = room.client.post("/ballots", data=batch).headers["location"]
    assert room.client.post(path, data={"handed_out": "5"}).status_code == 303
    serial = written(int(path.rpartition("/")[2]), 9, 1)
    for to, rating in (("enter", "4"), ("enter", "2"), ("resolve/1", "2")):
        given = {"id": str(uuid4()), "serial": serial, "after": "2", "a.rating": rating}
        assert room.client.post(f"{path}/{to}", data=given).status_code == 303


def comments(room: Room) -> None:
    room.take([submission(comment="Xin gọi 0900 000 000")])
    [number] = [one.number for one in room.context.store.comments.found(Found(), 9)]
    for act, form in (
        ("tag", {"tag": "ghế"}),
        ("tag", {"tag": "ghế", "act": "untag"}),
        ("hide", {"act": "hide"}),
        ("hide", {"act": "show"}),
        ("unmask", {"reason": "Gọi lại cho người dân"}),
    ):
        answer = room.client.post(f"/comments/{number}/{act}", data=form)
        assert answer.status_code in (200, 303)


def officials(room: Room) -> None:
    shift = {"official": "CC.1", "counter": "q05", "day": "2026-11-23", "from": "08:00"}
    for action in ("add", "remove"):
        form = {**shift, "to": "11:00", "action": action}
        assert room.client.post("/roster", data=form).status_code == 303
    assert room.client.get("/attitude").status_code == 200


def people(room: Room) -> None:
    accounts, credentials = room.context.accounts, room.context.store.credentials

    def act(action: str, name: str = "khach", **fields: str) -> Any:
        return room.client.post("/accounts", data={"action": action, "name": name, **fields})

    act("invite", role="reader")
    [waiting] = credentials.invitations(room.clock())
    act("withdraw", invitation=waiting.hash)
    page = act("invite", role="reader").text
    secret = link_on(page).rpartition("/")[2]
    chosen = {"name": "khach", "password": PASSWORD, "again": PASSWORD}
    assert room.client.post(f"/invitation/{secret}", data=chosen).status_code == 303
    room.client.post("/sign-in", data={"name": "khach", "password": "sai mật khẩu"})
    assert room.client.post("/sign-in", data=chosen).status_code == 303
    accounts.bind("khach", "https://sso.example.vn 1")
    assert accounts.sign_in_identity("https://sso.example.vn 1") is not None
    room.sign_in()
    act("role", role="manager")
    for action in ("disabled", "enabled", "signed_out", "reset", "removed"):
        act(action)
    assert credentials.user("khach") is None


def devices(room: Room) -> None:
    def act(action: str, name: str = "quầy", **fields: str) -> Any:
        return room.client.post("/devices", data={"action": action, "name": name, **fields})

    act("add", place="counter:q05")
    page = act("again").text
    found = re.search(r'id="code"[^>]* value="([^"]+)"', page)
    assert found is not None
    code = {"code": found[1].replace("-", "")}
    assert room.client.post("/api/v1/devices", json=code).status_code == 200
    act("move", place="counter:q06")
    act("move", place="")
    act("rename", new="sảnh")
    room.clock.moment += timedelta(seconds=1)
    renewed = entry(room.clock(), "", "device.renewed", name="sảnh")
    token = {"authorization": f"Bearer {room.context.accounts.renew_device('sảnh', renewed)}"}
    assert room.client.get("/api/v1/centre", headers=token).status_code == 200
    assert act("revoke", "sảnh").status_code == 303


def versions(room: Room) -> None:
    held = room.context.organisation
    asked = room.context.surveys["business"].model_copy(
        update={"id": "firms", "title": Text(vi="Phiếu khác", en="Another")}
    )
    day = room.clock().date()
    held.save(acts.close(held.stored, "counter", "q01", day), "giam_doc", "", held.number)
    for changed in (
        {"minimum_cell": 7},
        {"references": held.stored.references[1:]},
        {"surveys": (asked,)},
    ):
        held.save(held.stored.model_copy(update=changed), "giam_doc", "", held.number)


def commands(room: Room, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = room.settings
    monkeypatch.setenv("HAILONG_CENTRE", str(settings.centre))
    monkeypatch.setenv("HAILONG_VAR", str(settings.var))
    monkeypatch.setenv("HAILONG_DATABASE_URL", settings.database)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    shifts = "official,counter,day,from,to\nCC.1,q05,2026-11-23,08:00,11:00\n"
    (folder / "roster.csv").write_text(shifts, "utf-8")
    for name, rating in (("one.csv", 5), ("two.csv", 4)):
        (folder / name).write_text(f"ngày,mức độ\n20/11/2026,{rating}\n", "utf-8")
    for command in (
        f"desk {folder / 'one.csv'} --kind ratings --batch lô",
        f"desk {folder / 'two.csv'} --kind ratings --batch lô",
        "desk --withdraw lô",
        f"ballots {folder / 'ballots.pdf'} --batch hòm --count 9",
        "user add mới --no-password",
        "user password mới",
        "user remove mới",
        "device add kiosk",
        "device renew kiosk",
        "device remove kiosk",
        "reader add tỉnh",
        "reader remove tỉnh",
        "one-stop add một_cửa",
        "one-stop remove một_cửa",
        f"export {folder / 'out.csv'} --raw-comments",
        f"report day {folder / 'out.xlsx'}",
        f"report day --internal {folder / 'sheet.xlsx'}",
        f"roster import {folder / 'roster.csv'}",
        f"attitude {folder / 'list.xlsx'}",
    ):
        assert main(command.split()) == 0, command
    asked = f"report month --publish {folder / 'public.xlsx'}"
    assert main(asked.split()) == 1, "the month is not over"
