"""Who may do what: every route says it, and a department's head sees nothing of another one."""

import io
import re
from collections.abc import Iterator
from typing import Any, get_args

import pandas as pd
import pyarrow.parquet as pq
import pytest
from starlette.routing import Mount, Route

from aggregator.dashboard.app import ROUTES
from aggregator.dashboard.permissions import MAY, MAY_MANAGE, PERMISSIONS, Open, need_of
from aggregator.storage.credentials import ROLES, Role
from tests.aggregator.conftest import Room, ratings, sipas, submission

OWN, OTHER = "so_tu_phap", "so_y_te"
# Numbers that occur nowhere by chance: of the own department, of the other, and of both.
OURS, THEIRS = 37, 4_211
UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
SECRET = "Ý kiến về cơ quan kia"


def test_every_route_says_what_it_needs() -> None:
    needed = {route.path: need_of(route.endpoint) for route in ROUTES}
    assert set(needed.values()) <= {*PERMISSIONS, *get_args(Open)}
    assert {path for path, need in needed.items() if need == "anyone"} <= {
        "/api/v1/openapi.json",
        "/api/v1/devices",  # looks at a one-time code
        "/public",
        "/public/hall",
        "/public/data.csv",
        "/public/data.json",
        "/health",
        "/metrics",
        "/sign-in",
        "/sign-in/{secret}",
        "/sign-out",
        "/invitation/{secret}",
        "/oidc/start",
        "/oidc/callback",
    }


def test_a_handler_that_does_not_say_it_has_no_route() -> None:
    async def forgotten(request: object) -> None: ...

    with pytest.raises(AttributeError):
        need_of(forgotten)


def test_each_role_may_do_what_the_table_says() -> None:
    assert set(MAY) == set(MAY_MANAGE) == set(ROLES)
    assert MAY["administrator"] == set(PERMISSIONS)
    assert MAY["reader"] == {"figures", "department", "comments", "self"}
    assert MAY["head"] == {"department", "comments", "answers", "officials", "self"}
    assert MAY["clerk"] == {"ballots", "self"}
    assert "audit" not in MAY["manager"]
    for role in ROLES:  # nobody makes an account that may do more than he himself
        assert all(MAY[other] <= MAY[role] for other in MAY_MANAGE[role])


@pytest.fixture
def two(room: Room) -> Room:
    """Answers, dossiers and comments of two departments, the other one by far the larger."""
    own: dict[str, Any] = {"department": OWN, "counter": "q05"}
    other: dict[str, Any] = {"department": OTHER, "counter": "q09"}
    taken = ratings([5] * 30 + [2] * 7, **own) + ratings([4] * 4_000 + [1] * 211, **other)
    taken += [sipas((5,) * 22, **own) for _ in range(12)] + [
        sipas((4,) * 22, **other) for _ in range(57)
    ]
    taken += [submission(comment=SECRET, **other), submission(comment="Của chúng tôi", **own)]
    for start in range(0, len(taken), 900):
        room.take(taken[start : start + 900])
    store, day = room.context.store, room.context.today
    store.put_transactions(
        {"day": day, "department": department, "dossiers": n}
        for department, n in ((OWN, 91), (OTHER, 8_123), ("", 8_214))
    )
    return room


def paths(room: Room) -> Iterator[str]:
    """The address of every route that answers GET, with every department, format and period."""
    values = {
        "department": [OWN, OTHER],
        "kind": ["day", "week", "month", "quarter"],
        "secret": ["x"],
    }
    for route in room.app.routes:
        if isinstance(route, Mount) or not isinstance(route, Route):
            continue
        if "GET" not in (route.methods or {"GET"}):
            continue
        found = [route.path.replace(":str", "")]
        for name in re.findall(r"{(\w+)", route.path):
            formats = ["csv", "json"] if "exports" in route.path else ["pdf", "docx", "xlsx"]
            several = values.get(name, formats)
            found = [path.replace(f"{{{name}}}", value) for path in found for value in several]
        yield from found


ASKED = (
    "",
    f"?department={OTHER}",
    "?period=year",
    "?survey=sipas_2020&period=year",
    "?how=centre.n&period=year",
    f"?how={OTHER}.n",
    f"?department={OWN}&grain=day",
)


