"""Very many forms of one code: none is lost to an honest citizen, and a flood has to work."""

import hashlib
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from starlette.testclient import TestClient

from kiosk.floods import Form, _Count, network_of
from kiosk.outbox import OutboxError
from kiosk.puzzles import LASTS, Puzzles
from tests.kiosk.conftest import CENTRE, NOW, Clock, Kiosk, submission

LIMITED = "\n[phone_form]\nforms_an_hour = 6\nnetwork_an_hour = 3\neffort = 1\n"


@pytest.fixture
def kiosk(make_kiosk: Callable[..., Kiosk], tmp_path: Path) -> Kiosk:
    file = tmp_path / "centre.toml"
    file.write_text(CENTRE.read_text("utf-8") + LIMITED, "utf-8")
    return make_kiosk(centre=file)


def send(kiosk: Kiosk, host: str = "10.0.0.7", **fields: str) -> Any:
    """A form that comes from an address."""
    client = TestClient(kiosk.client.app, follow_redirects=False, client=(host, 5000))
    sent = {"visit": str(uuid4()), "fingerprint": kiosk.fingerprint(), "rating": "1", **fields}
    return client.post(f"/f/{kiosk.code()}", data=sent)


def solution(page: str) -> str:
    """What static/js/puzzle.js finds."""
    asked = re.search(r'data-puzzle="([^"]+)"', page)
    assert asked
    salt, target, most, _, _ = asked[1].split()
    tried = (f"{salt}{n}".encode() for n in range(int(most)))
    found = next(n for n, text in enumerate(tried) if hashlib.sha256(text).hexdigest() == target)
    return f"{asked[1]} {found}"


def test_within_the_limits_nothing_is_asked(kiosk: Kiosk) -> None:
    assert [send(kiosk).status_code for _ in range(3)] == [303] * 3
    assert [send(kiosk, "10.0.0.8").status_code for _ in range(3)] == [303] * 3


def test_one_network_is_asked_sooner_than_all_together(kiosk: Kiosk) -> None:
    assert [send(kiosk).status_code for _ in range(4)] == [303, 303, 303, 429]
    others = [send(kiosk, f"10.0.1.{n}").status_code for n in range(5)]
    assert others == [303, 303, 303, 429, 429]  # six of the code, whoever sends them


def test_another_code_of_the_same_network_has_limits_of_its_own(kiosk: Kiosk) -> None:
    """A whole centre sits behind one address."""
    assert [send(kiosk).status_code for _ in range(4)][-1] == 429
    client = TestClient(kiosk.client.app, follow_redirects=False, client=("10.0.0.7", 5000))
    fields = {"visit": str(uuid4()), "fingerprint": kiosk.fingerprint(), "rating": "5"}
    assert client.post(f"/f/{kiosk.code(counter='q06')}", data=fields).status_code == 303
    # A code of the whole department has as many for each of its two counters.
    of_both = f"/f/{kiosk.code(counter=None)}"
    sent = [
        client.post(of_both, data={**fields, "visit": str(uuid4())}).status_code for _ in range(7)
    ]
    assert sent == [303] * 6 + [429]


def test_beyond_the_limit_the_page_keeps_the_form_and_a_solved_puzzle_lets_it_in(
    kiosk: Kiosk,
) -> None:
    for _ in range(3):
        send(kiosk)
    visit = str(uuid4())
    page = send(kiosk, visit=visit, comment="Cán bộ <nhiệt tình>", reasons="3")
    assert page.status_code == 429
    assert page.headers["retry-after"] == "120"
    assert "Xin chờ một chút" in page.text
    for kept in (f'name="visit" hidden>\n{visit}<', "\nCán bộ &lt;nhiệt tình&gt;<", "Thử lại"):
        assert kept in page.text
    assert len(kiosk.stored()) == 3
    proof = solution(page.text)
    assert send(kiosk, visit=visit, comment="Cán bộ <nhiệt tình>", proof=proof).status_code == 303
    assert [one["comment"] for one in kiosk.stored()][3:] == [None, "Cán bộ <nhiệt tình>"]


