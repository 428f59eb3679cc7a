"""Languages that a centre adds by files alone, read once when the kiosk starts.

A folder holds one folder a language, named by its code (BCP 47, two or three letters)::

    hmn/language.toml     name = "Hmoob", and if wanted the voice of espeak-ng: voice = "vi"
    hmn/messages.toml     the keys of kiosk/messages/vi.toml, as many as are translated
    hmn/in_centre.toml    the texts of a survey, by its id
    hmn/audio/            recorded voices, see voices.py; vi and en may have these, and only these

What is missing or cannot be used is named in the log and left out: a text is then shown in
Vietnamese, and a question only with all of its answers, so that nobody reads half of each.
"""

import logging
import re
import string
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from kiosk.folders import entries
from surveys.definition import Factor, Model, Question, Scale, Survey, Text, heritage, texts_of
from surveys.files import UnusableError, content, inside
from surveys.messages import LANGUAGE_CODE, Messages, flattened
from surveys.text import as_read, composed, why_not_shown

log = logging.getLogger("kiosk")

NAMED = 5  # keys that one warning names
OWN_NAMES: Mapping[str, str] = {"vi": "Tiếng Việt", "en": "English"}


class LanguageFile(Model):
    """What ``language.toml`` says: the language's own name, and how espeak-ng calls its voice."""

    name: str = Field(min_length=1, max_length=40, pattern=r"^\S(.*\S)?$")
    direction: Literal["ltr"] = "ltr"  # our pages have not been tried from right to left
    voice: str | None = Field(default=None, pattern=r"^[a-z][A-Za-z0-9+-]{1,30}$")


@dataclass(frozen=True)
class Languages:
    """The languages on offer: own names by code, Vietnamese and English first, and their texts.

    ``folder`` holds a folder for each of them, ``voices`` is what espeak-ng calls added ones.
    """

    names: Mapping[str, str]
    messages: Messages
    surveys: Mapping[str, Survey]
    folder: Path
    voices: Mapping[str, str] = field(default_factory=dict)

    def audio(self, language: str) -> Path:
        """The folder of a language's recorded voices, which need not exist."""
        return self.folder / language / "audio"


def load_languages(folder: Path, messages: Messages, surveys: Mapping[str, Survey]) -> Languages:
    """Vietnamese and English with every language of a folder that can be used. Never raises."""
    names, known, voices = dict(OWN_NAMES), dict(surveys), {}
    texts = dict(messages.texts)
    for path in entries(folder):
        code = path.name
        if code in OWN_NAMES:
            if others := [one.name[:60] for one in entries(path) if one.name != "audio"]:
                log.warning("%r is left out: the kiosk has it: %r", str(path), others[:NAMED])
            continue
        try:
            about = _about(path, folder, names)
        except UnusableError as error:
            log.warning("language %r is left out: %s", str(path), error)
            continue
        names[code] = composed(about.name)
        voices[code] = about.voice or code
        own = _words(path / "messages.toml", texts["vi"], _why_no_message(texts["vi"]))
        texts[code] = {**texts["vi"], **own}
        for survey in surveys.values():
            words = _words_of(survey, path)
            for key, older in heritage(survey, surveys).items():
                for one in older if key not in words else ():
                    if key in (there := _words_of(surveys[one], path)):
                        words[key] = there[key]
                        break
            known[survey.id] = _translated(known[survey.id], code, words)
        _warn_of_strangers(path, {"language", "messages", *surveys})
        log.info("language %s: %s of %s messages", code, len(own), len(texts["vi"]))
    return Languages(names, Messages(texts), known, folder, voices)


def _about(path: Path, folder: Path, names: Mapping[str, str]) -> LanguageFile:
    """What ``language.toml`` of a language's folder says. Raises UnusableError."""
    if not re.fullmatch(LANGUAGE_CODE, path.name):
        raise UnusableError("the name is no code of two or three small letters")
    if not inside(path, folder).is_dir():
        raise UnusableError("is no folder")
    try:
        about = LanguageFile.model_validate(read_table(path / "language.toml"))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise UnusableError(f"language.toml: {key[:40]!r}: {first['msg']}") from error
    if why := why_not_shown(about.name):
        raise UnusableError(f"language.toml: 'name': {why}")
    if composed(about.name) in names.values():
        raise UnusableError("language.toml: 'name': another language has it")
    return about