def test_a_head_sees_nothing_of_another_department(two: Room) -> None:
    """Every route, as a page and as a fragment: no name, number, comment or total of others."""
    accounts = two.context.accounts
    accounts.add_user("truong", "head", department=OWN)
    two.client.get(accounts.new_link("truong", ""))
    other = two.context.centre.department[OTHER]
    names = [other.name.vi, other.name.en, OTHER, *(c.name.vi for c in other.counters)]
    numbers = [THEIRS, THEIRS + 1, OURS + THEIRS, OURS + THEIRS + 2, 8_123, 8_214, 57 + 12, 211]
    written = [f"{n:,}".replace(",", sign) for n in numbers for sign in (".", ",", "")]
    told = [*names, SECRET, *(n for n in written if len(n) > 2)]
    opened = set()
    for path in paths(two):
        for asked in ASKED:
            for headers in ({}, {"hx-request": "true", "hx-request-type": "partial"}):
                answer = two.client.get(path + asked, headers=headers)
                if answer.status_code != 200:
                    assert answer.status_code in (303, 400, 401, 403, 404, 405), path
                    continue
                if path in OPEN_TO_ALL:
                    continue
                opened.add(path)
                # The page's own address names what was asked for, though nothing answers it.
                text = answer.text.replace(asked.lstrip("?").replace("&", "&amp;"), "")
                text = re.sub(UUID, "", text)  # four digits of one may be any number
                leaked = [
                    one for one in told if re.search(rf"(?<![\w.,]){re.escape(one)}(?![\w])", text)
                ]
                if "codebook" in path or path == "/method":
                    leaked = [one for one in leaked if one not in names]
                assert not leaked, (path + asked, leaked)
    assert opened == {
        f"/department/{OWN}",
        "/trends",
        "/cases",
        "/handling",
        "/operations",
        "/hours",
        "/comments",
        "/reasons",
        "/attitude",
        "/documents",
        "/method",
        "/exports/submissions.csv",
        "/exports/submissions.json",
        "/exports/codebook.csv",
        "/exports/definitions.json",
        "/account",
    }


OPEN_TO_ALL = {"/health", "/metrics", "/api/v1/openapi.json", "/sign-in"}


def as_(room: Room, role: Role) -> None:
    department = OWN if role == "head" else None
    room.context.accounts.add_user(role, role, department=department)
    room.client.get(room.context.accounts.new_link(role, ""))


def test_a_head_has_the_own_departments_figures_and_answers(two: Room) -> None:
    as_(two, "head")
    start = two.client.get("/?period=year", follow_redirects=True)
    assert start.status_code == 200
    assert start.url.path == f"/department/{OWN}"
    assert ">38<" in start.text
    export = two.client.get("/exports/submissions.csv?survey=in_centre")
    rows = pd.read_csv(io.StringIO(export.text.removeprefix("\ufeff")))
    assert set(rows["department"]) == {OWN}
    assert len(rows) == OURS + 1
    assert list(rows["comment"].dropna()) == ["Của chúng tôi"]
    # The same in a process of its own, which knows no session.
    packed = two.client.get("/exports/submissions.parquet?survey=in_centre")
    assert pq.read_table(io.BytesIO(packed.content))["department"].to_pylist() == [OWN] * len(rows)


def test_a_head_whose_department_is_gone_sees_nothing(two: Room) -> None:
    accounts = two.context.accounts
    accounts.add_user("cu", "head", department="so_khong_con")
    two.client.get(accounts.new_link("cu", ""))
    for path in ("/", f"/department/{OWN}", "/exports/submissions.csv", "/handling"):
        assert two.client.get(path).status_code == 403


@pytest.mark.parametrize("role", ROLES)
def test_each_role_opens_what_it_may_and_nothing_else(room: Room, role: Role) -> None:
    as_(room, role)
    for route in room.app.routes:
        if not isinstance(route, Route) or "{" in route.path or "GET" not in (route.methods or ()):
            continue
        need = need_of(route.endpoint)
        if need in PERMISSIONS:
            answer = room.client.get(route.path)
            # Who may not see the first page of figures is led to another one.
            home = answer.headers.get("location") == "/ballots"
            refused = answer.status_code == 403 or (home and route.path in ("/", "/briefing"))
            assert refused == (need not in MAY[role]), route.path
