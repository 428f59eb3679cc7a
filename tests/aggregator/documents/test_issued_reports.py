"""A report that is issued stays as it is, and what is other in its figures since is found."""

import io
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from docx import Document

from aggregator.__main__ import main
from aggregator.documents.reports.frozen import Change, changes, figures_of
from aggregator.documents.reports.issuing import Office
from aggregator.storage.audit import Search, entry
from aggregator.storage.issued import Issued
from aggregator.storage.verify import Verification
from aggregator.wording.messages import MESSAGES
from aggregator.wording.periods import period_of
from surveys.centre import Documents
from surveys.messages import MessageError
from tests.aggregator.conftest import Room, ratings
from tests.aggregator.documents.reporting import at, fill, place, plain, report_of

OCTOBER = date(2026, 10, 1)
DECEMBER = datetime(2026, 12, 5, 2, tzinfo=UTC)
DAY = OCTOBER + timedelta(days=12)


def office_of(room: Room) -> Office:
    documents = Documents(abbreviation="TTPVHCC")
    centre = room.context.centre.model_copy(update={"documents": documents})
    return Office(room.context.store, room.context.surveys, centre)


def issue(
    room: Room, registered: int, kind: str = "week", day: date = DAY, **more: object
) -> Issued:
    office = office_of(room)
    period = period_of(kind, day)  # type: ignore[arg-type]
    return office.issue(kind, period, "vi", room.clock(), registered, "an", **more)  # type: ignore[arg-type]


def cells(found: Iterable[Change]) -> dict[tuple[str, str], tuple[str, str]]:
    return {(one.row, one.column): (one.then, one.now) for one in found}


def text_of(content: bytes | None) -> str:
    document = Document(io.BytesIO(content or b""))
    rows = [row for table in document.tables for row in table.rows]
    said = [cell.text for row in rows for cell in row.cells]
    return plain(" ".join([*(one.text for one in document.paragraphs), *said]))


def test_late_answers_restate_an_issued_report_and_the_next_one_says_what_changed(
    any_room: Room,
) -> None:
    room = any_room
    fill(room)
    room.clock.moment = DECEMBER
    office, issued = office_of(room), room.context.store.issued
    told = entry(DECEMBER, "an", "report.written", period="2026-W42")
    issued.write(office.of("week", period_of("week", DAY)), {"limits": "Còn chờ lâu."}, 0, told)
    first = issue(room, 5)
    assert (first.symbol, first.replaces) == ("05/BC-TTPVHCC", None)
    bytes_of = {name: issued.file(first.number, name) for name in first.files}
    assert set(bytes_of) == {"pdf", "docx", "xlsx"}
    assert "Còn chờ lâu." in text_of(bytes_of["docx"])
    assert not office.has_changed(first)
    assert office.changes_since(first) == []

    room.take(ratings((1,), answered_at=at(DAY)))
    room.clock.moment += timedelta(days=3)
    assert office.has_changed(first)
    found = office.changes_since(first)
    changed = cells(found)
    n = changed["Toàn Trung tâm", "Số lượt"]
    assert int(n[1]) == int(n[0]) + 1
    assert ("Sở Y tế", "Số lượt") not in changed

    second = issue(room, 6, seen=first.number)
    assert second.replaces == first.number
    said = text_of(issued.file(second.number, "docx"))
    assert "Báo cáo này thay thế Báo cáo số 05/BC-TTPVHCC ngày 05 tháng 12 năm 2026." in said
    for one in found:
        assert f"{one.column} {one.then} {one.now}" in said
    assert office.changes_since(second) == []
    assert bytes_of == {name: issued.file(first.number, name) for name in first.files}
    events = [one.event for one in room.context.store.audit.entries(Search(kind="report"), 9)]
    assert events == ["report.reissued", "report.issued", "report.written"]
    checked = Verification(room.context.store, room.context.surveys, office.centre)
    assert [one.get("en") for one in checked.findings()] == []


def test_what_stands_in_the_way_of_an_issue_is_said(room: Room) -> None:
    fill(room)
    with pytest.raises(MessageError, match="not_over"):
        issue(room, 5, "month", date(2026, 11, 3))
    with pytest.raises(MessageError, match="bad_number"):
        issue(room, 0)
    with pytest.raises(MessageError, match="not_frozen"):
        issue(room, 5, day=date(2026, 11, 10), published=True)
    bare = Office(room.context.store, room.context.surveys, room.context.centre)
    with pytest.raises(MessageError, match="no_abbreviation"):
        bare.issue("week", period_of("week", DAY), "vi", room.clock(), 5, "an")
    first = issue(room, 5)
    with pytest.raises(MessageError, match=r"number_taken 05/BC-TTPVHCC"):
        issue(room, 5)
    with pytest.raises(MessageError, match="overtaken"):
        issue(room, 6, seen=0)
    with pytest.raises(MessageError, match="rewritten"):
        issue(room, 6, seen=first.number, texts_seen=9)
    assert room.context.store.issued.newest(9) == [first]


