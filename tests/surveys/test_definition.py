"""Definitions: what a TOML file may say, what a broken one is told, and when prints differ."""

import copy
import random
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveys.definition import DefinitionError, Survey, load_instruments, load_survey, load_surveys

SHIPPED = Path(__file__).parents[2] / "surveys"

HEAD = """\
id = "tea"
audience = "citizen"
source = "test"
title = { vi = "Trà", en = "Tea" }
introduction = { vi = "Mời trà", en = "Have some tea" }
"""
SCALE = """
[scales.taste]
levels = [{ code = 2, vi = "Ngon", en = "Good" }, { code = 1, vi = "Dở", en = "Bad" }]
measures = { good = [2] }
"""
QUESTION = """
[[factors.questions]]
id = "green"
text = { vi = "Trà xanh", en = "Green tea" }
scale = "taste"
wording = "own"
"""
FACTOR = """
[[factors]]
id = "kinds"
name = { vi = "Loại", en = "Kinds" }
"""
TEA = HEAD + SCALE + FACTOR + QUESTION
MINIMUM = "a number needs minimum < maximum"


def written(folder: Path, text: str, name: str = "tea.toml") -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def number(bounds: str) -> str:
    asked = 'kind = "number"\n' + bounds
    return TEA.replace('scale = "taste"', asked)


def test_adding_a_survey_is_adding_a_file(tmp_path: Path) -> None:
    written(tmp_path, TEA)
    written(tmp_path, TEA.replace('"tea"', '"tea_again"'), "tea_again.toml")
    written(tmp_path, "not a survey", "notes.txt")
    surveys = load_surveys(tmp_path)
    assert list(surveys) == ["tea", "tea_again"]
    question = surveys["tea"].questions["green"]
    assert question.text.get("vi") == "Trà xanh"
    assert question.text.get("en") == "Green tea"
    assert surveys["tea"].measures_of(question) == {"good": (2,)}


def test_one_broken_file_is_not_passed_over(tmp_path: Path) -> None:
    written(tmp_path, TEA)
    written(tmp_path, "id = ", "broken.toml")
    with pytest.raises(DefinitionError, match=r"^broken\.toml: not TOML"):
        load_surveys(tmp_path)


