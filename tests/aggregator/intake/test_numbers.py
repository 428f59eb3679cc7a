"""The chain of a device and its clock: what comes of both, however the deliveries come in."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aggregator.intake.ingest import Offer, Sent, rebuild
from aggregator.storage.chains import Progress, Standing
from aggregator.storage.devices import Device
from surveys.chain import START, content_digest, digest_of, link, said_of, sealed
from surveys.wire import Submission
from tests.aggregator.conftest import NOW, Intake, Room, stored, submission, tallies

KEY, NAME = "ab" * 32, "cd" * 16
DEVICE = Device(7, "sảnh", since=datetime(2026, 10, 1, tzinfo=UTC))


def chained(
    n: int, *, before: str = START, first: int = 1, key: str = KEY, **changes: Any
) -> list[dict[str, Any]]:
    """Submissions of one device in the order of their numbers, every third with a comment."""
    made, asked = [], {"fingerprint": changes.pop("fingerprint", "07cdba0a1281b360")}
    for seq in range(first, first + n):
        comment = "chờ lâu" if seq % 3 == 0 else None
        raw = submission(comment=comment, comment_salt="0f" * 16 if comment else None, **changes)
        given_ = Submission.model_validate(raw | asked)
        seal = sealed(comment, "0f" * 16) if comment else None
        before = link(key, before, seq, digest_of(said_of(given_, given_.fingerprint), seal))
        made.append(raw | asked | {"device_seq": seq, "device_mac": before})
    return made


def hand_in(
    intake: Intake, items: list[dict[str, Any]], *, key: str = KEY, ahead: int | None = 0
) -> list[str]:
    sent = Sent(ahead, (), NAME, key)
    [receipts] = intake.ingest.accept([Offer(items, "en", DEVICE, sent)])
    return [one.status for one in receipts]


def standing(intake: Intake) -> Standing:
    [one] = intake.store.chains.standings()[7]
    return one


@pytest.fixture
def asked(intake: Intake) -> str:
    return intake.ingest.definition("in_centre", None).fingerprint


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_however_deliveries_come_there_is_no_gap_in_the_end(data: st.DataObject) -> None:
    """Shuffled, doubled, lost and sent again: by numbers alone, without a database."""
    n = data.draw(st.integers(1, 25))
    macs, before = {}, START
    for seq in range(1, n + 1):
        before = link(KEY, before, seq, f"{seq:064x}")
        macs[seq] = before
    progress = Progress(1, KEY)
    tries = data.draw(st.lists(st.lists(st.integers(1, n), max_size=8), max_size=12))
    came: set[int] = set()
    for batch in [*tries, data.draw(st.permutations(range(1, n + 1)))]:
        for seq in batch:
            taken = progress.take(seq, macs[seq], f"{seq:064x}")
            assert taken == (None if seq in came else [])
            came.add(seq)
            missing = [at for gap in progress.gaps for at in range(gap.first, gap.last + 1)]
            assert missing == [at for at in range(1, max(came)) if at not in came]
    assert (progress.gaps, len(progress.runs)) == ([], 1)


def test_a_changed_submission_or_number_is_noticed_whatever_the_order() -> None:
    macs, before = {}, START
    for seq in range(1, 6):
        before = link(KEY, before, seq, f"{seq:064x}")
        macs[seq] = before
    for order in ([1, 2, 3, 4, 5], [5, 4, 3, 2, 1], [1, 2, 4, 5, 3], [3, 1, 2, 5, 4]):
        progress = Progress(1, KEY)
        found = [progress.take(seq, macs[seq], f"{seq ^ (seq == 3):064x}") for seq in order]
        assert [one for each in found for one in each or ()] == [(3, macs[3])]


def test_whose_link_is_broken_is_told_whatever_the_order() -> None:
    """A number that was given twice: the one after it follows the other of the two."""
    first, second = (link(KEY, START, 1, digit * 64) for digit in "12")
    after = link(KEY, first, 2, "3" * 64)
    handed = {1: (second, "2" * 64), 2: (after, "3" * 64)}
    for order in ([1, 2], [2, 1]):
        progress = Progress(1, KEY)
        found = [progress.take(seq, *handed[seq]) for seq in order]
        assert [one for each in found for one in each or ()] == [(2, after)]


def test_numbers_are_whole_after_lost_and_doubled_batches(intake: Intake, asked: str) -> None:
    items = chained(9, fingerprint=asked)
    assert hand_in(intake, items[:3]) == ["accepted"] * 3
    assert hand_in(intake, items[6:]) == ["accepted"] * 3
    assert (standing(intake).missing, standing(intake).gaps) == (3, [(4, 6)])
    assert hand_in(intake, items[2:7]) == ["duplicate", *["accepted"] * 3, "duplicate"]
    assert hand_in(intake, items) == ["duplicate"] * 9
    assert standing(intake).whole
    assert standing(intake).highest == 9
    assert [row.device_seq for row in stored(intake.store)] == [1, 2, 3, 7, 8, 9, 4, 5, 6]


def test_an_outbox_from_an_old_copy_is_a_fork_and_its_answers_are_taken(
    intake: Intake, asked: str
) -> None:
    first = chained(5, fingerprint=asked)
    hand_in(intake, first)
    again = chained(4, first=4, before=first[2]["device_mac"], fingerprint=asked)
    assert hand_in(intake, again) == ["accepted"] * 4
    one = standing(intake)
    # Numbers 4 and 5 have been used; 6 does not follow the 5 that is known.
    assert (one.forks, one.broken, one.missing, one.highest) == (2, 1, 0, 7)


def test_a_refused_one_is_no_gap_and_none_when_it_is_taken_later(
    intake: Intake, asked: str
) -> None:
    items = chained(4, fingerprint=asked)
    bad = items[1] | {"answers": {"rating": 9}}
    assert hand_in(intake, [items[0], bad, *items[2:]])[1] == "refused"
    assert standing(intake).whole
    assert hand_in(intake, [items[1]]) == ["accepted"]
    assert standing(intake).whole


def test_a_strange_key_breaks_each_link_and_nothing_is_refused(intake: Intake, asked: str) -> None:
    hand_in(intake, chained(2, fingerprint=asked))
    strange = chained(3, first=3, key="ef" * 32, fingerprint=asked)
    assert hand_in(intake, strange, key="ef" * 32) == ["accepted"] * 3
    assert (standing(intake).broken, standing(intake).missing) == (3, 0)


def test_what_a_device_sends_without_numbers_is_counted_once_it_numbers(
    intake: Intake, asked: str
) -> None:
    intake.ingest.accept([Offer([submission()], "en", DEVICE)])
    assert not intake.store.chains.standings()
    hand_in(intake, chained(1, fingerprint=asked))
    intake.ingest.accept([Offer([submission(), submission()], "en", DEVICE)])
    assert standing(intake).unnumbered == 2


@pytest.mark.parametrize(
    ("ahead", "said", "day", "told"),
    [
        (3_600, "2026-11-23T00:40:00+07:00", "2026-11-22", True),
        (300, "2026-11-23T00:02:00+07:00", "2026-11-23", False),
        (366 * 86_400, "2027-11-24T08:10:00+07:00", "2026-11-23", True),
        (-366 * 86_400, "2025-11-22T08:10:00+07:00", "2026-11-23", True),
        (None, "2026-11-23T00:40:00+07:00", "2026-11-23", False),
    ],
)
def test_a_wrong_clock_is_set_right_and_what_it_said_is_kept(
    intake: Intake, ahead: int | None, said: str, day: str, told: bool
) -> None:
    assert hand_in(intake, [submission(answered_at=said)], ahead=ahead) == ["accepted"]
    [row] = stored(intake.store)
    moment = datetime.fromisoformat(said)
    assert (str(row.day), row.clock_offset) == (day, ahead)
    assert row.told_at == (moment if told else None)
    assert row.answered_at == moment - timedelta(seconds=ahead or 0 if told else 0)
    before = tallies(intake.store)
    rebuild(intake.store, lambda _: None)
    assert tallies(intake.store)["tally"] == before["tally"]
    assert hand_in(intake, [submission(id=row.id, answered_at=said)], ahead=0) == ["duplicate"]


def test_a_device_hands_in_nothing_from_before_its_time_or_by_anothers_channel(
    any_room: Room,
) -> None:
    any_room.device = any_room.context.accounts.enrol("quầy 5")
    tried = [
        submission(),
        submission(answered_at="2026-10-24T08:10:00+07:00"),
        submission(channel="import"),
        submission(channel="paper"),
        submission(answered_at="2000-01-02T08:10:00+07:00", channel="import"),
        submission(answered_at="2026-10-20T08:10:00+07:00"),
        submission(answered_at="2026-11-23T08:40:00+07:00"),
    ]
    receipts = any_room.post(tried, accept_language="en").json()["receipts"]
    assert [(one["reason"] or "").partition(":")[0] for one in receipts] == [
        "", "", "channel", "channel", "channel", "answered_at", "answered_at",
    ]  # fmt: skip
    accounts = any_room.context.accounts
    any_room.device = accounts.enrol("phiếu giấy", None, ("paper",))
    receipts = any_room.post([submission(channel="paper"), submission()]).json()["receipts"]
    assert [one["status"] for one in receipts] == ["accepted", "refused"]


def test_a_batch_says_its_clock_and_its_chain(any_room: Room) -> None:
    item = submission(answered_at="2026-11-23T09:10:00+07:00")
    late = {"sent_at": (NOW + timedelta(hours=1)).isoformat(), "set_back": [0]}

    def post(**body: Any) -> Any:
        return any_room.hand_in(body)

    assert post(submissions=[item], **late).json()["receipts"][0]["status"] == "accepted"
    [row] = stored(any_room.context.store)
    assert (row.clock_offset, row.answered_at) == (3_600, datetime(2026, 11, 23, 1, 10, tzinfo=UTC))
    for bad, said in (
        ({"sent_at": "2026-11-23"}, "sent_at: has no UTC offset, such as +07:00"),
        (
            {"sent_at": late["sent_at"], "set_back": [0, 0]},
            "set_back: must have one entry for each",
        ),
        ({"set_back": ["0"]}, "set_back.0: must be a whole number"),
        ({"set_back": [True]}, "set_back.0: must be a whole number"),
        ({"set_back": [2**63]}, "set_back.0: is smaller, larger or longer than is allowed"),
        ({"chain": {"id": "x", "key": KEY}}, "chain.id: is not written as it has to be"),
        ({"chain": {"id": NAME, "key": KEY[:-1]}}, "chain.key: is not written as it has to be"),
        ({"chain": {"id": NAME}}, "chain.key: this field is missing"),
        ({"chain": NAME}, "chain: must be a JSON object"),
        ({"chain": {"id": NAME, "key": KEY, "number": 2**63}}, "chain.number: unknown field"),
        ({"chains": []}, "chains"),
    ):
        answer = any_room.hand_in({"submissions": [item], **bad}, **{"accept-language": "en"})
        assert (answer.status_code, answer.json()["error"].startswith(said)) == (400, True), answer


@pytest.mark.parametrize("told", ["", "sha-256=:AAAA:", "sha-512=:AAAA:", None])
def test_a_batch_that_was_changed_on_its_way_is_refused_whole(room: Room, told: str | None) -> None:
    items = chained(2, fingerprint=room.context.surveys["in_centre"].fingerprint)
    body = {"submissions": items, "chain": {"id": NAME, "key": KEY}}
    sent = json.dumps(body).encode()
    altered = sent.replace(b'"rating": 5', b'"rating": 4', 1)
    assert altered != sent
    digest = content_digest(sent) if told is None else told
    headers = {"authorization": f"Bearer {room.device}", "content-digest": digest}
    for language, words in (("vi", "gửi lại"), ("en", "send it again")):
        headers["accept-language"] = language
        answer = room.client.post("/api/v1/submissions", content=altered, headers=headers)
        assert (answer.status_code, words in answer.json()["error"]) == (400, True)
    del headers["content-digest"]  # a device that numbers always tells it
    answer = room.client.post("/api/v1/submissions", content=sent, headers=headers)
    assert (answer.status_code, "Content-Digest" in answer.json()["error"]) == (400, True)
    assert stored(room.context.store) == []
    assert [one["status"] for one in room.hand_in(body).json()["receipts"]] == ["accepted"] * 2
    others = {"content-digest": f"unixsum=:AAA=:, {content_digest(sent)}"}
    assert room.client.post(
        "/api/v1/submissions", content=sent, headers=headers | others
    ).is_success


def test_the_page_of_devices_shows_numbers_and_clocks(room: Room) -> None:
    room.sign_in()
    context = room.context
    asked = context.surveys["in_centre"].fingerprint
    page = room.client.get("/devices").text
    assert "không đánh số" in page
    items = chained(6, fingerprint=asked)
    chain = {"id": NAME, "key": KEY}
    body = {"submissions": items[:2] + items[4:], "chain": chain}
    body["sent_at"] = (NOW + timedelta(minutes=20)).isoformat()
    room.hand_in(body)
    page = room.client.get("/devices").text
    assert "đến số 6" in page
    assert "thiếu 2 số: 3–4" in page
    assert "<strong>1.200 giây</strong>" in page
