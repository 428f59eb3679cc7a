"""The columns of a CSV file of submissions, and how its cells are read and escaped."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple
from unicodedata import normalize
from uuid import NAMESPACE_URL, uuid5

from aggregator.intake.files import whole
from surveys.definition import Survey
from surveys.text import composed
from surveys.wire import Refused

FIELDS = ("id", "survey", "fingerprint", "department", "counter", "channel", "visit")
# Of these import reads the first: the others are what is known here, not what a sender may say.
DATES = ("answered_at", "received_at", "day", "device", "flags")
TAIL = ("language", "comment")
DEFINITIONS = ".definitions.json"  # what a file's name ends with that has its definitions
# A spreadsheet may run a cell that begins like this as a formula (OWASP, CSV injection). It is
# written with an apostrophe before it, and so is one that begins with an apostrophe itself.
MARKED = re.compile(r"\s*[=+\-@＝＋－＠]|[\t\r\n']")
NOT_SAID = ("count", "flags")  # how often a row was said, and what is said of it
Content = tuple[tuple[str, str], ...]  # the cells of a row, by column
ROW_IDS = uuid5(NAMESPACE_URL, "urn:hailong:import-row")


class ReadRow(NamedTuple):
    """A raw submission, and the ids under which an older release may have stored the same row.

    Ids are made from the text of the row. Older releases did not compose it (surveys/text.py),
    so that each Unicode form of it had an id of its own.
    """

    raw: dict[str, Any]
    other_ids: tuple[str, ...] = ()


class SubmissionReader:
    """Turns the records of an import file into raw submissions, as Ingest takes them."""

    def __init__(self, definition: Callable[[str, str | None], Survey]) -> None:
        """``definition``: the one of a survey and a fingerprint; see Ingest.definition."""
        self._definition = definition
        self._seen: Counter[Content] = Counter()

    def raw(self, cells: Mapping[str, str]) -> Iterator[ReadRow]:
        """The submissions of one record: ``count`` equal ones, with ids made from the row.

        The id of a row also depends on how many equal rows came before it. So the same file
        gives the same ids again, and two equal answers stay two. Raises Refused.
        """
        count = _count(cells.get("count", ""))
        survey = self._definition(cells["survey"], cells.get("fingerprint", "").strip() or None)
        base: dict[str, Any] = {
            name: cells[name]
            for name in (*FIELDS, "answered_at", *TAIL)
            if cells.get(name, "").strip()
        }
        base.setdefault("channel", "import")
        if "comment" in base:
            base["comment"] = unescaped(base["comment"])
        base["answers"] = dict(_answers(survey, cells))
        if "id" in base:
            if count != 1:
                raise Refused("count", "count_with_id")
            yield ReadRow(base)
            return
        content = _content(cells, composed)
        forms = {_content(cells, str), _content(cells, partial(normalize, "NFD"))} - {content}
        before = self._seen[content]
        self._seen[content] += count
        for number in range(before, before + count):
            others = tuple(_row_id(form, number) for form in forms)
            yield ReadRow({**base, "id": _row_id(content, number)}, others)


def _content(cells: Mapping[str, str], form: Callable[[str], str]) -> Content:
    return tuple(sorted((k, form(v)) for k, v in cells.items() if v and k not in NOT_SAID))


def _row_id(content: Content, number: int) -> str:
    return str(uuid5(ROW_IDS, repr((content, number))))


def _count(text: str) -> int:
    return whole("count", text.strip() or "1", 1)


def _answers(survey: Survey, cells: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    for name, cell in cells.items():
        value = cell.strip()
        if name in (*FIELDS, *DATES, *TAIL, "count") or not value:
            continue
        question = survey.questions.get(name)
        if question is None:
            raise Refused("answers", "unknown_question", value=name[:40])
        try:
            yield (
                name,
                [int(c) for c in value.split(";")] if question.kind == "many" else int(value),
            )
        except ValueError:
            raise Refused(f"answers.{name}", "not_a_whole_number") from None


def escaped(comment: str) -> str:
    """A comment as written to a file, such that no spreadsheet runs it as a formula."""
    return f"'{comment}" if MARKED.match(comment) else comment


def unescaped(comment: str) -> str:
    """The comment that ``escaped`` was given."""
    return comment[1:] if comment.startswith("'") and MARKED.match(comment, 1) else comment
