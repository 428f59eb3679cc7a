"""A damaged outbox: kept aside, told of, and what can be read of it goes on waiting."""

import random
import subprocess
import sys
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest

from kiosk.drafts import Drafts
from kiosk.one_time import UsedCodeError, burn, look_up, make
from kiosk.outbox import DAMAGED, Outbox, OutboxError, body_of
from kiosk.rescue import log_of, look_over
from surveys.chain import START, digest_of, link, said_of
from surveys.receipts import once_hash
from surveys.wire import Receipt, Submission
from tests.kiosk.conftest import ROOT, submission

PAGE = 4_096
FORM, TODAY, UNTIL = "7K3M9QXR2TWA", date(2026, 11, 27), date(2027, 2, 25)
LATER = datetime.now(UTC) + timedelta(hours=1)


def filled(path: Path, number: int = 60) -> tuple[Outbox, set[str]]:
    """An outbox with so many rows, ten drafts, and some that were delivered; all ids that wait."""
    box = Outbox(path)
    ids = [UUID(int=n) for n in range(1, number + 1)]
    box.add_all(submission(one, answers={"rating": one.int % 5 + 1}) for one in ids)
    gone = ids[:10]
    box.settle({str(one): Receipt(str(one), "accepted") for one in gone})
    drafts = [UUID(int=n) for n in range(1_000, 1_010)]
    for one in drafts:
        Drafts(box).open(str(one), submission(one).model_dump_json(), LATER)
    return box, {str(one) for one in [*ids[10:], *drafts]}


def waiting(box: Outbox) -> set[str]:
    with box.disk.transaction(write=False) as connection:
        rows = connection.execute("SELECT id FROM queue UNION SELECT id FROM draft").fetchall()
    return {id for (id,) in rows}


def settled(path: Path, number: int = 60) -> set[str]:
    """Such an outbox in one file, closed."""
    box, ids = filled(path, number)
    box.close()
    assert not log_of(path).exists()
    return ids


def flip(path: Path, places: list[int]) -> None:
    raw = bytearray(path.read_bytes())
    for place in places:
        raw[place] ^= 0xFF
    path.write_bytes(raw)


def test_a_whole_outbox_is_opened_as_it_is(tmp_path: Path) -> None:
    ids = settled(tmp_path / "outbox.sqlite3")
    assert waiting(Outbox(tmp_path / "outbox.sqlite3")) == ids
    assert [one.name for one in tmp_path.glob("*damaged*")] == []


@pytest.mark.parametrize("place", [3, 18, 40, 100, 105])
def test_a_damaged_head_loses_nothing(tmp_path: Path, place: int) -> None:
    path = tmp_path / "outbox.sqlite3"
    ids = settled(path)
    flip(path, [place, place + 1])
    if look_over(path) is None:  # a byte that means nothing
        return
    before = path.read_bytes()
    box = Outbox(path)
    assert waiting(box) >= ids
    [told] = box.refused()
    [aside] = tmp_path.glob("outbox.sqlite3.damaged-*")
    assert aside.name in str(told.refused)
    assert aside.read_bytes() == before
    box.add(submission(UUID(int=99_999)))
    assert len(box.pending(1_000)) == 51


