"""Definitions are kept with their answers, and no start changes what was asked under them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from aggregator.__main__ import main
from aggregator.intake.ingest import Ingest
from aggregator.storage.audit import Search, sentence
from aggregator.storage.definitions import UndefinedAnswersError
from aggregator.storage.store import Store
from surveys.centre import Centre
from surveys.definition import Survey, load_survey
from tests.aggregator.conftest import (
    CENTRE,
    ROOT,
    Clock,
    Intake,
    Room,
    sipas,
    stored,
    submission,
    tallies,
)

OURS = (ROOT / "surveys" / "in_centre.toml").read_text("utf-8")


@pytest.fixture
def own(tmp_path: Path) -> Callable[[str], Path]:
    """Writes the centre's own in_centre.toml into a folder, and gives the folder."""

    def write(text: str) -> Path:
        folder = tmp_path / "own"
        folder.mkdir(exist_ok=True)
        (folder / "in_centre.toml").write_text(text, "utf-8")
        return folder

    return write


@pytest.fixture
def command(intake: Intake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs a command on the database, with the centre's own folder if one is given."""
    url = intake.store.engine.url.render_as_string(hide_password=False)
    for name, value in (("CENTRE", CENTRE), ("VAR", tmp_path / "var"), ("DATABASE_URL", url)):
        monkeypatch.setenv(f"HAILONG_{name}", str(value))

    def run(*arguments: object, own: Path | None = None) -> int:
        monkeypatch.setenv("HAILONG_SURVEYS", str(own or ""))
        return main(["--lang", "en", *map(str, arguments)])

    return run


def changed(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new)


def test_an_instrument_edited_under_its_answers_is_refused_at_the_start(
    intake: Intake,
    command: Callable[..., int],
    own: Callable[[str], Path],
    surveys: dict[str, Survey],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    edited = changed(OURS, "Rất hài lòng", "Hết sức hài lòng")
    folder, old = own(edited), surveys["in_centre"].fingerprint
    assert command("rebuild", own=folder) == 0  # without answers it may be edited
    capsys.readouterr()
    intake([submission()])
    new = load_survey(folder / "in_centre.toml").fingerprint
    for refused in (("serve",), ("rebuild",), ("import", tmp_path / "none.csv")):
        assert command(*refused, own=folder) == 1
        said = capsys.readouterr().err
        assert said.startswith(f"in_centre: the file is now {new}, but there are answers")
        assert f'same_as = ["{old}"]' in said
        assert "follows" in said
    assert command("export", tmp_path / "out.csv", own=folder) == 0
    head = f'same_as = ["{old}"]\n'
    assert command("rebuild", own=own(head + edited)) == 0
    lying = changed(head + edited, 'id = "reasons"', 'id = "other_reasons"')
    assert command("rebuild", own=own(lying)) == 1
    assert "question “reasons” has other answer codes" in capsys.readouterr().err.split("\n")[-2]


def test_answers_of_declared_equivalents_are_counted_together(
    intake: Intake, own: Callable[[str], Path], centre: Centre, surveys: dict[str, Survey]
) -> None:
    intake([submission()])
    old = surveys["in_centre"]
    text = f'same_as = ["{old.fingerprint}"]\n' + OURS.replace("Rất hài lòng", "Rất là hài lòng")
    joined = load_survey(own(text) / "in_centre.toml")
    both = surveys | {"in_centre": joined}
    intake.store.definitions.check(both)
    again = Intake(intake.store, Ingest(intake.store, both, centre, Clock()))
    again([submission(), submission(fingerprint=old.fingerprint)])
    given = [row.fingerprint for row in stored(intake.store)]
    assert given == [old.fingerprint, joined.fingerprint, old.fingerprint]
    assert sum(n for (n,) in tallies(intake.store)["tally"].values()) == 3


def test_answers_of_an_instrument_that_is_asked_no_more_stay_counted(
    intake: Intake, surveys: dict[str, Survey]
) -> None:
    intake([sipas([5] * 22), submission()])
    left = {name: one for name, one in surveys.items() if name != "sipas_2020"}
    intake.store.definitions.check(left)
    counted = intake.store.definitions.counted(left)
    assert counted == surveys


# Answers without a definition


def forget(store: Store, said: str) -> None:
    """Make the database one of 0.2.0, whose answers say a fingerprint or NULL."""
    with store.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM definition")
        connection.exec_driver_sql(f"UPDATE submission SET fingerprint = {said}")


@pytest.mark.parametrize("said", ["NULL", "'f0'"])
def test_answers_of_an_older_release_get_the_present_definition(
    intake: Intake, surveys: dict[str, Survey], said: str
) -> None:
    intake([submission(), sipas([5] * 22)])
    before = [row.fingerprint for row in stored(intake.store)]
    forget(intake.store, said)
    intake.store.definitions.adopt_first(surveys)
    assert [row.fingerprint for row in stored(intake.store)] == before
    assert list(intake.store.definitions.kept()) == before
    intake.store.definitions.check(surveys)


def test_those_that_do_not_fit_it_are_told_and_wait_for_theirs(
    intake: Intake,
    command: Callable[..., int],
    surveys: dict[str, Survey],
    own: Callable[[str], Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    intake([submission(), submission(answers={"rating": 3, "reasons": [1]})])
    forget(intake.store, "NULL")
    edited = changed(OURS, 'id = "reasons"', 'id = "why"')
    assert command("migrate", own=own(edited)) == 1
    told = "1 submissions have no definition, so nobody knows what their answers mean"
    undefined = "in_centre (—): 1"
    said = capsys.readouterr().err
    assert said.startswith(told)
    assert undefined in said
    for refused in ("serve", "rebuild", "migrate", ("export", tmp_path / "out.csv")):
        arguments = refused if isinstance(refused, tuple) else (refused,)
        assert command(*arguments, own=own(edited)) == 1
        assert undefined in capsys.readouterr().err
    assert not (tmp_path / "out.csv").exists()
    assert command("define", ROOT / "surveys" / "sipas_2020.toml") == 1
    assert command("define", ROOT / "surveys" / "in_centre.toml") == 0
    assert capsys.readouterr().out.endswith(
        f"1 submissions now have the definition {surveys['in_centre'].fingerprint}\n"
    )
    known = surveys["in_centre"].fingerprint
    told = f"Gave 1 answers to the survey in_centre the definition {known}"
    entries = intake.store.audit.entries(Search(kind="survey"), 9)
    assert [sentence(one.event, one.details, "en") for one in entries] == [told]
    assert command("export", tmp_path / "out.csv", own=own(edited)) == 0
    rows = (tmp_path / "out.csv").read_text("utf-8")
    assert ",reasons," in rows
    assert ",why" in rows


def test_a_lost_definition_is_met_by_start_rebuild_and_migrate(
    intake: Intake, surveys: dict[str, Survey]
) -> None:
    intake([submission(), sipas([5] * 22)])
    with intake.store.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM definition WHERE survey = 'in_centre'")
    for meet in (intake.store.definitions.check, intake.store.definitions.adopt_first):
        with pytest.raises(UndefinedAnswersError, match="undefined 1 in_centre"):
            meet(surveys)


def test_a_definition_of_another_release_that_cannot_be_read_is_named(
    intake: Intake, command: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    intake([submission()])
    with intake.store.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE definition SET document = '{json.dumps({'id': 1})}'")
    assert command("rebuild") == 1
    said = capsys.readouterr().err
    assert said.startswith("definition ")
    assert "of in_centre in the database: id: " in said


def test_both_rooms_ask_the_centres_own_instruments(
    make_room: Callable[..., Room], own: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = own(OURS)
    text = changed(OURS, 'id = "in_centre"', 'id = "hall"').replace("Rất hài lòng", "Ưng lắm")
    (folder / "hall.toml").write_text(text, "utf-8")
    (folder / "README.txt").write_text("not an instrument", "utf-8")
    room = make_room(surveys=folder)
    assert room.take([submission(survey="hall")])[0]["status"] == "accepted"
    assert room.context.surveys["hall"].title == room.context.surveys["in_centre"].title