@pytest.mark.parametrize(
    ("text", "key", "reason"),
    [
        (TEA + QUESTION, "file", "question green is defined twice"),
        (
            TEA + QUESTION.replace("factors.questions", "profile"),
            "file",
            "question green is defined twice",
        ),
        (TEA + FACTOR, "file", "two factors have the same id"),
        (
            TEA.replace('scale = "taste"', 'scale = "smell"'),
            "file",
            "question green: unknown scale smell",
        ),
        (
            TEA.replace("good = [2]", "good = [7]"),
            "scales.taste",
            "measure good: codes must be some, not all, of the scale's",
        ),
        (TEA.replace("good = [2]", "good = []"), "scales.taste", "measure good"),
        (TEA.replace("good = [2]", "good = [1, 2]"), "scales.taste", "measure good"),
        (TEA.replace("code = 1", "code = 2"), "scales.taste", "two levels have the same code"),
        (
            TEA.replace('"Dở"', '" nGON\u00a0"'),
            "scales.taste",
            "levels 2 and 1 have the same text",
        ),
        (
            TEA.replace('"Good"', '"Caf\u00e9"').replace('"Bad"', '"CAFE\u0301"'),
            "scales.taste",
            "levels 2 and 1 have the same text",
        ),
        (
            TEA + QUESTION.replace("green", "black").replace("Trà xanh", "Trà đen"),
            "file",
            "questions green and black have the same text",
        ),
        (
            TEA.replace(', { code = 1, vi = "Dở", en = "Bad" }', ""),
            "scales.taste.levels",
            "at least 2 items",
        ),
        (TEA.replace("code = 1", 'code = "worst"'), "scales.taste.levels.1.code", "integer"),
        ("colour = 1\n" + TEA, "colour", "Extra inputs are not permitted"),
        (
            TEA.replace('wording = "own"', 'wording = "own"\ncolour = 1'),
            "factors.0.questions.0.colour",
            "Extra inputs are not permitted",
        ),
        (
            TEA.replace('wording = "own"', 'wording = "hearsay"'),
            "factors.0.questions.0.wording",
            "'verbatim'",
        ),
        (TEA.replace('wording = "own"', ""), "factors.0.questions.0.wording", "required"),
        (TEA.replace(', en = "Tea"', ""), "title.en", "required"),
        (TEA.replace('en = "Tea"', 'en = ""'), "title.en", "at least 1 character"),
        (TEA.replace('id = "green"', 'id = "Trà xanh"'), "factors.0.questions.0.id", "pattern"),
        (TEA.replace('"citizen"', '"dog"'), "audience", "'business'"),
        (TEA.replace('source = "test"', 'source = ""'), "source", "at least 1 character"),
        (HEAD + SCALE, "factors", "required"),
        (HEAD + FACTOR + QUESTION, "scales", "required"),
        (number(""), "factors.0.questions.0", MINIMUM),
        (number("minimum = 1"), "factors.0.questions.0", MINIMUM),
        (number("maximum = 1"), "factors.0.questions.0", MINIMUM),
        (number("minimum = 3\nmaximum = 3"), "factors.0.questions.0", MINIMUM),
        (
            number('minimum = 0\nmaximum = 9\nscale = "taste"'),
            "factors.0.questions.0",
            "unless it asks for a number",
        ),
        (
            TEA.replace('scale = "taste"', 'kind = "many"'),
            "factors.0.questions.0",
            "a question has a scale",
        ),
        (TEA.replace('"tea"', '"coffee"'), "id", "is 'coffee', but the file is 'tea'"),
    ],
)
def test_a_broken_definition_names_file_key_and_reason(
    tmp_path: Path, text: str, key: str, reason: str
) -> None:
    with pytest.raises(DefinitionError) as told:
        load_survey(written(tmp_path, text))
    message = str(told.value)
    assert message.startswith("tea.toml: ")
    assert f" {key}: " in message
    assert reason in message


def test_every_fault_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    path = written(tmp_path, TEA.replace('"citizen"', '"dog"').replace('en = "Tea"', 'en = ""'))
    with pytest.raises(DefinitionError, match=r"audience: .*; title\.en: "):
        load_survey(path)


@pytest.mark.parametrize("text", ["id = ", "{}", "<html>", TEA + 'id = "tea"\nid = "tea"\n'])
def test_not_toml(tmp_path: Path, text: str) -> None:
    with pytest.raises(DefinitionError, match=r"^tea\.toml: not TOML: .*\(at "):
        load_survey(written(tmp_path, text))


def test_not_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "tea.toml"
    path.write_bytes(TEA.encode("utf-16"))
    with pytest.raises(DefinitionError, match=r"^tea\.toml: not TOML: .*utf-8"):
        load_survey(path)


def test_a_missing_file_is_named_with_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "tea.toml"
    with pytest.raises(DefinitionError) as told:
        load_survey(path)
    assert str(told.value) == f"{path}: cannot be read: No such file or directory"


def test_a_number_question_has_no_measure(tmp_path: Path) -> None:
    survey = load_survey(written(tmp_path, number("minimum = 0\nmaximum = 9")))
    question = survey.questions["green"]
    assert survey.scale_of(question) is None
    assert survey.measures_of(question) == {}


def test_a_many_choice_question_has_no_measure_although_its_scale_has(tmp_path: Path) -> None:
    """One person's several choices are not one vote: a share of them would mislead."""
    text = TEA.replace('scale = "taste"', 'kind = "many"\nscale = "taste"')
    survey = load_survey(written(tmp_path, text))
    assert survey.measures_of(survey.questions["green"]) == {}


