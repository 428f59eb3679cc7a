"""Import and export: twice changes nothing, there and back is the same, bad lines stand alone."""

import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.documents.exports.joined import JoinedTable
from aggregator.intake.files import FileError
from aggregator.intake.importing import Outcome, import_file
from aggregator.intake.ingest import Ingest
from aggregator.intake.submission_files import ROW_IDS, SubmissionReader, escaped, unescaped
from aggregator.storage.migrations import migrate
from aggregator.storage.store import Selection, Store
from aggregator.storage.writer import NewRow, utc_text
from surveys.centre import Centre
from surveys.definition import Survey
from surveys.messages import Language
from surveys.wire import read_submission
from tests.aggregator.conftest import (
    GOLDEN,
    Clock,
    Intake,
    Room,
    ratings,
    sipas,
    stored,
    submission,
    tallies,
)

HEADER = "survey,department,channel,answered_at,comment,count,rating,reasons\n"
ROW = "in_centre,so_tu_phap,paper,2026-11-20T08:00:00+07:00,{},{},{},{}\n"
Import = Callable[..., Outcome]


def line(comment: str = "", count: str = "", rating: str = "5", reasons: str = "") -> str:
    return ROW.format(comment, count, rating, reasons)


@pytest.fixture
def imported(intake: Intake, surveys: dict[str, Survey], tmp_path: Path) -> Import:
    """Imports a file of this content into the store."""

    def run(content: str | bytes, language: Language = "en") -> Outcome:
        path = tmp_path / "in.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return import_file(path, intake.ingest, language)

    return run


def test_the_published_figures_import_to_the_published_share(
    any_room: Room, surveys: dict[str, Survey]
) -> None:
    context = any_room.context
    ingest = Ingest(context.store, surveys, context.centre, any_room.clock)
    outcome = import_file(GOLDEN, ingest, "vi")
    assert outcome.summary() == "accepted 3565, duplicate 0, conflict 0, refused 0"
    counts = context.store.counts(Selection("in_centre"), "centre")
    assert dict(zip(counts["code"], counts["n"], strict=True)) == {5: 3355, 4: 128}
    [row] = any_room.get("/api/v1/satisfaction").json()["rows"]
    top, two = row["measures"]["very_satisfied"], row["measures"]["satisfied_or_better"]
    assert (top["k"], top["n"]) == (3355, 3483)
    assert top["k"] / top["n"] == pytest.approx(0.9632500718, abs=1e-10)
    found = [round(top[name], 4) for name in ("share", "low", "high")]
    assert found == [0.9633, 0.9565, 0.969]
    assert (two["k"], two["share"], two["high"]) == (3483, 1.0, 1.0)
    assert {c["verdict"] for c in row["comparisons"]} == {"indistinct", "too_few"}  # of one day
    before = tallies(context.store)
    again = import_file(GOLDEN, ingest, "vi")
    assert again.summary() == "accepted 0, duplicate 3565, conflict 0, refused 0"
    assert tallies(context.store) == before


def test_equal_rows_stay_two_and_a_second_import_changes_nothing(
    intake: Intake, imported: Import
) -> None:
    content = HEADER + line() + line() + line(count="3") + line(rating="4", reasons="1;3")
    assert imported(content).summary() == "accepted 6, duplicate 0, conflict 0, refused 0"
    before = tallies(intake.store)
    assert imported(content).summary() == "accepted 0, duplicate 6, conflict 0, refused 0"
    assert tallies(intake.store) == before
    assert len({row.id for row in stored(intake.store)}) == 6
    assert sorted(row.answers["rating"] for row in stored(intake.store)) == [4, 5, 5, 5, 5, 5]
    [listed] = [row for row in stored(intake.store) if "reasons" in row.answers]
    assert listed.answers == {"rating": 4, "reasons": [1, 3]}


def test_a_file_in_another_form_of_unicode_is_the_same_file(
    intake: Intake, imported: Import, surveys: dict[str, Survey]
) -> None:
    text = HEADER + line("cán bộ tận tình") + line("cán bộ tận tình", count="2") + line("", "3")
    decomposed = unicodedata.normalize("NFD", text)
    assert imported(decomposed).statuses == {"accepted": 6}
    assert {row.comment for row in stored(intake.store)} == {"cán bộ tận tình", None}
    for form in (text, decomposed):
        assert imported(form).statuses == {"duplicate": 6}