def test_whatever_page_is_damaged_the_others_are_read(tmp_path: Path) -> None:
    whole = tmp_path / "whole.sqlite3"
    ids = settled(whole)
    raw = whole.read_bytes()
    for page in range(len(raw) // PAGE):
        path = tmp_path / f"page-{page}.sqlite3"
        path.write_bytes(raw)
        # Twelve bytes at the head of a page: what lies in it is whole, but SQLite cannot read it.
        flip(path, list(range(page * PAGE, page * PAGE + 12)))
        box = Outbox(path)
        assert waiting(box) >= ids, page
        assert all(row.refused for row in box.refused())
        box.close()


def test_random_damage_is_told_of_and_never_counted_as_something_else(tmp_path: Path) -> None:
    whole = tmp_path / "whole.sqlite3"
    settled(whole)
    raw = whole.read_bytes()
    chance = random.Random(7)
    for number in range(60):
        path = tmp_path / f"{number}.sqlite3"
        path.write_bytes(raw)
        flip(path, chance.sample(range(len(raw)), chance.choice((1, 3, 30))))
        box = Outbox(path)
        try:
            rows = box.pending(1_000)
        except OutboxError:  # reading shows the damage: the next look is at what was rescued
            rows = box.pending(1_000)
        for row in rows:
            said = submission(UUID(row.id), answers={"rating": UUID(row.id).int % 5 + 1})
            assert f'"answers":{{"rating":{said.answers["rating"]}}}' in row.body
        box.close()


def test_a_byte_within_a_text_is_noticed_when_it_is_to_be_delivered(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite3"
    settled(path, 20)
    raw = path.read_bytes()
    place = raw.index(b'"rating":', raw.index(str(UUID(int=15)).encode() + b'","survey"'))
    flip(path, [place + 9])
    assert look_over(path) is None
    box = Outbox(path)
    assert str(UUID(int=15)) not in {row.id for row in box.pending(100)}
    [kept] = box.refused()
    assert (kept.id, kept.refused) == (str(UUID(int=15)), DAMAGED)


def test_a_damaged_draft_is_kept_for_a_human(tmp_path: Path) -> None:
    box, _ = filled(tmp_path / "outbox.sqlite3", 20)
    id = str(UUID(int=1_003))
    with box.disk.transaction() as connection:
        connection.execute("UPDATE draft SET body = replace(body, '5', '4') WHERE id = ?", (id,))
    drafts = Drafts(box)
    assert drafts.read(id) is None
    assert drafts.finish(id, lambda body: pytest.fail(body)) == "empty"
    assert [(row.id, row.refused) for row in box.refused()] == [(id, DAMAGED)]


def test_a_damaged_log_loses_no_row_that_was_in_it(tmp_path: Path) -> None:
    path, whole = tmp_path / "outbox.sqlite3", tmp_path / "whole.sqlite3"
    box, ids = filled(whole)
    log = log_of(whole).read_bytes()
    frames = (len(log) - 32) // (24 + PAGE)
    assert frames > 10
    for at in [0, 20, *(32 + n * (24 + PAGE) + 5 for n in range(0, frames - 1, 3))]:
        path.write_bytes(whole.read_bytes())
        log_of(path).write_bytes(log)
        flip(log_of(path), [at])
        rescued = Outbox(path)
        assert waiting(rescued) >= ids, at
        assert [row.refused for row in rescued.refused()], at
        rescued.close()
        for left in tmp_path.glob("outbox.sqlite3*"):
            left.unlink()
    box.close()


@pytest.mark.parametrize("id", [UUID(int=15), UUID(int=1_003)], ids=["row", "draft"])
def test_whatever_byte_of_an_answer_is_damaged_it_is_kept(tmp_path: Path, id: UUID) -> None:
    """Where SQLite reads nothing any more, an answer is looked for by all that stands around it."""
    whole, path = tmp_path / "whole.sqlite3", tmp_path / "outbox.sqlite3"
    settled(whole, 20)
    raw = whole.read_bytes()
    body = raw.index(f'{{"id":"{id}"'.encode())
    end = raw.index(b"+00:00", body) + 6
    said = f'"rating":{id.int % 5 + 1}' if id.int < 1_000 else '"rating":'
    for place in range(body - 100, end, 3):
        path.write_bytes(raw)
        flip(path, [*range(100, 108), place])  # the schema's page, too
        box = Outbox(path)
        kept = {row.id: row.refused for row in box.refused()}
        sent = {row.id: row.body for row in box.pending(100)}
        assert str(id) in waiting(box), place
        assert kept.get(str(id)) in (None, DAMAGED)
        assert said in sent.get(str(id), said)
        box.close()
        for left in tmp_path.glob("outbox.sqlite3*"):
            left.unlink()


def test_a_rescue_gives_no_number_twice(tmp_path: Path) -> None:
    """What the end of the log told may be gone, and with it which numbers were given."""
    path = tmp_path / "outbox.sqlite3"
    box, _ = filled(path, 12)
    box.close()
    box = Outbox(path)
    before = box.chain()
    box.add_all([submission(UUID(int=500)), submission(UUID(int=501))])
    box.settle({str(UUID(int=500)): Receipt(str(UUID(int=500)), "accepted")})
    copy = log_of(path).read_bytes()
    box.close()
    log_of(path).write_bytes(copy)
    flip(log_of(path), [100])
    again = Outbox(path)
    after = again.chain()
    assert before is not None
    assert after is not None
    assert (after.id, after.key) != (before.id, before.key)
    links, last = [], START
    for seq, row in enumerate(again.pending(100), 1):
        one = Submission.model_validate_json(row.body)
        last = link(after.key, last, seq, digest_of(said_of(one, one.fingerprint)))
        links.append((one.device_seq, one.device_mac) == (seq, last))
    assert all(links)
    assert (len(links), after.mac) == (after.seq, last)
    again.settle({row.id: Receipt(row.id, "refused", "x") for row in again.pending(1)})
    again.retry()
    assert [body_of(row)["device_seq"] for row in again.pending(1)] == [1]


def test_a_rescue_that_was_broken_off_is_begun_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "outbox.sqlite3"
    ids = settled(path)
    flip(path, list(range(12)))
    for broken in ("salvage", "settle"):
        with monkeypatch.context() as patch:

            def full(*_: object) -> None:
                raise OSError(28, "No space left on device")

            patch.setattr(f"kiosk.rescue.{broken}", full)
            with pytest.raises(OutboxError, match="No space left"):
                Outbox(path)
        assert not path.exists()
    assert waiting(Outbox(path)) >= ids
    assert len(list(tmp_path.glob("outbox.sqlite3.damaged-*"))) == 1


def test_what_was_taken_back_is_no_answer(tmp_path: Path) -> None:
    """The look whether an answer could be stored leaves none behind, whatever breaks."""
    path = tmp_path / "outbox.sqlite3"
    box, ids = filled(path)
    for _ in range(5):
        box.try_out(submission(UUID(int=77_777)))
    box.close()
    flip(path, list(range(12)))
    rescued = Outbox(path)
    assert waiting(rescued) - ids == {row.id for row in rescued.refused()}
    assert len(rescued.refused()) == 1


def with_codes(path: Path) -> tuple[list[str], list[str]]:
    """An outbox of which half of the one-time codes were used, each with an answer; closed."""
    box, _ = filled(path, 40)
    codes = make(box, FORM, 60, UNTIL, TODAY)
    for number, code in enumerate(codes[::2]):
        box.add_all(
            [submission(UUID(int=5_000 + number))], partial(burn, code=code, form=FORM, today=TODAY)
        )
    box.close()
    return codes[::2], codes[1::2]


def states(box: Outbox, codes: list[str]) -> Counter[str]:
    return Counter(look_up(box, code, TODAY)[0] for code in codes)


def test_whatever_page_is_damaged_a_code_stays_used_or_good(tmp_path: Path) -> None:
    whole = tmp_path / "whole.sqlite3"
    used, good = with_codes(whole)
    raw = whole.read_bytes()
    for page in range(len(raw) // PAGE):
        path = tmp_path / f"page-{page}.sqlite3"
        path.write_bytes(raw)
        flip(path, list(range(page * PAGE, page * PAGE + 12)))
        box = Outbox(path)
        assert states(box, used) == {"used": 30}, page
        assert states(box, good) == {"good": 30}, page
        with pytest.raises(UsedCodeError):
            box.add_all([submission()], partial(burn, code=used[0], form=FORM, today=TODAY))
        box.close()


def test_no_damaged_byte_makes_a_used_code_good_or_a_good_one_used(tmp_path: Path) -> None:
    whole = tmp_path / "whole.sqlite3"
    used, good = with_codes(whole)
    raw = whole.read_bytes()
    chance = random.Random(11)
    # Where the codes lie: their bit is in the head of a row, before its texts.
    places = [
        raw.index(once_hash(code).encode()) + by
        for code in (*used[:9], *good[:9])
        for by in (-3, -2, -1, 5, 70, 90)
    ]
    for number, place in enumerate(chance.sample(places, 60)):
        path = tmp_path / f"{number}.sqlite3"
        path.write_bytes(raw)
        flip(path, [place])
        box = Outbox(path)
        try:
            box.pending(1)
            found = [states(box, codes) for codes in (used, good)]
        except OutboxError:  # reading shows the damage: the next look is at what was rescued
            found = [states(box, codes) for codes in (used, good)]
        box.close()
        assert found[0]["good"] == 0, place
        assert found[1]["used"] == 0, place
        # A code of which a letter is another one is not known any more; all others are.
        assert found[0]["used"] + found[1]["good"] >= 59, place


def test_a_code_that_was_used_is_so_though_the_end_of_the_log_cannot_be_read(
    tmp_path: Path,
) -> None:
    path, whole = tmp_path / "outbox.sqlite3", tmp_path / "whole.sqlite3"
    box, _ = filled(whole)
    [code, other] = make(box, FORM, 2, UNTIL, TODAY)
    before = len(log_of(whole).read_bytes())
    box.add_all([submission()], partial(burn, code=code, form=FORM, today=TODAY))
    path.write_bytes(whole.read_bytes())
    log_of(path).write_bytes(log_of(whole).read_bytes())
    flip(log_of(path), [before + 30])  # within the transaction that used it
    rescued = Outbox(path)
    assert states(rescued, [code]) == {"used": 1}
    assert states(rescued, [other]) == {"good": 1}
    rescued.close()
    box.close()


def test_the_file_is_for_its_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite3"
    path.touch(0o644)
    box, _ = filled(path)
    assert {one.stat().st_mode & 0o777 for one in tmp_path.iterdir()} == {0o600}
    box.close()


def test_a_file_that_another_process_has_open_is_left_where_it_is(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite3"
    settled(path)
    code = (
        "import sys; from pathlib import Path; from tests.kiosk.test_rescue import Outbox\n"
        "box = Outbox(Path(sys.argv[1])); box.status(); print('open', flush=True); input()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, path],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "open\n"
    raw = path.read_bytes()
    flip(path, list(range(PAGE, len(raw))))
    with pytest.raises(OutboxError):
        Outbox(path).pending(10)
    with pytest.raises(OutboxError):
        Outbox(path).pending(10)
    assert not list(tmp_path.glob("*.damaged-*"))
    other.communicate("\n")
    path.write_bytes(raw)
    assert Outbox(path).status().pending == 50