# Fingerprints


@given(
    head=st.permutations(HEAD.splitlines()),
    body=st.permutations([SCALE, FACTOR + QUESTION]),
    question=st.permutations(QUESTION.strip().splitlines()[1:]),
    gap=st.sampled_from(["", "\n", "  \n\n", "\t# a remark\n"]),
)
def test_the_fingerprint_does_not_see_key_order_space_and_remarks(
    head: list[str], body: list[str], question: list[str], gap: str
) -> None:
    text = gap.join(f"{line}\n" for line in head) + gap + gap.join(body)
    text = text.replace(QUESTION, "\n[[factors.questions]]\n" + "\n".join(question) + "\n")
    text = text.replace('vi = "Trà", en = "Tea"', 'en   = "Tea" ,vi="Trà"')
    assert read(text).fingerprint == read(TEA).fingerprint


@pytest.mark.parametrize("name", [path.name for path in sorted(SHIPPED.glob("*.toml"))])
@given(seed=st.integers())
def test_a_shipped_fingerprint_does_not_see_key_order(name: str, seed: int) -> None:
    raw = tomllib.loads((SHIPPED / name).read_text("utf-8"))
    shuffled = shuffle_keys(raw, random.Random(seed))
    assert Survey.model_validate(shuffled).fingerprint == Survey.model_validate(raw).fingerprint


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.toml")), ids=lambda path: path.stem)
def test_the_fingerprint_changes_with_every_text(path: Path) -> None:
    raw = tomllib.loads(path.read_text("utf-8"))
    prints = [Survey.model_validate(raw).fingerprint]
    for place in texts(raw):
        changed = copy.deepcopy(raw)
        holder: Any = changed
        for step in place[:-1]:
            holder = holder[step]
        holder[place[-1]] += "."
        prints.append(Survey.model_validate(changed).fingerprint)
    assert len(prints) > 20
    assert len(set(prints)) == len(prints)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("code = 1,", "code = 0,"),
        ("good = [2]", "good = [1]"),
        ('wording = "own"', 'wording = "content"'),
        ('wording = "own"', 'wording = "own"\nsensitive = true'),
        ('wording = "own"', 'wording = "own"\ndirection = "lower_is_better"'),
        ('id = "green"', 'id = "black"'),
        ('source = "test"', 'source = "test"\ncomment = true'),
    ],
)
def test_the_fingerprint_changes_with_what_is_not_text(old: str, new: str) -> None:
    assert old in TEA
    assert read(TEA.replace(old, new)).fingerprint != read(TEA).fingerprint


def test_the_fingerprint_does_not_see_what_was_published() -> None:
    """A published figure is not asked: correcting one must not make answers another survey's."""
    figure = 'published = { value = 7.5, unit = "percent", year = 2019, source = "A"'
    noted = figure + ', note = { vi = "trung vị", en = "median" }'
    for asked in (QUESTION, QUESTION.replace("factors.questions", "profile")):
        prints = {
            read(HEAD + SCALE + FACTOR + asked + more).fingerprint
            for more in ("", f"{figure} }}\n", f"{noted} }}\n")
        }
        assert len(prints) == 1


def test_the_fingerprint_sees_the_order_of_questions() -> None:
    """Order is part of an instrument: it moves answers."""
    black = QUESTION.replace("green", "black").replace("Green", "Black").replace("xanh", "đen")
    swapped = read(HEAD + SCALE + FACTOR + black + QUESTION)
    assert read(TEA + black).fingerprint != swapped.fingerprint


def test_the_fingerprint_is_sixteen_hex_digits() -> None:
    assert len(read(TEA).fingerprint) == 16
    assert int(read(TEA).fingerprint, 16) >= 0


def read(text: str) -> Survey:
    return Survey.model_validate(tomllib.loads(text))