def read_table(path: Path) -> dict[str, object]:
    """The content of a TOML file beside others. Raises UnusableError, which names the file."""
    try:
        return tomllib.loads(content(path).decode("utf-8"))
    except UnusableError as error:
        raise UnusableError(f"{path.name}: {error}") from error
    except (ValueError, RecursionError) as error:  # also what is not UTF-8
        raise UnusableError(f"{path.name}: not TOML: {type(error).__name__}") from error


def _words_of(survey: Survey, folder: Path) -> dict[str, str]:
    """The usable texts of a survey's file."""
    return _words(folder / f"{survey.id}.toml", texts_of(survey), lambda _key, _words: None)


def _words(
    path: Path, known: Collection[str], why_not: Callable[[str, str], str | None]
) -> dict[str, str]:
    """The usable texts of a file by dotted key; a missing file has none."""
    if not path.exists() and not path.is_symlink():
        return {}
    try:
        table = read_table(path)
        found = flattened(table)
    except (UnusableError, RecursionError) as error:
        log.warning("%r is left out: %s", str(path), error)
        return {}
    usable: dict[str, str] = {}
    bad: list[str] = []
    for key, words in found:
        why = "unknown key" if key not in known else why_not_shown(words) or why_not(key, words)
        if why:
            bad.append(f"{key[:60]!r} ({why})")
        else:
            usable[key] = composed(words)
    if bad:
        more = f" and {len(bad) - NAMED} more" if len(bad) > NAMED else ""
        log.warning("%r: left out: %s%s", str(path), ", ".join(bad[:NAMED]), more)
    return usable


def places(words: str) -> set[str] | None:
    """The names of a message's ``{places}``; None where it could not be filled in safely."""
    try:
        parts = list(string.Formatter().parse(words))
    except ValueError:
        return None
    if any(spec or conversion for _, _, spec, conversion in parts):
        return None  # such as {n:>999999999}
    return {name for _, name, _, _ in parts if name is not None}


def _why_no_message(vietnamese: Mapping[str, str]) -> Callable[[str, str], str | None]:
    def why(key: str, words: str) -> str | None:
        wanted = places(vietnamese[key])
        return None if places(words) == wanted else "other {places} than in Vietnamese"

    return why


def _warn_of_strangers(folder: Path, known: Collection[str]) -> None:
    for path in entries(folder):
        if path.name != "audio" and (path.suffix != ".toml" or path.stem not in known):
            log.warning("%r is left out: no survey or part has this name", str(path))


def _translated(survey: Survey, code: str, words: Mapping[str, str]) -> Survey:
    """The survey with one more language.

    A question is in it where its text, all of its answers, each another, and its unit are.
    """
    if not words:
        return survey

    def text(key: str, original: Text) -> Text:
        return original.translated({code: words[key]}) if key in words else original

    def whole(one: Question) -> bool:
        keys = [f"questions.{one.id}", *([f"units.{one.id}"] if one.unit else [])]
        if one.scale:
            levels = [f"scales.{one.scale}.{code}" for code in survey.scales[one.scale].codes]
            if len({as_read(words.get(key, key)) for key in levels}) < len(levels):
                return False  # answers that nobody could tell apart
            keys += levels
        return words.keys() >= set(keys)

    def question(one: Question) -> Question:
        if not whole(one):
            return one
        unit = one.unit and text(f"units.{one.id}", one.unit)
        return one.model_copy(update={"text": text(f"questions.{one.id}", one.text), "unit": unit})

    def factor(one: Factor) -> Factor:
        own = tuple(map(question, one.questions))
        return one.model_copy(
            update={"name": text(f"factors.{one.id}", one.name), "questions": own}
        )

    def scale(one: Question, before: Scale) -> Scale:
        levels = tuple(
            level.translated({code: words[f"scales.{one.scale}.{level.code}"]})
            for level in before.levels
        )
        return before.model_copy(update={"levels": levels})

    scales = {
        one.id: scale(one, before) if whole(one) else before
        for one in survey.all_questions()
        if (before := survey.scale_of(one)) is not None
    }
    return survey.translated(
        title=text("title", survey.title),
        introduction=text("introduction", survey.introduction),
        factors=tuple(map(factor, survey.factors)),
        profile=tuple(map(question, survey.profile)),
        scales_by_question=scales,
    )
