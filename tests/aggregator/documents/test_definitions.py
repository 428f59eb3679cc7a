"""Answers outlive definitions: every answer leaves under the definition that it was given by."""

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow.parquet as pq
import pyreadstat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.documents.exports.joined import EXPORT_FORMATS, JoinedTable
from aggregator.documents.exports.writing import write_export
from aggregator.intake.files import FileError
from aggregator.intake.importing import import_file
from aggregator.intake.ingest import Ingest, Offer
from aggregator.storage.definitions import ChangedDefinitionError, UndefinedAnswersError
from aggregator.storage.migrations import migrate
from aggregator.storage.store import Store
from surveys.centre import Centre, load_centre
from surveys.definition import Survey, load_surveys
from tests.aggregator.conftest import CENTRE, NOW, Clock, Intake, Room, statuses, stored, submission

TEA = "tea"
COMMON = {name: load_surveys()[name] for name in ("in_centre", "business")}
LEVELS = {1: ("Dở", "Bad"), 2: ("Được", "Fair"), 3: ("Ngon", "Good"), 4: ("Rất ngon", "Very good")}


def tea(
    levels: dict[int, tuple[str, str]] = LEVELS,
    asked: Sequence[str] = ("green", "black"),
    title: str = "Trà",
    **more: Any,
) -> Survey:
    """An instrument whose questions ``asked`` have one answer, but those with an s have many."""
    scale = {"levels": [{"code": n, "vi": vi, "en": en} for n, (vi, en) in levels.items()]}
    questions = [
        {
            "id": name,
            "text": {"vi": f"{name}?", "en": f"{name.upper()}?"},
            "kind": "many" if name.endswith("s") else "one",
            "scale": "taste",
            "wording": "own",
        }
        for name in asked
    ]
    text = {"vi": title, "en": title}
    factor = {"id": "kinds", "name": text, "questions": questions}
    return Survey.model_validate(
        {"id": TEA, "audience": "citizen", "title": text, "introduction": text, "source": "test"}
        | {"scales": {"taste": scale}, "factors": [factor], **more}
    )


def answered(**answers: object) -> dict[str, Any]:
    return submission(survey=TEA, answers=answers)


def ingest_of(store: Store, centre: Centre, *surveys: Survey) -> Ingest:
    known = COMMON | {survey.id: survey for survey in surveys}
    return Ingest(store, known, centre, Clock())


def exported(store: Store, centre: Centre, path: Path, asked: Sequence[Survey] = ()) -> Path:
    surveys = COMMON | {survey.id: survey for survey in asked}
    table = JoinedTable(store.database, centre, surveys, raw_comments=True)
    suffix: Any = path.suffix[1:]
    write_export(path, suffix, table, language="en", now=NOW, advance=lambda more: None)
    return path


def new_store(path: Path) -> Store:
    store = Store(f"sqlite:///{path}")
    migrate(store.engine)
    return store


def take(ingest: Ingest, *items: dict[str, Any]) -> None:
    [receipts] = ingest.accept([Offer(items, "en")])
    assert statuses(receipts) == {"accepted": len(items)}, receipts


