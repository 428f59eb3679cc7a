"""Drafts: finished in one piece with the outbox, or not at all."""

from datetime import UTC, datetime, timedelta

import pytest

from kiosk.drafts import Drafts
from kiosk.outbox import Outbox
from surveys.wire import Submission
from tests.kiosk.conftest import submission


def test_a_draft_is_finished_in_one_piece(outbox: Outbox) -> None:
    drafts, made, soon = Drafts(outbox), submission(), datetime.now(UTC) + timedelta(minutes=1)
    key = str(made.id)
    assert drafts.open(key, "a", soon)
    assert not drafts.open(key, "b", soon)
    assert drafts.change(key, lambda body: (body + "c", soon)) == "ac"
    assert drafts.read(key) == "ac"
    assert drafts.finish(key, lambda body: (made, None)) == "stored"
    assert drafts.read(key) is None
    assert drafts.finish(key, lambda body: (made, None)) is None
    assert drafts.change(key, lambda body: (body, soon)) is None
    assert not drafts.open(key, "again", soon)
    assert len(outbox.pending(10)) == 1


def test_a_draft_that_cannot_be_finished_stays(outbox: Outbox) -> None:
    drafts = Drafts(outbox)
    drafts.open("d", "{}", datetime.now(UTC))

    def fail(body: str) -> tuple[Submission, None]:
        raise ValueError(body)

    with pytest.raises(ValueError, match=r"\{\}"):
        drafts.finish("d", fail)
    assert drafts.read("d") == "{}"