def test_a_solution_is_good_for_its_own_form_alone_and_counts_it_once(kiosk: Kiosk) -> None:
    for _ in range(3):
        send(kiosk)
    visit = str(uuid4())
    proof = solution(send(kiosk, visit=visit).text)
    assert send(kiosk, proof=proof).status_code == 429  # another visit
    for _ in range(3):  # the receipt was lost, and the phone sends it again
        assert send(kiosk, visit=visit, proof=proof).status_code == 303
    assert send(kiosk, visit=visit).status_code == 303  # stored already: nothing is asked
    assert len(kiosk.stored()) == 4


def test_only_what_is_beyond_the_limit_of_its_network_is_said_to_be_crowded(kiosk: Kiosk) -> None:
    for _ in range(4):
        visit = str(uuid4())
        if (page := send(kiosk, visit=visit)).status_code == 429:
            send(kiosk, visit=visit, proof=solution(page.text))
    send(kiosk, "10.0.9.9")
    assert [one["crowded"] for one in kiosk.stored()] == [None, None, None, True, None]


def test_an_hour_after_a_flood_nothing_is_asked(kiosk: Kiosk) -> None:
    for n in range(40):
        host = f"10.0.2.{n}"
        visit = str(uuid4())
        if (page := send(kiosk, host, visit=visit)).status_code == 429:
            send(kiosk, host, visit=visit, proof=solution(page.text))
    assert len(kiosk.stored()) == 40
    kiosk.clock.moment += timedelta(minutes=71)  # and the time of one form
    assert send(kiosk).status_code == 303


def test_the_further_beyond_the_longer_the_work_and_never_more_than_16_times(kiosk: Kiosk) -> None:
    most = []
    for n in range(20):
        visit = str(uuid4())
        page = send(kiosk, f"10.0.3.{n}", visit=visit)
        if page.status_code == 429:
            most.append(int(solution(page.text).split()[2]))
            send(kiosk, f"10.0.3.{n}", visit=visit, proof=solution(page.text))
    assert most == sorted(most)
    assert most[0] < most[-1] == 16 * 2 * 1000


def test_a_form_with_errors_is_not_counted(kiosk: Kiosk) -> None:
    assert {send(kiosk, rating="9").status_code for _ in range(9)} == {422}
    assert send(kiosk).status_code == 303


def test_a_form_that_cannot_be_stored_is_not_counted(kiosk: Kiosk) -> None:
    outbox = kiosk.context.outbox
    visits = [str(uuid4()) for _ in range(3)]
    with closing(sqlite3.connect(outbox.path)) as other:
        outbox.disk.busy_seconds = 0.01
        outbox.close()
        other.execute("BEGIN IMMEDIATE")
        refused = [send(kiosk, visit=visit).status_code for visit in visits * 3]
        assert refused == [503] * 9
        other.rollback()
    # All that are within the limits are taken: the code's count, and the network's in memory.
    assert [send(kiosk, visit=visit).status_code for visit in visits] == [303] * 3
    assert send(kiosk).status_code == 429
    assert [send(kiosk, "10.0.0.8").status_code for _ in range(4)] == [303] * 3 + [429]


def test_a_form_that_fails_at_its_commit_is_not_counted(kiosk: Kiosk) -> None:
    def full(connection: sqlite3.Connection) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    context = kiosk.context
    qr_code = context.qr_codes[kiosk.code()]
    form = Form(qr_code, 1, "10.0.0.7")
    for _ in range(9):
        with (
            pytest.raises(OutboxError, match="full"),
            context.floods.taking(form, lambda excess: None),
        ):
            context.outbox.add_all([submission()], full)
    assert [send(kiosk).status_code for _ in range(4)] == [303] * 3 + [429]


def test_the_limit_of_a_code_holds_in_all_processes_on_one_file(
    kiosk: Kiosk, make_kiosk: Callable[..., Kiosk], tmp_path: Path
) -> None:
    other = make_kiosk(centre=tmp_path / "centre.toml", outbox=kiosk.context.outbox.path)
    for n in range(6):
        assert send((kiosk, other)[n % 2], f"10.0.1.{n}").status_code == 303
    assert {send(one, "10.0.2.1").status_code for one in (kiosk, other)} == {429}
    # Of networks nothing lies on the disk: what of a form is kept there is its code alone.
    with kiosk.context.outbox.disk.transaction(write=False) as connection:
        rows = connection.execute("SELECT * FROM sent").fetchall()
    assert [row[:2] for row in rows] == [(kiosk.code(), pytest.approx(6, abs=0.1))]


