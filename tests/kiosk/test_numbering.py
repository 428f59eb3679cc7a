"""The numbers that an outbox gives, and what it knows of its clock."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from kiosk.outbox import Outbox
from surveys.chain import START, digest_of, link, said_of, sealed
from surveys.wire import Receipt, Submission

NOW = datetime(2026, 11, 23, 1, 15, tzinfo=UTC)


class Machine:
    """A clock that can be set, and a machine that can be started again."""

    def __init__(self) -> None:
        self.wall, self.boot, self.up = NOW, "a", 100.0

    def clock(self) -> datetime:
        return self.wall

    def uptime(self) -> tuple[str, float]:
        return self.boot, self.up

    def passes(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.up += seconds


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def outbox(tmp_path: Path, machine: Machine) -> Outbox:
    return Outbox(tmp_path / "outbox.sqlite3", clock=machine.clock, uptime=machine.uptime)


def rating(comment: str | None = None) -> Submission:
    return Submission(
        id=str(uuid4()), survey="in_centre", fingerprint="f", channel="kiosk",
        answered_at=NOW, answers={"rating": 5}, comment=comment,
    )  # fmt: skip


def sent(outbox: Outbox) -> list[Submission]:
    return [Submission.model_validate_json(row.body) for row in outbox.pending(100)]


def test_each_submission_has_the_next_number_and_a_link_to_the_one_before(outbox: Outbox) -> None:
    for comment in (None, "chờ lâu", None):
        outbox.add(rating(comment))
    chain, before = outbox.chain(), START
    assert chain is not None
    for seq, one in enumerate(sent(outbox), 1):
        seal = sealed(one.comment, one.comment_salt or "") if one.comment else None
        before = link(chain.key, before, seq, digest_of(said_of(one, "f"), seal))
        assert (one.device_seq, one.device_mac) == (seq, before)
        assert (one.comment_salt is None) == (one.comment is None)
    assert (chain.seq, chain.mac) == (3, before)


def test_a_number_is_used_by_what_is_delivered_alone(outbox: Outbox) -> None:
    first, held = rating(), rating()
    assert outbox.add_all([first]) == ["stored"]
    assert outbox.add(first) == "duplicate"
    outbox.try_out(rating())
    with outbox.disk.transaction() as connection:
        outbox.insert(connection, held, "tablet: a reason")
        outbox.insert_unread(connection, "{", "kiosk: unread")
    outbox.add(rating())
    assert [one.device_seq for one in sent(outbox)] == [1, 2]
    assert outbox.retry() == 2
    bodies = [json.loads(row.body) for row in outbox.pending(100)]
    assert [body.get("device_seq") for body in bodies] == [1, 3, None, 2]


def test_a_refused_one_keeps_its_number_when_it_is_tried_again(outbox: Outbox) -> None:
    first = rating()
    outbox.add_all([first, rating()])
    before = sent(outbox)
    outbox.settle({first.id: Receipt(first.id, "refused", "x")})
    outbox.retry(first.id)
    assert sent(outbox) == before


def test_the_file_keeps_its_chain_and_an_older_one_gets_what_it_lacks(
    outbox: Outbox, machine: Machine
) -> None:
    with outbox.disk.transaction() as connection:
        connection.execute("ALTER TABLE queue DROP COLUMN up")
        connection.execute("ALTER TABLE queue DROP COLUMN boot")
    outbox.close()
    outbox.add(rating())
    chain = outbox.chain()
    outbox.close()
    again = Outbox(outbox.path, clock=machine.clock, uptime=machine.uptime)
    assert again.chain() == chain
    again.add(rating())
    assert [one.device_seq for one in sent(again)] == [1, 2]


def test_how_far_the_clock_was_set_since_each_answer_is_known_within_a_start(
    outbox: Outbox, machine: Machine
) -> None:
    outbox.add(rating())
    machine.passes(3 * 86_400)  # offline for days: nothing is wrong with the clock
    outbox.add(rating())
    machine.wall -= timedelta(days=365)  # it was a year ahead, and somebody has set it
    outbox.add(rating())
    machine.passes(60)
    assert outbox.clock_steps(outbox.pending(9)) == (machine.wall, [365 * 86_400] * 2 + [0])
    machine.boot, machine.up = "b", 5.0
    outbox.add(rating())
    assert outbox.clock_steps(outbox.pending(9))[1] == [None, None, None, 0]
