"""The stylesheets hold nothing that no page uses, and pages ask for nothing that is not there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
STYLESHEETS = sorted((ROOT / "static" / "css").glob("*.css"))
SCRIPTS = sorted((ROOT / "static" / "js").glob("*.js"))
TEMPLATES = sorted([*ROOT.glob("kiosk/templates/*"), *ROOT.glob("aggregator/**/templates/*.html")])
# A class may come from a template, from a script, or as a value from Python: an index's level.
SOURCES = [*TEMPLATES, *SCRIPTS, *ROOT.glob("kiosk/*.py"), *ROOT.glob("aggregator/**/*.py")]

COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
NAME = r"[A-Za-z][\w-]*"


def read(*files: Path) -> str:
    return "\n".join(file.read_text("utf-8") for file in files)


def rules(*stylesheets: Path) -> str:
    return COMMENT.sub("", read(*stylesheets))


def test_every_custom_property_is_defined_and_used() -> None:
    defined = set(re.findall(rf"(--{NAME})\s*:", rules(*STYLESHEETS)))
    used = set(re.findall(rf"var\(\s*(--{NAME})", rules(*STYLESHEETS)))
    # A template may give an element its colour: svg attributes are no inline style.
    used |= set(re.findall(rf"var\(\s*(--{NAME})", read(*SOURCES)))
    assert defined == used


@pytest.mark.parametrize("stylesheet", STYLESHEETS, ids=lambda file: file.name)
def test_every_class_and_id_of_a_stylesheet_is_on_some_page(stylesheet: Path) -> None:
    selectors = re.sub(r"\{[^{}]*\}", "{}", rules(stylesheet))  # without declarations
    words = set(re.findall(NAME, read(*SOURCES)))
    # "of-{{ … }}" in a template stands for of-2, of-4, …
    stems = tuple(re.findall(rf"({NAME}-)\{{\{{", read(*TEMPLATES)))
    styled = set(re.findall(rf"[.#]({NAME})", selectors))
    assert {name for name in styled if name not in words and not name.startswith(stems)} == set()


def test_every_stylesheet_and_script_is_asked_for() -> None:
    asked = read(*TEMPLATES, *SCRIPTS)
    for file in [*STYLESHEETS, *SCRIPTS]:
        assert re.search(rf"['\"/]{re.escape(file.stem)}(\.{file.suffix[1:]})?['\"]", asked), (
            file.name
        )
