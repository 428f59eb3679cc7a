"""Pictograms: a small drawing beside the words of what is asked, read once when the kiosk starts.

A folder, ours and one that a centre may give beside its centre file, holds::

    sipas_2020/access.svg            a survey's factor, or a question of it, by its id
    in_centre/reasons-1.svg          an answer: the question's id and the answer's code
    sipas_2020/about.svg             the last step, which asks about the respondent
    departments/so_tu_phap.svg       a department by its id; ``all`` is the whole centre
    screen/send.svg                  a button of the screen, or a question that is no survey's

A centre's drawing takes the place of ours. What cannot be used is named in the log and left out:
the words stand there alone, as they do where there is no drawing.

A drawing becomes part of our page, so that it has the colour of the words around it, also in high
contrast and forced colours. Therefore it is made of plain shapes in that one colour, and only what
we know of them is written into the page.
"""

import logging
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from xml.parsers import expat

from markupsafe import Markup, escape

from kiosk.folders import is_folder, named_files
from kiosk.places import WHOLE_CENTRE
from kiosk.survey_steps import ABOUT
from surveys.centre import Centre
from surveys.definition import Survey, heritage
from surveys.files import UnusableError, content
from surveys.pictures import check_picture

log = logging.getLogger("kiosk")

OURS = Path(__file__).parent / "pictograms"
LARGEST = 16_000  # bytes: ten of them stand in one page
MOST_SHAPES = 100
SCREEN = ("again", "keep", "next", "send", "where")

SHAPES = {"g", "path", "circle", "ellipse", "rect", "line", "polyline", "polygon"}
SILENT = {"title", "desc", "metadata", "defs"}  # what drawing programs write and nobody sees
COLOURS = {"fill", "stroke"}
KEPT = {"d", "points", "transform", "x", "y", "width", "height", "rx", "ry", "cx", "cy", "r"}
KEPT |= {"x1", "y1", "x2", "y2", "stroke-width", "stroke-linecap", "stroke-linejoin"}
KEPT |= {"stroke-dasharray", "fill-rule", "fill-opacity", "stroke-opacity", "opacity"}
DROPPED = {"id", "xmlns", "version", "aria-hidden", "role"}
DROPPED_OF_ROOT = {"viewBox", "width", "height", "x", "y"}
PLAIN = re.compile(r"[A-Za-z0-9\s.,()+-]*")
SQUARE = re.compile(r"0 0 ([0-9]{1,4}) \1")

Pictograms = Mapping[str, Markup]  # by group and id, as ``in_centre/reasons-1``


def load_pictograms(
    own: Path, surveys: Mapping[str, Survey], centre: Centre, *, expected: bool = False
) -> Pictograms:
    """Our drawings, with those of a centre's folder in their place. Never raises.

    ``expected``: the folder must be there, and is missed in the log where it is not.
    """
    names = set(names_of(surveys.values(), centre))
    if expected and not is_folder(own):
        log.warning("pictograms: %r is no folder", str(own))
    found = {**_read_folder(OURS, names), **_read_folder(own, names)}
    for survey in surveys.values():
        older = heritage(survey, surveys)
        for id, key in _ids_of(survey):
            same = (f"{one}/{id}" for one in older[key])
            name = f"{survey.id}/{id}"
            if name not in found and (drawn := next((n for n in same if n in found), None)):
                found[name] = found[drawn]
    return found


def names_of(surveys: Iterable[Survey], centre: Centre) -> Iterator[str]:
    """Every name that a drawing may have: its group and its id."""
    for survey in surveys:
        yield from (f"{survey.id}/{id}" for id, _ in _ids_of(survey))
    yield from (f"departments/{id}" for id in (*centre.department, WHOLE_CENTRE))
    yield from (f"screen/{id}" for id in SCREEN)


def _ids_of(survey: Survey) -> Iterator[tuple[str, str]]:
    """What of a survey may be drawn, each with the key of the text that it stands beside."""
    yield ABOUT, ""
    for factor in survey.factors:
        yield factor.id, f"factors.{factor.id}"
    for question in survey.all_questions():
        yield question.id, f"questions.{question.id}"
        scale = survey.scale_of(question)
        for code in scale.codes if scale else ():
            yield f"{question.id}-{code}", f"scales.{question.scale}.{code}"


def finder(pictograms: Pictograms) -> Callable[[str, object], Markup]:
    """What templates call to draw: nothing where there is no drawing of that group and id."""
    return lambda group, id: pictograms.get(f"{group}/{id}", Markup())


def _read_folder(folder: Path, names: Collection[str]) -> dict[str, Markup]:
    found = {}
    for name, path in named_files(folder, names, {".svg"}, "pictogram", "asked"):
        try:
            found[name] = drawing(content(path, LARGEST, folder))
        except UnusableError as error:
            log.warning("pictogram %r is left out: %s", str(path), error)
    return found


def drawing(data: bytes) -> Markup:
    """An SVG file as it is written into a page: its shapes, and nothing else that is in it.

    Raises UnusableError for what is no drawing of plain shapes in the colour of the words.
    """
    check_picture(data, "svg")
    parts: list[str] = []
    silent = 0  # how deep we are in what is left out
    shapes = 0

    def started(name: str, attributes: dict[str, str]) -> None:
        nonlocal silent, shapes
        if not parts and name != "svg":
            raise UnusableError(f"begins with <{name[:40]}>")
        if not parts:
            parts.append(_opened("svg", {"viewBox": _view_box(attributes)}, attributes))
        elif silent or name in SILENT or ":" in name:
            silent += 1
        elif name not in SHAPES:
            raise UnusableError(f"has <{name[:40]}>, which is no plain shape")
        else:
            shapes += 1
            parts.append(_opened(name, {}, attributes))

    def ended(name: str) -> None:
        nonlocal silent
        if silent:
            silent -= 1
        else:
            parts.append(f"</{name}>")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = started, ended
    parser.Parse(data, True)
    if not 0 < shapes <= MOST_SHAPES:
        raise UnusableError(f"has {shapes} shapes; wanted are 1 to {MOST_SHAPES}")
    return Markup("".join(parts))  # noqa: S704 - every part is escaped or a name that we know


def _view_box(attributes: Mapping[str, str]) -> str:
    view_box = attributes.get("viewBox", "")
    if not SQUARE.fullmatch(view_box):
        raise UnusableError(f"viewBox {view_box[:40]!r} is no square such as '0 0 48 48'")
    return view_box


def _opened(name: str, own: dict[str, str], attributes: Mapping[str, str]) -> str:
    """The start of an element with what is kept of its attributes."""
    kept = dict(own)
    if name == "svg":
        kept |= {"class": "pictogram", "aria-hidden": "true"}
    for key, value in attributes.items():
        if key in DROPPED or ":" in key or (name == "svg" and key in DROPPED_OF_ROOT):
            continue
        if key in COLOURS and value not in ("none", "currentColor"):
            raise UnusableError(f"{key}={value[:40]!r}: only none or currentColor")
        if key not in KEPT | COLOURS or not PLAIN.fullmatch(value):
            raise UnusableError(f"has {key[:40]}={value[:40]!r}, which is no plain shape's")
        kept[key] = value
    written = "".join(f' {key}="{escape(value)}"' for key, value in kept.items())
    return f"<{name}{written}>"
