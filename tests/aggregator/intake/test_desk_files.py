"""The corpus of tests/files: every file gives what it must, or is refused with its cell."""

import io
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from zipfile import ZipFile

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.intake.ddci import load_ddci
from aggregator.intake.desk.kinds import kind_of
from aggregator.intake.desk.reading import Reading
from aggregator.intake.desk.sheets import Sheet, SheetError, Workbook
from aggregator.intake.desk.taking import Desk, Taken, chosen_sheet
from aggregator.intake.desk.workbooks import read_workbook
from aggregator.intake.ingest import Ingest
from aggregator.storage.migrations import migrate
from aggregator.storage.store import Store
from aggregator.wording.messages import MESSAGES
from surveys.centre import Centre
from surveys.definition import Survey
from tests.aggregator.conftest import CENTRE, NOW
from tests.files.making import csv, ods, with_parts
from tests.files.offices import BOOK, CASES, HEAD, ROWS, SHEET, Case, Said, written


@pytest.fixture(scope="module")
def desk(
    tmp_path_factory: pytest.TempPathFactory, surveys: dict[str, Survey], centre: Centre
) -> Iterator[Desk]:
    """A desk that reads alone: all cases share its database."""
    store = Store(f"sqlite:///{tmp_path_factory.mktemp('desk') / 'read.sqlite3'}")
    migrate(store.engine)
    yield Desk(store, Ingest(store, surveys, centre), centre, "vi", NOW)
    store.close()


def said(taken: Taken) -> Counter[Said]:
    """The ratings of a table, or the last answers of its ballots."""
    found: Counter[Said] = Counter()
    for key, n in taken.contents.items():
        raw = orjson.loads(key)
        answers = raw["answers"]
        code = answers.get("rating", answers.get("q22"))
        place = raw.get("department", ""), raw.get("counter", "")
        found[raw["answered_at"][:10], *place, code] += n
    return found


def test_the_corpus_has_thirty_files_and_more() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 30


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_every_file_gives_what_it_must(case: Case, desk: Desk, surveys: dict[str, Survey]) -> None:
    ddci = load_ddci(CENTRE.parent / "ddci.toml", surveys)
    kind = kind_of(case.kind, surveys[case.survey], surveys["business"], ddci)

    def read() -> tuple[Sheet, Taken, Reading]:
        sheet = chosen_sheet(read_workbook(case.data), kind)
        return sheet, *desk.read(sheet, kind, desk.columns(sheet, kind))

    if case.refused:
        with pytest.raises(SheetError) as error:
            read()
        assert error.value.key == case.refused
        assert "{" not in error.value.text(MESSAGES, "vi") + error.value.text(MESSAGES, "en")
        return
    sheet, taken, reading = read()
    problems = {one.cell: one.reason for one in reading.problems}
    assert set(problems) == set(case.bad), problems
    assert all(part in problems[cell] for cell, part in case.bad.items()), problems
    assert sheet.encoding == case.encoding
    assert [key for key, _ in sheet.notes] == list(case.notes)
    if case.cells is not None:
        assert taken.cells is not None
        assert sorted(map(list, taken.cells)) == sorted(map(list, case.cells))
    else:
        assert said(taken) == case.said


OTHER = {"XLSX": BOOK, "ODS": ods([HEAD, *ROWS]), "CSV": csv(written(), ";").encode()}
PARTS = {"XLSX": SHEET, "ODS": "content.xml"}


@settings(max_examples=60)
@given(st.sampled_from(sorted(OTHER)), st.data())
def test_a_file_with_other_bytes_is_read_or_refused(format: str, data: st.DataObject) -> None:
    """Whatever happened to it, in its packing or in a part, there are words for it."""
    whole, part = OTHER[format], PARTS.get(format)
    if part and data.draw(st.booleans()):
        with ZipFile(io.BytesIO(whole)) as archive:
            whole = with_parts(whole, {part: _mangled(archive.read(part), data)})
    else:
        whole = _mangled(whole, data)
    with suppress(SheetError):
        for sheet in Workbook.unpacked(read_workbook(whole).packed()).sheets:
            assert sum(1 for _ in sheet.rows()) == sheet.count


def _mangled(content: bytes, data: st.DataObject) -> bytes:
    first, last = sorted(data.draw(st.tuples(*[st.integers(0, len(content))] * 2)))
    last = data.draw(st.sampled_from([first, min(first + 9, len(content)), last]))
    return content[:first] + data.draw(st.binary(max_size=9)) + content[last:]