def shuffle_keys(value: Any, chance: random.Random) -> Any:
    if isinstance(value, dict):
        keys = chance.sample(list(value), len(value))
        return {key: shuffle_keys(value[key], chance) for key in keys}
    if isinstance(value, list):
        return [shuffle_keys(item, chance) for item in value]
    return value


def texts(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The places of all strings that respondents read, or that say what is asked."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        if key == "published":
            continue
        if isinstance(item, dict | list):
            yield from texts(item, (*place, key))
        elif key in {"vi", "en", "source", "lead", "note"}:
            yield (*place, key)


# A centre's own instruments


def test_a_centres_own_instruments_stand_beside_ours_or_replace_them(tmp_path: Path) -> None:
    written(tmp_path, TEA)
    ours = (SHIPPED / "in_centre.toml").read_text("utf-8").replace("hài lòng", "vừa lòng")
    written(tmp_path, ours, "in_centre.toml")
    found = load_instruments(tmp_path)
    assert set(found) == {*load_surveys(), "tea"}
    assert found["in_centre"].fingerprint != load_surveys()["in_centre"].fingerprint
    assert load_instruments(None) == load_surveys()


HOSTILE: dict[str, tuple[Callable[[Path], object], str]] = {
    "no folder": (lambda own: own.rmdir(), "HAILONG_SURVEYS: .* no such folder"),
    "a link out": (lambda own: (own / "tea.toml").symlink_to("/etc/passwd"), "leads out of its"),
    "a link to itself": (lambda own: (own / "tea.toml").symlink_to("tea.toml"), "cannot be read"),
    "a folder": (lambda own: (own / "tea.toml").mkdir(), "tea.toml: is no file"),
    "huge": (lambda own: written(own, "#" * 600_000), "is larger than 524288 bytes"),
    "deep": (lambda own: written(own, "a = " + "[" * 50_000), "not TOML"),
    "binary": (lambda own: (own / "tea.toml").write_bytes(b"\xff\x00"), "not TOML"),
    "unsafe": (
        lambda own: written(own, TEA.replace("Trà xanh", "Trà\u202exanh")),
        r"questions\.green\.vi: characters that cannot be shown",
    ),
    "blank": (lambda own: written(own, TEA.replace("Ngon", " ")), r"scales\.taste\.2\.vi: empty"),
    "long": (lambda own: written(own, TEA.replace("Trà xanh", "x" * 2_001)), "longer than 2000"),
    "a code out of bounds": (
        lambda own: written(own, TEA.replace("code = 1", "code = -2147483648")),
        "greater than -2147483648",
    ),
    "many files": (
        lambda own: [written(own, "", f"a{number}.toml") for number in range(101)],
        "more than 100 instruments",
    ),
    "follows itself": (lambda own: written(own, TEA + FOLLOWS), "tea.toml: file: .*follows itself"),
    "follows in a circle": (
        lambda own: [
            written(own, TEA + FOLLOWS.replace('"tea"', '"tee"')),
            written(own, TEA.replace('"tea"', '"tee"') + FOLLOWS, "tee.toml"),
        ],
        "follows: in a circle",
    ),
    "no fingerprint": (
        lambda own: written(own, 'same_as = ["x"]\n' + TEA),
        r"same_as\.0: String should match",
    ),
}
FOLLOWS = '\n[follows]\nsurvey = "tea"\nday = 2027-01-01\nreason = { vi = "Mới", en = "New" }\n'


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_instrument_of_a_centre_is_named(tmp_path: Path, name: str) -> None:
    own = tmp_path / "own"
    own.mkdir()
    make, told = HOSTILE[name]
    make(own)
    with pytest.raises(DefinitionError, match=told):
        load_instruments(own)


def test_what_an_instrument_replaces_is_no_part_of_its_fingerprint() -> None:
    related = read('same_as = ["0123456789abcdef"]\n' + TEA + FOLLOWS.replace('"tea"', '"tee"'))
    assert related.fingerprint == read(TEA).fingerprint
    assert related.follows is not None
    assert related.follows.survey == "tee"
