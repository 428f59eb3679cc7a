"""Catalogues: the same keys and places in both languages, and the asker's language."""

import string
from pathlib import Path

import pytest

from surveys.messages import LANGUAGES, FieldError, MessageError, Messages, choose_language

ROOT = Path(__file__).parents[2]
ROOMS = ["surveys", "kiosk", "aggregator/wording"]


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("room", ROOMS)
def test_both_languages_say_the_same_with_the_same_places(room: str) -> None:
    texts = Messages.load(ROOT / room / "messages").texts
    assert set(texts["vi"]) == set(texts["en"])
    differing = [key for key in texts["vi"] if places(texts["vi"][key]) != places(texts["en"][key])]
    assert not differing
    assert not [key for language in LANGUAGES for key, text in texts[language].items() if not text]


def test_a_key_of_one_language_alone_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "vi.toml").write_text('[page]\ntitle = "Tiêu đề"\nlead = "Lời"\n', "utf-8")
    (tmp_path / "en.toml").write_text('[page]\ntitle = "Title"\n', "utf-8")
    with pytest.raises(ValueError, match=r"not in both catalogues: page\.lead"):
        Messages.load(tmp_path)


def test_places_are_filled_and_an_unknown_key_is_an_error(tmp_path: Path) -> None:
    for language in LANGUAGES:
        (tmp_path / f"{language}.toml").write_text('a.b = "{n} of {key} {{x}}"\n', "utf-8")
    messages = Messages.load(tmp_path)
    assert messages.get("vi", "a.b", n=3, key="q") == "3 of q {x}"
    with pytest.raises(KeyError):
        messages.get("en", "a.c")


class TeaError(MessageError):
    section = "tea."


def test_an_error_is_said_in_the_language_of_whoever_asks(tmp_path: Path) -> None:
    (tmp_path / "vi.toml").write_text('[tea]\nspilt = "Đổ {n} chén"\n', "utf-8")
    (tmp_path / "en.toml").write_text('[tea]\nspilt = "{n} cups spilt"\n', "utf-8")
    messages, error = Messages.load(tmp_path), TeaError("spilt", n=2)
    assert error.message == "tea.spilt"
    assert error.text(messages, "vi") == "Đổ 2 chén"
    assert error.text(messages, "en") == "2 cups spilt"
    assert str(error) == "spilt 2"


def test_an_error_about_a_field_names_it_and_may_have_any_value() -> None:
    error = FieldError("from", "odd", field="one", key="two")
    assert (error.field, error.key, error.values) == ("from", "odd", {"field": "one", "key": "two"})
    assert str(error) == "from: odd one two"


@pytest.mark.parametrize(
    ("wanted", "accept", "language"),
    [
        (None, "", "vi"),
        (None, "en-GB,en;q=0.9,vi;q=0.8", "en"),
        (None, "EN", "en"),
        (None, "vi-VN,en;q=0.5", "vi"),
        (None, "fr-FR,en;q=0.5", "vi"),
        ("vi", "en", "vi"),
        ("en", "vi", "en"),
        ("xx", "en", "en"),
        ("", ";;;,,,", "vi"),
    ],
)
def test_a_wish_comes_before_the_browsers_language(
    wanted: str | None, accept: str, language: str
) -> None:
    assert choose_language(wanted, accept) == language