def test_so_is_a_file_that_was_imported_before_text_was_composed(
    intake: Intake, imported: Import, surveys: dict[str, Survey], centre: Centre
) -> None:
    """Its rows have ids of their own form; they are found, and counted once."""
    text = HEADER + line("cán bộ tận tình", count="2")
    decomposed = unicodedata.normalize("NFD", text)
    header, row = decomposed.splitlines()
    cells = dict(zip(header.split(","), row.split(","), strict=True))
    [*rows] = SubmissionReader(intake.ingest.definition).raw(cells)
    now = datetime(2026, 11, 20, 2, tzinfo=UTC)
    with intake.store.writing() as writer:
        for each in rows:
            content = tuple(sorted((k, v) for k, v in cells.items() if v and k != "count"))
            old_ids = [str(uuid5(ROW_IDS, repr((content, number)))) for number in range(2)]
            [old_id] = set(old_ids) & set(each.other_ids)
            read = read_submission(each.raw | {"id": old_id}, surveys, centre, now)
            old = read.model_copy(update={"comment": cells["comment"]})
            writer.add_submissions(
                [NewRow.of(old, "2026-11-20", utc_text(now), surveys["in_centre"].fingerprint)]
            )
    for form in (text, decomposed):
        assert imported(form).statuses == {"duplicate": 2}
    assert len(stored(intake.store)) == 2


@pytest.mark.parametrize("prefix", [b"", b"\xef\xbb\xbf"], ids=["plain", "BOM"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_spreadsheets_utf8_is_read_with_or_without_its_mark(
    intake: Intake, imported: Import, prefix: bytes, ends: str
) -> None:
    text = (HEADER + line("cán bộ tận tình")).replace("\n", ends)
    assert imported(prefix + text.encode()).statuses == {"accepted": 1}
    assert stored(intake.store)[0].comment == "cán bộ tận tình"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ((HEADER + line()).encode("utf-16"), "UTF-16"),
        ((HEADER + line()).encode("utf-16-le"), "UTF-16"),
        (b"", "empty"),
        (b"survey,rating\nin_centre,5\n", "answered_at"),
        (b"survey,answered_at,survey\n", "survey"),
        ((HEADER.replace("rating", "raiting") + line()).encode(), "raiting"),
    ],
    ids=["utf-16", "utf-16 without mark", "empty", "column missing", "column twice", "unknown"],
)
def test_a_file_that_cannot_be_read_at_all_is_refused_whole(
    intake: Intake, imported: Import, content: bytes, reason: str
) -> None:
    with pytest.raises(FileError, match=reason):
        imported(content)
    assert stored(intake.store) == []


BAD_LINES = {
    "count -1": (line(count="-1"), "count: must be from 1"),
    "count 0": (line(count="0"), "count: must be from 1"),
    "count 10^9": (line(count="1000000000"), "count: must be from 1"),
    "count 1.5": (line(count="1.5"), "count: must be from 1"),
    "count full-width": (line(count="２"), "count: must be from 1"),
    "count endless": (line(count="9" * 5_000), "count: must be from 1"),
    "count zero-led": (line(count="00000000000019999999999"), "count: must be from 1"),
    "count zero-led endless": (line(count="0001" + "0" * 5_000), "count: must be from 1"),
    "rating a word": (line(rating="rất"), "answers.rating: must be a whole number"),
    "rating 6": (line(rating="6"), "answers.rating: there is no code"),
    "rating endless": (line(rating="5" * 5_000), "answers.rating: "),
    "nothing answered": (line(rating=""), "answers: nothing is answered"),
    "too few cells": ("in_centre,so_tu_phap\n", "has 2 cells, 8 wanted"),
    "too many cells": (line().strip() + ",,\n", "has 10 cells, 8 wanted"),
    "open quote": (line('"open'), "a quote is not closed"),
    "survey": (line().replace("in_centre", "census"), "survey: there is no survey"),
    "department": (line().replace("so_tu_phap", "so_x"), "department: there is no department"),
    "no offset": (line().replace("+07:00", ""), "answered_at: has no UTC offset"),
    "control character": (line("a\x07b"), "comment: "),
    "NUL": (line("a" * 300 + "\x00b"), "comment: "),
    "quote inside": (line('"a"b"'), "a quote is not closed"),
    "not utf-8": (line("a\udcffb"), "comment: "),
    "long comment": (line("x" * 100_000), "comment: is 100000 characters"),
}


