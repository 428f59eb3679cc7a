"""What waits in the outbox encrypted: nothing said on the disk, and nothing lost with a key."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from kiosk.__main__ import main
from kiosk.drafts import Drafts
from kiosk.outbox import Outbox, content_digest
from kiosk.rescue import checksum, log_of
from kiosk.sealing import Sealing
from secret_files import KeyFileError, add_key, read_keys
from surveys.wire import Submission
from tests.kiosk.conftest import CENTRE, submission

SAID = "Cán bộ rất nhiệt tình"
LATER = datetime.now(UTC) + timedelta(hours=1)
DRAFT = UUID(int=9_000)


def opened(path: Path, keys: Path | None) -> Outbox:
    return Outbox(path, sealing=Sealing.of_file(keys))


def answer(number: int) -> Submission:
    said = {"answers": {"reasons": [3]}, "comment": f"{SAID} {number}"}
    return submission(UUID(int=number), visit=f"{number}", **said)


def filled(path: Path, keys: Path | None) -> Outbox:
    """An outbox with three answers and a draft."""
    box = opened(path, keys)
    box.add_all(answer(number) for number in (1, 2, 3))
    Drafts(box).open(str(DRAFT), answer(9_000).model_dump_json(), LATER)
    return box


def on_disk(folder: Path) -> bytes:
    return b"".join(one.read_bytes() for one in folder.glob("outbox.sqlite3*"))


def said(box: Outbox) -> list[str]:
    """The digests of what waits: numbers and salts given with it are no part of it."""
    rows = box.pending(100)
    return [content_digest(Submission.model_validate_json(row.body)) for row in rows]


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    path = tmp_path / "keys" / "outbox.keys"
    add_key(path)
    return path


def test_nothing_that_was_said_is_on_the_disk_and_all_of_it_is_delivered(
    tmp_path: Path, keys: Path
) -> None:
    box = filled(tmp_path / "outbox.sqlite3", keys)
    raw = on_disk(tmp_path)
    assert str(UUID(int=1)).encode() in raw
    for word in ("reasons", SAID, "so_tu_phap"):
        assert word.encode() not in raw
    assert said(box) == [content_digest(answer(number)) for number in (1, 2, 3)]
    drafts = Drafts(box)
    changed = drafts.change(str(DRAFT), lambda body: (body.replace("rất", "khá"), LATER))
    assert changed == drafts.read(str(DRAFT))
    assert "khá nhiệt tình" in str(changed)
    assert drafts.finish(str(DRAFT), lambda body: (Submission.model_validate_json(body), None))
    assert box.add(answer(1)) == "duplicate"
    assert len(box.pending(9)) == 4
    assert SAID.encode() not in on_disk(tmp_path)
    box.close()


def test_a_new_key_takes_the_old_ones_place_without_a_gap(tmp_path: Path, keys: Path) -> None:
    path = tmp_path / "outbox.sqlite3"
    filled(path, None).close()  # before encryption was turned on
    assert SAID.encode() in on_disk(tmp_path)
    box = opened(path, keys)
    assert len(box.pending(9)) == 3
    assert box.seal_anew() == 4
    assert box.seal_anew() == 0
    assert SAID.encode() not in on_disk(tmp_path)
    box.close()
    [old] = read_keys(keys)
    add_key(keys)
    assert read_keys(keys)[1] == old
    box = opened(path, keys)
    assert len(box.pending(9)) == 3
    assert box.seal_anew() == 4
    box.close()
    keys.write_text(keys.read_text().splitlines()[0])  # the old one goes
    box = opened(path, keys)
    assert said(box) == [content_digest(answer(number)) for number in (1, 2, 3)]
    assert Drafts(box).read(str(DRAFT))
    box.close()


def test_with_a_lost_key_nothing_is_thrown_away_and_answers_are_taken(
    tmp_path: Path, keys: Path
) -> None:
    path, other = tmp_path / "outbox.sqlite3", tmp_path / "other.keys"
    filled(path, keys).close()
    add_key(other)
    for wrong in (other, None):  # another key; encryption turned off too early
        box = opened(path, wrong)
        assert box.seal_anew() == 0
        assert box.pending(9) == []
        reasons = [str(row.refused) for row in box.refused()]
        assert [one.endswith("which is not in HAILONG_OUTBOX_KEYS") for one in reasons] == [
            True
        ] * 3
        assert box.retry() == 0
        assert Drafts(box).read(str(DRAFT)) is None
        box.close()
    box = opened(path, other)
    assert Drafts(box).finish(str(DRAFT), lambda body: pytest.fail(body)) == "empty"
    box.add(answer(4))
    assert len(box.pending(9)) == 1
    assert len(box.refused()) == 4
    assert SAID not in str(box.refused())
    box.close()
    # The key is found again: above it lies the one that was made meanwhile.
    other.write_text(other.read_text() + keys.read_text())
    box = opened(path, other)
    assert SAID in str(box.refused())
    assert box.retry() == 4
    numbers = (1, 2, 3, 4, 9_000)
    assert sorted(said(box)) == sorted(content_digest(answer(number)) for number in numbers)
    box.close()


def test_a_damaged_encrypted_outbox_is_rescued(tmp_path: Path, keys: Path) -> None:
    path = tmp_path / "outbox.sqlite3"
    filled(path, keys).close()
    raw = bytearray(path.read_bytes())
    raw[:12] = b"\xff" * 12
    for table in range(1, len(raw) // 4_096):  # no page can be read: rows are found in the bytes
        raw[table * 4_096 : table * 4_096 + 8] = b"\xff" * 8
    path.write_bytes(raw)
    box = opened(path, keys)
    assert sorted(said(box)) == sorted(content_digest(answer(number)) for number in (1, 2, 3))
    assert SAID in str(Drafts(box).read(str(DRAFT)))
    box.close()


def test_a_row_that_was_changed_or_passed_off_as_another_is_not_delivered(
    tmp_path: Path, keys: Path
) -> None:
    box = filled(tmp_path / "outbox.sqlite3", keys)
    with box.disk.transaction() as connection:
        # Both with whole checksums, as somebody would write them.
        first, second = (
            body for (body,) in connection.execute("SELECT body FROM queue ORDER BY seq LIMIT 2")
        )
        for id, body in ((UUID(int=1), second), (UUID(int=2), first[:-9] + "A" + first[-8:])):
            connection.execute(
                "UPDATE queue SET body = ?, checksum = ? WHERE id = ?",
                (body, checksum(str(id), body), str(id)),
            )
    assert [row.id for row in box.pending(9)] == [str(UUID(int=3))]
    assert len(box.refused()) == 2
    box.close()


@pytest.mark.parametrize("wrong", ["", "no key", "AAAA", "missing", "open"])
def test_a_key_file_that_cannot_be_used_is_said_at_the_start(
    tmp_path: Path,
    keys: Path,
    wrong: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("HAILONG_CENTRE", str(CENTRE))
    monkeypatch.setenv("HAILONG_VAR", str(tmp_path))
    monkeypatch.setenv("HAILONG_OUTBOX_KEYS", str(keys))
    if wrong == "missing":
        keys.unlink()
    elif wrong == "open":
        keys.chmod(0o644)
    else:
        keys.write_text(wrong)
    with pytest.raises(KeyFileError, match=r"outbox\.keys"):
        Sealing.of_file(keys)
    assert main(["outbox"]) == 2
    assert "outbox.keys" in capsys.readouterr().err
    assert not log_of(tmp_path / "kiosk" / "outbox.sqlite3").exists()


def test_the_command_adds_a_key_above_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HAILONG_VAR", str(tmp_path))
    assert main(["--lang", "en", "outbox", "key"]) == 2
    assert "HAILONG_OUTBOX_KEYS is empty" in capsys.readouterr().err
    path = tmp_path / "new" / "outbox.keys"
    monkeypatch.setenv("HAILONG_OUTBOX_KEYS", str(path))
    assert main(["outbox", "key"]) == main(["outbox", "key"]) == 0
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(set(read_keys(path))) == 2
    assert not any(line in capsys.readouterr().out for line in path.read_text().split())