def test_a_report_that_was_published_is_never_restated(room: Room) -> None:
    """It is of frozen months: what comes late is in no published figure."""
    fill(room)
    room.clock.moment = DECEMBER
    first = issue(room, 5, published=True)
    room.take(ratings((1,) * 30, answered_at=at(DAY)))
    office = office_of(room)
    assert not office.has_changed(first)
    assert office.changes_since(first) == []


def test_a_merged_department_restates_the_figures_under_the_organisation_of_today(
    room: Room,
) -> None:
    fill(room)
    room.take(ratings((5, 4) * 5, **place("so_noi_vu", "q12"), answered_at=at(DAY)))
    now = office_of(room)
    frozen = figures_of(report_of(room, "week", day=DAY, centre=now.centre, organisation="now"))
    departments = [
        one.model_copy(update={"closed": date(2026, 11, 1), "successor": "so_y_te"})
        if one.id == "so_noi_vu"
        else one
        for one in now.centre.departments
    ]
    fields = {name: getattr(now.centre, name) for name in type(now.centre).model_fields}
    merged = type(now.centre).model_construct(**{**fields, "departments": tuple(departments)})
    report = report_of(room, "week", day=DAY, centre=merged, organisation="now")
    changed = cells(changes(frozen, report, "vi"))
    assert changed["Sở Nội vụ", "Số lượt"][1] == "–", "its row is gone"
    before, after = (int(one) for one in changed["Sở Y tế", "Số lượt"])
    assert after > before
    same = figures_of(report_of(room, "week", day=DAY))
    assert changes(same, report_of(room, "week", day=DAY), "vi") == []


def test_figures_are_the_same_after_they_were_stored(room: Room) -> None:
    """Marks, ranges and printed figures too, in both languages."""
    fill(room)
    for language in ("vi", "en"):
        report = report_of(room, "quarter", language)
        stored = orjson.loads(orjson.dumps(figures_of(report)))
        assert changes(stored, report, language) == []
        other = report_of(room, "quarter", language, day=date(2026, 8, 1))
        found = changes(stored, other, language)
        assert {one.table for one in found} > set()
        assert all(one.then != one.now for one in found)


def test_the_command_issues_and_gives_the_same_bytes_again(
    room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    day = date(2024, 3, 12)  # over, whatever the clock of this machine says
    room.take(ratings((5, 5, 4, 5, 5, 5), answered_at=at(day)))
    centre = tmp_path / "centre.toml"
    written = room.settings.centre.read_text("utf-8")
    published = 'published = "lai_chau_published.toml"'
    centre.write_text(written.replace(published, "") + '[documents]\nabbreviation = "TTPVHCC"\n')
    for name, value in (
        ("CENTRE", centre),
        ("DATABASE_URL", room.settings.database_url),
        ("VAR", tmp_path),
    ):
        monkeypatch.setenv(f"HAILONG_{name}", str(value))
    assert main(["centre", "import", str(centre)]) == 0
    first, again = tmp_path / "a.pdf", tmp_path / "b.pdf"
    report = ["report", "week", "--date", day.isoformat()]
    assert main([*report, str(first), "--issue", "7"]) == 0
    assert main([*report, str(first), "--issue", "7"]) == 1
    assert main(["issued", "1", str(again)]) == 0
    assert again.read_bytes() == first.read_bytes()
    assert main(["issued", "1"]) == 0
    assert main(["report", "day", "--date", day.isoformat(), str(first), "--issue", "8"]) == 1
    assert main(["issued", "9", str(again)]) == 1
    capsys.readouterr()
    room.take(ratings((1,), answered_at=at(day)))
    assert main(["issued"]) == 0
    listed = capsys.readouterr().out
    assert "07/BC-TTPVHCC" in listed
    assert MESSAGES.get("vi", "report.basis_changed") in listed
    assert main(["issued", "1"]) == 1
    assert "Toàn Trung tâm | Số lượt | 6 | 7" in capsys.readouterr().out
