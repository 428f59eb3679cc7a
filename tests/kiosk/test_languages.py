"""A language that a centre adds by files alone: on the touch screen, on the phone, on the wire."""

import logging
import os
import re
import string
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.translations import load_languages
from surveys.definition import load_surveys, texts_of
from surveys.files import LARGEST_FILE
from surveys.messages import Messages
from tests.kiosk.added_language import CODE, MESSAGES, NAME, said, table, write_language
from tests.kiosk.conftest import Kiosk

SURVEYS = load_surveys()
CATALOGUE = Messages.load(MESSAGES.parent)
Make = Callable[..., Kiosk]


def names(folder: Path) -> dict[str, str]:
    return dict(load_languages(folder, CATALOGUE, SURVEYS).names)


def test_a_folder_adds_a_language_to_the_touch_screen(make_kiosk: Make, tmp_path: Path) -> None:
    write_language(tmp_path / "languages", SURVEYS.values())
    desk = make_kiosk(counter="q05", languages=tmp_path / "languages")
    assert f'href="/?lang={CODE}"' in desk.client.get("/").text
    page = desk.client.get(f"/?lang={CODE}").text
    question = SURVEYS["in_centre"].questions["rating"]
    assert f'<html lang="{CODE}">' in page
    assert said(question.text.vi) in page
    assert said(CATALOGUE.get("vi", "faces.lead")) in page
    assert "English" in page
    assert "Tiếng Việt" in page
    assert re.search(rf"<summary.*{NAME}", page)


def test_the_answer_says_in_which_language_it_was_given(make_kiosk: Make, tmp_path: Path) -> None:
    write_language(tmp_path / "languages", SURVEYS.values())
    kiosk = make_kiosk(languages=tmp_path / "languages")
    url = f"/f/{kiosk.code()}"
    page = kiosk.client.get(f"{url}?lang={CODE}")
    assert said(CATALOGUE.get("vi", "phone.send")) in page.text
    assert page.headers["content-language"] == CODE
    visit = re.search(r'name="visit" value="([^"]*)"', page.text)
    assert visit
    fields = {"visit": visit[1], "fingerprint": kiosk.fingerprint(), "rating": "4"}
    kiosk.client.post(url, data=fields)
    assert [one["language"] for one in kiosk.stored()] == [CODE]


def test_a_phone_that_prefers_the_language_gets_it(make_kiosk: Make, tmp_path: Path) -> None:
    write_language(tmp_path / "languages", SURVEYS.values())
    kiosk = make_kiosk(languages=tmp_path / "languages")
    wish = {"accept-language": f"{CODE}-VN, en;q=0.5"}
    assert kiosk.client.get(f"/f/{kiosk.code()}", headers=wish).headers["content-language"] == CODE
    assert kiosk.client.get("/", headers=wish).headers["content-language"] == "vi"


def test_without_a_folder_there_are_two_languages_and_a_link(desk: Kiosk) -> None:
    page = desk.client.get("/?lang=qaa").text
    assert '<html lang="vi">' in page
    assert "<summary" not in page
    assert ">English</a>" in page


def test_translations_change_no_fingerprint(tmp_path: Path) -> None:
    write_language(tmp_path, SURVEYS.values())
    known = load_languages(tmp_path, CATALOGUE, SURVEYS).surveys
    assert known.keys() == SURVEYS.keys()
    for name, survey in known.items():
        assert survey.fingerprint == SURVEYS[name].fingerprint
        assert [text.get("vi") for text in texts_of(survey).values()] == [
            text.vi for text in texts_of(SURVEYS[name]).values()
        ]


@given(st.data())
def test_a_question_is_translated_whole_or_not_at_all(data: st.DataObject) -> None:
    """Whatever of a survey is missing: no question has words or answers of two languages."""
    survey = SURVEYS["sipas_2020"]
    missing = data.draw(st.sets(st.sampled_from(sorted(texts_of(survey))), max_size=6))
    with tempfile.TemporaryDirectory() as folder:
        write_language(Path(folder), [survey], missing)
        known = load_languages(Path(folder), CATALOGUE, SURVEYS).surveys["sipas_2020"]
    for question in known.all_questions():
        scale = known.scale_of(question)
        levels = scale.levels if scale else ()
        keys = {f"questions.{question.id}", f"units.{question.id}"}
        keys |= {f"scales.{question.scale}.{level.code}" for level in levels}
        spoken = {text.language(CODE) for text in (question.text, *levels)}
        assert spoken == ({"vi"} if keys & missing else {CODE})
        for text in (question.text, *levels):
            assert text.get(CODE) == (said(text.vi) if spoken == {CODE} else text.vi)