def read(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
        return rows
    frame, _ = pyreadstat.read_sav(path)
    return [
        {str(k): None if v != v or v == "" else v for k, v in row.items()}
        for row in frame.to_dict("records")
    ]


def test_a_removed_question_and_level_keep_column_code_and_label(
    store: Store, centre: Centre, tmp_path: Path
) -> None:
    """What 0.2.0 lost: the file has been edited under the answers, and the export runs."""
    old = tea(asked=("green", "extras"))
    take(ingest_of(store, centre, old), answered(green=3, extras=[1, 3]))
    three = {code: words for code, words in LEVELS.items() if code != 3}
    edited = tea({**three, 1: ("Kém", "Poor")}, asked=("extras",))
    for form in EXPORT_FORMATS:
        path = exported(store, centre, tmp_path / f"out.{form}", [edited])
        if form in ("parquet", "sav"):
            [row] = read(path)
            assert row["green"] == 3
            assert [row[f"extras_{code}"] for code in LEVELS] == [1, 0, 1, 0]
    assert ",extras" in (tmp_path / "out.csv").read_text("utf-8").splitlines()[0]
    [said] = json.loads((tmp_path / "out.json").read_text("utf-8"))
    assert said["answers"] == {"green": 3, "extras": [1, 3]}
    assert said["fingerprint"] == old.fingerprint
    _, labels = pyreadstat.read_sav(tmp_path / "out.sav")
    assert labels.variable_value_labels["green"][1.0] == "Bad"
    book = (tmp_path / "out.codebook.csv").read_text("utf-8-sig")
    assert "3 = Good" in book


def test_versions_of_a_survey_stand_apart_where_a_code_means_something_else(
    store: Store, centre: Centre, tmp_path: Path
) -> None:
    """One column where the labels agree or are declared the same, another where they do not."""
    first = tea(asked=("green", "extras"))
    mended = tea({**LEVELS, 1: ("Không ngon", "Not good")}, asked=("green", "extras"))
    turned = tea({**LEVELS, 3: ("Nóng", "Hot")}, asked=("green", "leaves"))
    for definition in (first, turned):
        ingest = ingest_of(store, centre, definition)
        take(ingest, answered(green=3))
    joined = mended.model_copy(update={"same_as": (turned.fingerprint,)})
    take(ingest_of(store, centre, joined), answered(green=3, extras=[2]))
    rows = read(exported(store, centre, tmp_path / "out.sav", [joined]))
    named = f"green_{first.fingerprint[:8]}"
    assert [(row["green"], row[named]) for row in rows] == [(None, 3), (3, None), (3, None)]
    assert [row["leaves_1"] for row in rows] == [None] * 3
    assert [row["extras_2"] for row in rows] == [None, None, 1]
    _, labels = pyreadstat.read_sav(tmp_path / "out.sav")
    assert labels.variable_value_labels[named][3.0] == "Good"
    with (tmp_path / "out.codebook.csv").open(encoding="utf-8-sig", newline="") as file:
        told = list(csv.DictReader(file))
    versions = {row["fingerprint"] for row in told if row["survey"] == TEA}
    assert versions == {one.fingerprint for one in (first, turned, joined)}
    hot = [row for row in told if row["column"] == "green" and "Hot" in row["values_en"]]
    assert [row["fingerprint"] for row in hot] == [turned.fingerprint]


def test_the_definition_is_stored_with_its_first_answer_only(
    intake: Intake, surveys: dict[str, Survey]
) -> None:
    assert intake.store.definitions.kept() == {}
    assert intake.ingest.try_out().status == "accepted"
    assert intake.store.definitions.kept() == {}
    intake([submission()])
    intake([submission(), submission()])
    [(fingerprint, kept)] = intake.store.definitions.kept().items()
    assert fingerprint == surveys["in_centre"].fingerprint == stored(intake.store)[0].fingerprint
    assert kept.survey == surveys["in_centre"]
    assert kept.since == NOW


def test_an_answer_by_a_definition_that_nobody_knows_is_refused(intake: Intake) -> None:
    [receipt] = intake([submission(fingerprint="0123456789abcdef")])
    assert receipt.status == "refused"
    assert receipt.reason is not None
    assert receipt.reason.startswith("fingerprint: ")
    assert intake.store.definitions.kept() == {}


def test_a_fingerprint_that_only_one_says_is_no_conflict(
    intake: Intake, surveys: dict[str, Survey]
) -> None:
    plain = submission()
    named = {**plain, "fingerprint": surveys["in_centre"].fingerprint}
    assert [r.status for r in intake([plain, named])] == ["accepted", "duplicate"]
    assert intake([named])[0].status == "duplicate"
    other = {**submission(), "fingerprint": surveys["in_centre"].fingerprint}
    assert intake([other])[0].status == "accepted"
    assert intake([{**other, "fingerprint": None}])[0].status == "duplicate"


def test_late_answers_of_a_declared_equivalent_are_taken_by_their_own_definition(
    store: Store, centre: Centre
) -> None:
    old = tea()
    take(ingest_of(store, centre, old), answered(green=1))
    new = tea(title="Trà ngon").model_copy(update={"same_as": (old.fingerprint, "0" * 16)})
    ingest = ingest_of(store, centre, new)
    late = [answered(green=2) | {"fingerprint": name} for name in (old.fingerprint, "0" * 16)]
    take(ingest, *late, answered(green=3))
    given = [row.fingerprint for row in stored(store)]
    assert given == [old.fingerprint, old.fingerprint, new.fingerprint, new.fingerprint]


def test_an_export_with_answers_that_have_no_definition_says_how_many(
    intake: Intake, centre: Centre, tmp_path: Path
) -> None:
    intake([submission(), submission()])
    with intake.store.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM definition")
    for form in EXPORT_FORMATS:
        with pytest.raises(UndefinedAnswersError, match=r"^undefined 2 in_centre \("):
            exported(intake.store, centre, tmp_path / f"out.{form}")
    assert list(tmp_path.glob("out*")) == []


def test_managers_fetch_the_definitions_and_are_told_where_one_is_missing(room: Room) -> None:
    room.take([submission()])
    room.sign_in()
    answer = room.client.get("/exports/definitions.json?survey=in_centre&lang=en")
    survey = room.context.surveys["in_centre"]
    assert list(answer.json()) == [survey.fingerprint]
    assert Survey.model_validate(answer.json()[survey.fingerprint]) == survey
    with room.context.store.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM definition")
    for form in EXPORT_FORMATS:
        refused = room.client.get(f"/exports/submissions.{form}?lang=en")
        assert refused.status_code == 409
        assert "1 submissions have no definition" in refused.text
        assert f"in_centre ({survey.fingerprint}): 1." in refused.text
    by_token = room.get("/api/v1/submissions.csv", from_="2026-01-01")
    assert by_token.status_code == 409
    assert f"in_centre ({survey.fingerprint}): 1." in by_token.json()["error"]
    assert room.client.get("/exports/submissions.csv?to=2020-01-01").status_code == 200


HOSTILE: dict[str, Callable[[Survey], bytes]] = {
    "no JSON": lambda tea: b"{",
    "a list": lambda tea: b"[]",
    "no definition": lambda tea: b'{"0123456789abcdef": {"id": "tea"}}',
    "another fingerprint": lambda tea: json.dumps({"0" * 16: tea.model_dump(mode="json")}).encode(),
    "deep": lambda tea: b"[" * 100_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_definitions_beside_a_file_are_refused_and_nothing_is_stored(
    intake: Intake, tmp_path: Path, name: str
) -> None:
    path = tmp_path / "in.csv"
    path.write_text("survey,answered_at,rating\nin_centre,2026-11-20T08:00:00+07:00,5\n")
    (tmp_path / "in.definitions.json").write_bytes(HOSTILE[name](tea()))
    with pytest.raises(FileError, match=r"in\.definitions\.json: "):
        import_file(path, intake.ingest, "en")
    assert stored(intake.store) == []


def test_a_file_of_another_form_of_an_instrument_is_refused_whole(
    intake: Intake, centre: Centre, tmp_path: Path
) -> None:
    other = new_store(tmp_path / "other.db")
    take(ingest_of(other, centre, tea()), answered(green=1), submission())
    path = exported(other, centre, tmp_path / "out.csv", [tea()])
    other.close()
    ingest = ingest_of(intake.store, centre, tea(asked=("white",)))
    with pytest.raises(ChangedDefinitionError):
        import_file(path, ingest, "en")
    assert stored(intake.store) == []


# Random changes of definitions


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[Survey, list[dict[str, Any]]]]:
    """An instrument edited again and again, each time with answers by what it was then."""
    history = []
    for number in range(draw(st.integers(2, 4))):
        codes = draw(st.lists(st.sampled_from(range(1, 5)), min_size=2, unique=True))
        words = st.sampled_from(["Ngon", "Dở", "Nóng", "Nguội", "Ngọt", "Đắng"])
        texts = draw(st.lists(words, min_size=len(codes), max_size=len(codes), unique=True))
        names = st.sampled_from(["green", "black", "white", "extras", "leaves"])
        asked = draw(st.lists(names, min_size=1, unique=True))
        levels = {code: (text, text) for code, text in zip(codes, texts, strict=True)}
        survey = tea(levels, asked, title=f"Trà {number}")
        answers = []
        for _ in range(draw(st.integers(1, 3))):
            given = {
                name: draw(st.lists(st.sampled_from(codes), min_size=1, unique=True).map(sorted))
                if name.endswith("s")
                else draw(st.sampled_from(codes))
                for name in asked
            }
            answers.append(given)
        history.append((survey, answers))
    return history


@given(histories())
@settings(max_examples=8, deadline=None)
def test_every_answer_leaves_and_comes_back_whatever_was_edited(
    tmp_path_factory: pytest.TempPathFactory,
    history: list[tuple[Survey, list[dict[str, Any]]]],
) -> None:
    folder, centre = tmp_path_factory.mktemp("history"), load_centre(CENTRE)
    store = new_store(folder / "first.db")
    sent: list[tuple[Survey, dict[str, Any]]] = []
    for survey, answers in history:
        items = [answered(**given) | {"id": str(uuid4())} for given in answers]
        take(ingest_of(store, centre, survey), *items)
        sent += [(survey, given) for given in answers]
    for form in ("sav", "parquet"):
        path = exported(store, centre, folder / f"out.{form}")
        columns = {column.name: column for column in table_columns(store, centre, form)}
        for row, (survey, said) in zip(read(path), sent, strict=True):
            assert said_in(row, columns, survey) == said
    csv_file = exported(store, centre, folder / "out.csv")
    other = new_store(folder / "other.db")
    outcome = import_file(csv_file, Ingest(other, COMMON, centre, Clock()), "en")
    assert outcome.statuses == {"accepted": len(sent)}, outcome.problems
    back, there = stored(other), stored(store)
    assert [row._mapping for row in back] == [row._mapping for row in there]
    kept = [{f: one.survey for f, one in s.definitions.kept().items()} for s in (other, store)]
    assert kept[0] == kept[1]
    for one in (store, other):
        one.close()


def table_columns(store: Store, centre: Centre, form: Any) -> Any:
    return JoinedTable(store.database, centre, COMMON).columns(form)


def said_in(row: dict[str, Any], columns: Any, survey: Survey) -> dict[str, Any]:
    """The answers that a row tells to a reader who knows only the labels of its columns."""
    found: dict[str, Any] = {}
    for name, value in row.items():
        column = columns[name]
        if column.question is None or value is None:
            continue
        question = survey.questions[column.question.id]
        scale = survey.scale_of(question)
        assert scale is not None
        by_code = {level.code: level for level in scale.levels}
        if column.code is None:
            assert dict(column.values)[int(value)].vi == by_code[int(value)].vi
            found[question.id] = int(value)
        else:
            assert column.label.vi.endswith(f": {by_code[column.code].vi}")
            if value:
                found.setdefault(question.id, []).append(column.code)
    return {key: sorted(v) if isinstance(v, list) else v for key, v in found.items()}
