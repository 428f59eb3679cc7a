"""Message catalogues: one TOML file a language, Vietnamese first, English second."""

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

Language = Literal["vi", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
# A primary subtag of BCP 47: what a language that a centre adds is called, and what is stored.
LANGUAGE_CODE = r"^[a-z]{2,3}$"


@dataclass(frozen=True)
class Messages:
    """Texts by language and dotted key, such as ``thanks.title``; each language has each key."""

    texts: Mapping[str, Mapping[str, str]]

    @classmethod
    def load(cls, folder: Path) -> "Messages":
        """Read ``vi.toml`` and ``en.toml`` of a folder.

        Raises ValueError where the two do not hold the same keys.
        """
        texts: dict[str, Mapping[str, str]] = {
            language: dict(
                flattened(tomllib.loads((folder / f"{language}.toml").read_text("utf-8")))
            )
            for language in LANGUAGES
        }
        if odd := set(texts["vi"]) ^ set(texts["en"]):
            raise ValueError(f"{folder}: not in both catalogues: {', '.join(sorted(odd))}")
        return cls(texts)

    def get(self, language: str, key: str, /, **values: object) -> str:
        """The text of a key with its ``{places}`` filled. Raises KeyError for an unknown key."""
        text = self.texts[language][key]
        return text.format(**values) if values else text


class MessageError(ValueError):
    """Why something cannot be done, as a message: its key in a catalogue, and its values.

    A subclass names the ``section`` of the catalogue that its keys stand in, such as "refused.",
    and the HTTP ``status`` of a page that says so.
    """

    section = ""
    status = 400

    def __init__(self, key: str, /, **values: object) -> None:
        super().__init__(" ".join(map(str, (key, *values.values()))))
        self.key = key
        self.values = values

    @property
    def message(self) -> str:
        """The whole key."""
        return self.section + self.key

    def text(self, messages: Messages, language: str) -> str:
        """The reason in a language. Raises KeyError where the catalogue lacks it."""
        return messages.get(language, self.message, **self.values)


def reason_of(error: BaseException, messages: Messages, language: str) -> str:
    """Why an error was raised: in a language where it has a message, else as it says itself."""
    return error.text(messages, language) if isinstance(error, MessageError) else str(error)


class FieldError(MessageError):
    """Such a reason about one field or parameter of what was sent."""

    def __init__(self, field: str, key: str, /, **values: object) -> None:
        super().__init__(key, **values)
        self.field = field

    def __str__(self) -> str:
        return f"{self.field}: {super().__str__()}"


def flattened(table: Mapping[str, object], prefix: str = "") -> list[tuple[str, str]]:
    """Every value of a table of tables as text, with its dotted key."""
    found: list[tuple[str, str]] = []
    for key, value in table.items():
        if isinstance(value, dict):
            found += flattened(value, f"{prefix}{key}.")
        else:
            found.append((f"{prefix}{key}", str(value)))
    return found


def choose_language(wanted: str | None, accept_language: str = "") -> Language:
    """The language of ``wanted``, else of an Accept-Language header, else Vietnamese."""
    if wanted in LANGUAGES:
        return wanted
    return "en" if preferred_language(accept_language, LANGUAGES) == "en" else "vi"


def preferred_language(accept_language: str, known: Collection[str]) -> str:
    """The first language of an Accept-Language header where it is known, else Vietnamese."""
    first = accept_language.split(",")[0].split(";")[0].split("-")[0].strip().lower()
    return first if first in known else "vi"