def test_a_question_that_is_not_translated_says_its_own_language(
    make_kiosk: Make, tmp_path: Path
) -> None:
    write_language(tmp_path / "languages", SURVEYS.values(), ["questions.rating"])
    desk = make_kiosk(counter="q05", languages=tmp_path / "languages")
    page = desk.client.get(f"/?lang={CODE}").text
    question = SURVEYS["in_centre"].questions["rating"]
    assert re.search(rf'<h1 lang="vi">.*<span>{re.escape(question.text.vi)}</span></h1>', page)
    assert "<span>«" not in page.partition('<form class="faces"')[2].partition("</form>")[0]
    assert said(CATALOGUE.get("vi", "faces.lead")) in page


def test_messages_fall_back_one_by_one(tmp_path: Path) -> None:
    own = write_language(tmp_path, [])
    (own / "messages.toml").write_text('faces.lead = "Ŋoro"\n', "utf-8")
    messages = load_languages(tmp_path, CATALOGUE, SURVEYS).messages
    assert messages.get(CODE, "faces.lead") == "Ŋoro"
    assert messages.get(CODE, "faces.other") == CATALOGUE.get("vi", "faces.other")


def leads_out(folder: Path) -> None:
    outside = folder.parent / "outside"
    write_language(outside, [])
    folder.mkdir(exist_ok=True)
    (folder / CODE).symlink_to(outside / CODE)


