"""A language made up for tests, as files: every text is the Vietnamese one between marks."""

import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

from surveys.definition import Survey, texts_of
from surveys.messages import flattened

MESSAGES = Path(__file__).parents[2] / "kiosk" / "messages" / "vi.toml"
CODE, NAME = "qaa", "Ƭiɓɓu ŋoro"  # a code of those for private use


def said(words: str) -> str:
    """A text in the language."""
    return f"«{words}»"


def table(texts: Mapping[str, str]) -> str:
    """A TOML file of texts by dotted key."""
    return "".join(
        f"{key} = {json.dumps(text, ensure_ascii=False)}\n" for key, text in texts.items()
    )


def write_language(folder: Path, surveys: Iterable[Survey], leave_out: Iterable[str] = ()) -> Path:
    """Write the language into a folder of languages; ``leave_out`` are keys of survey texts."""
    own = folder / CODE
    own.mkdir(parents=True)
    (own / "language.toml").write_text(f'name = "{NAME}"\nvoice = "vi"\n', "utf-8")
    messages = dict(flattened(tomllib.loads(MESSAGES.read_text("utf-8"))))
    (own / "messages.toml").write_text(
        table({key: said(text) for key, text in messages.items()}), "utf-8"
    )
    for survey in surveys:
        texts = {key: said(text.vi) for key, text in texts_of(survey).items()}
        for key in leave_out:
            texts.pop(key, None)
        (own / f"{survey.id}.toml").write_text(table(texts), "utf-8")
    return own