def test_a_survey_of_businesses_is_one_form_and_says_that_its_network_sent_many(
    kiosk: Kiosk,
) -> None:
    context = kiosk.context
    qr_code = context.qr_codes[kiosk.code("business")]
    survey = context.surveys[context.centre.instruments.businesses]
    form, floods = Form(qr_code, qr_code.place.counters(context.centre), "10.0.0.7"), context.floods
    within = float(context.centre.phone_form.network_an_hour * form.counters)
    key = floods._network(form)
    assert key is not None
    floods._networks[key] = _Count(within, kiosk.clock.moment)
    client = TestClient(kiosk.client.app, follow_redirects=False, client=("10.0.0.7", 5000))
    fields = {"visit": str(uuid4()), "fingerprint": survey.fingerprint, "then": "full"}
    page = client.post(qr_code.path, data=fields)
    assert page.status_code == 429
    fields["proof"] = solution(page.text)
    assert [client.post(qr_code.path, data=fields).status_code for _ in range(2)] == [303] * 2
    [draft] = context.drafts.expired(timedelta(0))
    assert '"crowded":true' in str(context.drafts.read(draft))
    assert floods._networks[key].n == within + 1


PUZZLES, VISIT = Puzzles(bytes(32)), UUID(int=7)


def solved(steps: int = 50) -> str:
    puzzle = PUZZLES.make("CODE", VISIT, steps, NOW)
    return solution(f'data-puzzle="{puzzle}"')


def test_a_puzzle_is_ours_for_its_code_and_visit_and_until_it_expires() -> None:
    proof = solved()
    assert PUZZLES.is_solved(proof, "CODE", VISIT, NOW)
    assert not PUZZLES.is_solved(proof, "OTHER", VISIT, NOW)
    assert not PUZZLES.is_solved(proof, "CODE", UUID(int=8), NOW)
    assert not Puzzles(bytes([1]) * 32).is_solved(proof, "CODE", VISIT, NOW)
    assert not PUZZLES.is_solved(proof, "CODE", VISIT, NOW + LASTS + timedelta(seconds=1))


@pytest.mark.parametrize("part", range(6))
def test_an_altered_solution_solves_nothing(part: int) -> None:
    parts = solved().split()
    for altered in ("", "x", "٣", "0" * 64, "9" * 200):
        changed = [*parts[:part], altered, *parts[part + 1 :]]
        if part != 2:  # how many steps there may be only the phone wants to know
            assert not PUZZLES.is_solved(" ".join(changed), "CODE", VISIT, NOW)
    assert not PUZZLES.is_solved(" ".join(parts[:part]), "CODE", VISIT, NOW)


def test_a_network_is_an_ipv4_address_or_what_ipv6_gives_a_house() -> None:
    assert network_of("203.0.113.9") == "203.0.113.9" == network_of("::ffff:203.0.113.9")
    assert network_of("2001:db8:1:2::1") == network_of("2001:db8:1:2:ffff::9")
    assert network_of("2001:db8:1:2::1") != network_of("2001:db8:1:3::1")
    assert {network_of(one) for one in ("127.0.0.1", "::1", "testclient", "", None)} == {None}


def test_addresses_are_forgotten_each_hour_and_never_kept(kiosk: Kiosk) -> None:
    send(kiosk, "203.0.113.9")
    floods = kiosk.context.floods
    assert len(floods._networks) == 1
    assert "203.0.113.9" not in repr(vars(floods))
    kiosk.clock.moment += timedelta(hours=1)
    send(kiosk, "203.0.113.10")
    assert len(floods._networks) == 1


def test_a_clock_that_is_set_back_takes_forms_as_before(kiosk: Kiosk) -> None:
    assert isinstance(kiosk.clock, Clock)
    send(kiosk)
    kiosk.clock.moment -= timedelta(minutes=50)
    assert [send(kiosk).status_code for _ in range(3)] == [303, 303, 429]