def in_a_circle(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    (folder / CODE).symlink_to(folder / CODE)


def only_a_file(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    (folder / CODE).write_text("name = 'X'\n", "utf-8")


def about(content: bytes) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / CODE).mkdir(parents=True)
        (folder / CODE / "language.toml").write_bytes(content)

    return write


def called(name: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        write_language(folder, []).rename(folder / name)

    return write


def enormous(folder: Path) -> None:
    about(b'name = "X"\n')(folder)
    with (folder / CODE / "language.toml").open("r+b") as file:
        file.truncate(500 * 1024 * 1024)


def a_pipe(folder: Path) -> None:
    (folder / CODE).mkdir(parents=True)
    os.mkfifo(folder / CODE / "language.toml")


HOSTILE: dict[str, Callable[[Path], None]] = {
    "a link out of the folder": leads_out,
    "a link in a circle": in_a_circle,
    "a file for a folder": only_a_file,
    "a name that is no code": called("Tiếng Thái"),
    "a name with a line feed": called("qab\n"),
    "a name like a path": called("..qaa"),
    "a language of ours": called("vi"),
    "no language.toml": lambda folder: (folder / CODE).mkdir(parents=True),
    "an empty language.toml": about(b""),
    "not UTF-8": about(b'name = "\xff\xfe"\n'),
    "not TOML": about(b"name: Thai\n"),
    "a name that is a number": about(b"name = 7\n"),
    "a name of blanks": about(b'name = "   "\n'),
    "a name that writes backwards": about('name = "\u202eX"\n'.encode()),
    "a name of ours": about(b'name = "English"\n'),
    "a wrong key": about(b'name = "X"\nscript = "<script>"\n'),
    "from right to left": about(b'name = "X"\ndirection = "rtl"\n'),
    "a voice with a path": about(b'name = "X"\nvoice = "../../etc/passwd"\n'),
    "nested without end": about(b"name = " + b"[" * 50_000),
    "500 MB": enormous,
    "a pipe": a_pipe,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_language_that_cannot_be_used_is_named_and_left_out(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "languages"
    HOSTILE[name](folder)
    with caplog.at_level(logging.WARNING):
        found = names(folder)
    if name == "a name like a path":  # hidden names are nobody's language
        assert found == {"vi": "Tiếng Việt", "en": "English"}
        return
    [warning] = [record.getMessage() for record in caplog.records]
    assert found == {"vi": "Tiếng Việt", "en": "English"}
    assert "is left out" in warning
    assert "\n" not in warning


BAD_TEXTS = {
    "an unknown key": 'faces.lead = "ok"\nfaces.nose = "x"\n',
    "no text": "faces.lead = 'ok'\nfaces.other = ''\n",
    "other places": 'faces.lead = "ok"\nthanks.returning = "no number"\n',
    "a place that reads": 'faces.lead = "ok"\nthanks.returning = "{seconds.__class__}"\n',
    "a place that fills memory": 'faces.lead = "ok"\nthanks.returning = "{seconds:>999999999}"\n',
    "a brace alone": 'faces.lead = "ok"\nfaces.other = "{"\n',
    "a hidden direction": 'faces.lead = "ok"\nfaces.other = "a\\u202eb"\n',
    "a long one": f'faces.lead = "ok"\nfaces.other = "{"x" * 3000}"\n',
}


@pytest.mark.parametrize("name", BAD_TEXTS)
def test_a_message_that_cannot_be_used_falls_back_alone(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    own = write_language(tmp_path, [])
    (own / "messages.toml").write_text(BAD_TEXTS[name], "utf-8")
    with caplog.at_level(logging.WARNING):
        messages = load_languages(tmp_path, CATALOGUE, SURVEYS).messages
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "messages.toml" in caplog.text
    assert messages.get(CODE, "faces.lead") == "ok"
    for key in ("faces.other", "thanks.returning"):
        assert messages.texts[CODE][key] == CATALOGUE.texts["vi"][key]


@pytest.mark.parametrize(
    "content", [b"\xff", b"= 1", b"a = " + b"[" * 50_000, b"x" * (LARGEST_FILE + 1)]
)
@pytest.mark.parametrize("file", ["messages.toml", "in_centre.toml"])
def test_a_file_that_cannot_be_read_leaves_the_rest_in_use(
    file: str, content: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    own = write_language(tmp_path, SURVEYS.values())
    (own / file).write_bytes(content)
    with caplog.at_level(logging.WARNING):
        languages = load_languages(tmp_path, CATALOGUE, SURVEYS)
    assert file in caplog.text
    assert languages.names[CODE] == NAME
    assert languages.surveys["business"].title.get(CODE) == said(SURVEYS["business"].title.vi)
    if file == "in_centre.toml":
        assert languages.surveys["in_centre"].title.get(CODE) == SURVEYS["in_centre"].title.vi
        assert languages.messages.get(CODE, "faces.lead") == said(CATALOGUE.get("vi", "faces.lead"))


def test_markup_in_a_text_is_only_text(make_kiosk: Make, tmp_path: Path) -> None:
    own = write_language(tmp_path / "languages", SURVEYS.values())
    (own / "messages.toml").write_text('faces.lead = "<script>alert(1)</script>"\n', "utf-8")
    desk = make_kiosk(counter="q05", languages=tmp_path / "languages")
    assert "&lt;script&gt;alert(1)" in desk.client.get(f"/?lang={CODE}").text


def test_a_file_with_the_name_of_no_survey_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    own = write_language(tmp_path, SURVEYS.values())
    (own / "sipas.toml").write_text("", "utf-8")
    (own / "logo.svg").write_text("<svg onload='alert(1)'/>", "utf-8")
    with caplog.at_level(logging.WARNING):
        assert names(tmp_path)[CODE] == NAME
    assert "sipas.toml" in caplog.text
    assert "logo.svg" in caplog.text


@given(st.binary(max_size=300), st.sampled_from(["language", "messages", "in_centre"]))
def test_no_content_of_a_file_stops_the_kiosk(content: bytes, file: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        own = write_language(Path(folder), [SURVEYS["in_centre"]])
        (own / f"{file}.toml").write_bytes(content)
        languages = load_languages(Path(folder), CATALOGUE, SURVEYS)
    for code in languages.names:
        assert languages.messages.texts[code].keys() == CATALOGUE.texts["vi"].keys()


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(st.dictionaries(st.sampled_from(sorted(CATALOGUE.texts["vi"])), TEXTS, max_size=8))
def test_every_message_of_any_translation_can_be_filled_in(texts: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        own = write_language(Path(folder), [])
        (own / "messages.toml").write_text(table(texts), "utf-8")
        messages = load_languages(Path(folder), CATALOGUE, SURVEYS).messages
    for key, vietnamese in CATALOGUE.texts["vi"].items():
        values = {name: 1 for _, name, _, _ in string.Formatter().parse(vietnamese) if name}
        assert messages.get(CODE, key, **values)