@pytest.mark.parametrize("name", BAD_LINES)
def test_a_bad_line_is_told_by_its_number_and_the_others_go_in(
    intake: Intake, imported: Import, name: str
) -> None:
    bad, reason = BAD_LINES[name]
    # A record over two lines before it, so that lines and records are not the same number.
    text = HEADER + line('"một\nhai"') + bad + line(rating="4")
    outcome = imported(text.encode("utf-8", "surrogateescape"))
    assert outcome.summary() == "accepted 2, duplicate 0, conflict 0, refused 1"
    [(number, said)] = outcome.problems
    assert number == 4
    assert said.startswith(reason)
    assert len(said) < 200
    assert sum(n for (n,) in tallies(intake.store)["tally"].values()) == 2


def test_an_id_of_the_file_is_kept_and_one_with_other_content_conflicts(
    intake: Intake, imported: Import
) -> None:
    key = "0190a0c0-0000-7000-8000-000000000001"
    head, row = "id," + HEADER, f"{key},{line()}"
    other = f"{key},{line(rating='1')}"
    outcome = imported(head + row + row + other + f"{key},{line(count='2')}")
    assert outcome.summary() == "accepted 1, duplicate 1, conflict 1, refused 1"
    assert [number for number, _ in outcome.problems] == [4, 5]
    assert outcome.problems[0][1].startswith("id: ")
    assert outcome.problems[1][1].startswith("count: ")
    [stored_row] = stored(intake.store)
    assert (stored_row.id, stored_row.answers) == (key, {"rating": 5})


FORMULAS = [
    "=1+1",
    "+84 912",
    "-5",
    "@SUM(A1)",
    "\tx",
    "'quoted",
    "''=1",
    "\n=1",
    "  =1",
    "＝1",
    "bình thường",
]


def export(store: Store, surveys: dict[str, Survey], centre: Centre) -> str:
    return "".join(JoinedTable(store.database, centre, surveys).lines("csv"))


def test_an_export_imports_to_the_same_rows_and_tallies(
    intake: Intake, surveys: dict[str, Survey], centre: Centre, tmp_path: Path
) -> None:
    intake([submission(comment=comment) for comment in FORMULAS])
    intake(
        [
            submission(
                comment='"a,b"\nhai; "c"',
                fingerprint=surveys["in_centre"].fingerprint,
                language="en",
            ),
            sipas([4] * 22),
        ]
    )
    intake(ratings([5] * 600))
    intake([submission(department=None, counter=None, answers={"rating": 1, "reasons": [5, 2]})])
    path = tmp_path / "out.csv"
    path.write_text(export(intake.store, surveys, centre), "utf-8", newline="")
    other = Store(f"sqlite:///{tmp_path / 'other.db'}")
    migrate(other.engine)
    outcome = import_file(path, Ingest(other, surveys, centre, Clock()), "en")
    assert outcome.problems == []
    assert outcome.statuses == {"accepted": 614}

    def content(store: Store) -> list[dict[str, Any]]:
        # Each store has a salt of its own for a comment, and the digest is by it.
        own = {"comment_salt", "digest"}
        return [
            {k: v for k, v in row._mapping.items() if k not in own or not row.comment}
            for row in stored(store)
        ]

    assert content(other) == content(intake.store)
    assert tallies(other) == tallies(intake.store)
    other.close()
    again = import_file(path, intake.ingest, "en")
    assert again.summary() == "accepted 0, duplicate 614, conflict 0, refused 0"


def test_a_stray_quote_in_a_comment_swallows_no_neighbour(imported: Import) -> None:
    """5" and 6" are even together: the lines between them must not become one comment."""
    lines = [line('man 5" tall'), line(rating="1"), line('also 6" x', rating="1"), line()]
    outcome = imported((HEADER + "".join(lines)).encode())
    assert outcome.summary() == "accepted 4, duplicate 0, conflict 0, refused 0"


@given(st.text("'=+-@＝＋－＠ \t\r\n\u00a0a1", max_size=8))
def test_a_comment_survives_the_way_out_and_in(comment: str) -> None:
    assert unescaped(escaped(comment)) == comment
    assert not escaped(comment).lstrip().startswith(tuple("=+-@＝＋－＠"))
    assert not escaped(comment).startswith(("\t", "\r", "\n"))
    assert escaped(comment) in (comment, f"'{comment}")
