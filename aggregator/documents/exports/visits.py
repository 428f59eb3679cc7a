"""Rows of a visit: what one person rated, gave as reasons, wrote and answered, in one row."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from aggregator.documents.exports.columns import FIXED, ExportColumn
from aggregator.storage.flag_rules import FLAG_RULES

OWN = ("id", "survey", "fingerprint")  # of each submission, so of no visit
KEPT = [place for place, name in enumerate(FIXED) if name not in OWN]
VISIT, COMMENT, RECEIVED, FLAGS = map(FIXED.index, ("visit", "comment", "received_at", "flags"))


def visit_columns(columns: Sequence[ExportColumn]) -> list[ExportColumn]:
    """The columns of ``visits``, of those of its rows."""
    return [*(columns[place] for place in KEPT), *columns[len(FIXED) :]]


def visits(rows: Iterable[Sequence[Any]]) -> Iterator[list[Any]]:
    """One row a visit, of ``typed_rows`` in which those of a visit follow one another.

    Each value is the first that was given, the comments are joined by a line break, the flags are
    those of all, and the time of receipt is the last. What a person answered twice and not alike
    begins another row, so that no answer is left out. A submission without a visit is one of its
    own.
    """
    before: list[Any] | None = None
    for row in rows:
        if before is not None and _belongs(before, row):
            before = [_first(*pair) for pair in zip(_joined(before, row), row, strict=True)]
            continue
        if before is not None:
            yield _kept(before)
        before = list(row)
    if before is not None:
        yield _kept(before)


def _belongs(before: Sequence[Any], row: Sequence[Any]) -> bool:
    if before[VISIT] is None or before[VISIT] != row[VISIT]:
        return False
    answers = zip(before[len(FIXED) :], row[len(FIXED) :], strict=True)
    return all(one is None or other is None or one == other for one, other in answers)


def _joined(before: list[Any], row: Sequence[Any]) -> list[Any]:
    comments = [text for text in (before[COMMENT], row[COMMENT]) if text]
    before[COMMENT] = "\n".join(comments) or None
    flags = [rule for rules in (before[FLAGS], row[FLAGS]) if rules for rule in rules.split(";")]
    before[FLAGS] = ";".join(rule for rule in FLAG_RULES if rule in flags) or None
    before[RECEIVED] = max(before[RECEIVED], row[RECEIVED])
    return before


def _first(one: Any, other: Any) -> Any:
    return other if one is None else one


def _kept(row: Sequence[Any]) -> list[Any]:
    return [*(row[place] for place in KEPT), *row[len(FIXED) :]]
