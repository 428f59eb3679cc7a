"""Typst: compiles the templates of this package with data, without the network."""

import json
from pathlib import Path

import typst

from aggregator.intake.files import FileError

ROOT = Path(__file__).parents[3]
TEMPLATES = Path(__file__).parent / "templates"
FONT = "@expo-google-fonts/tinos"  # as wide as Times New Roman


def pdf(template: str, data: dict[str, str]) -> bytes:
    """A template as PDF/A-2a and PDF/UA-1: to be archived, and tagged to be read aloud.

    It reads ``data``, JSON by name, from sys.inputs. Raises FileError.
    """
    made = typst.compile(
        TEMPLATES / template,
        root=TEMPLATES,
        font_paths=[fonts()],
        ignore_system_fonts=True,
        sys_inputs=data,
        format="pdf",
        pdf_standards=["a-2a", "ua-1"],
    )
    return bytes(made)


def pictures(template: str, data: dict[str, str], ppi: float) -> list[bytes]:
    """Each page of a template as PNG. Raises FileError."""
    made = typst.compile(
        TEMPLATES / template,
        root=TEMPLATES,
        font_paths=[fonts()],
        ignore_system_fonts=True,
        sys_inputs=data,
        format="png",
        ppi=ppi,
    )
    return [made] if isinstance(made, bytes) else list(made)


def fonts() -> Path:
    """The folder of the documents' font, which the set-up fetches. Raises FileError."""
    packages = json.loads((ROOT / "package.json").read_text("utf-8"))["dependencies"]
    folder = ROOT / "static" / "vendor" / f"{FONT.rpartition('/')[2]}-{packages[FONT]}"
    if not (folder / "Tinos_400Regular.ttf").is_file():
        raise FileError(f"{folder}: the font of the documents is not there: run make setup")
    return folder
