"""What a published source states, and from which of its other figures that can be computed."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pydantic import BaseModel, Field

from surveys.definition import Identifier, Model, Text

NUMBER = re.compile(r"[-+]?\d+(\.\d+)?")
Term = str | int


class PublishedStatement(Model):
    """What the source says, and the figures from which that can be computed.

    - ``terms`` add up; one that begins with "-" is taken away. With ``of`` the sum is a
      percentage of that sum. With ``weights``, one a term, the result is their weighted mean
      of scores up to 10, in points of 100.
    - A term is a number (exact), a figure as printed ("0.75"), or a path into the tables such
      as ``par_index.years.2019.survey``, in which ``*`` stands for every row.
    - ``each`` is a table: the statement holds for every row that has the figures. The row's
      own are ``.survey``; ``{key}``, ``{name}`` and ``{section}`` are filled in.
    - ``printed`` says what is printed, by section of the source.
    - ``notes`` explain a result, by the row's key or by section.
    """

    id: Identifier
    text: Text
    each: str = ""
    terms: tuple[Term, ...] = Field(min_length=1)
    weights: tuple[Term, ...] = ()
    of: tuple[Term, ...] = ()
    printed: Mapping[str, Term] = Field(min_length=1)
    notes: Mapping[str, Text] = {}


@dataclass(frozen=True)
class PrintedNumber:
    """A number of the source: exact, or rounded to its last digit."""

    value: Decimal
    exact: bool


@dataclass(frozen=True)
class Claim:
    """A statement for one row of its table and one section of the source, with its figures."""

    id: str
    text: Text
    section: str
    printed: PrintedNumber
    terms: tuple[PrintedNumber, ...]
    weights: tuple[PrintedNumber, ...]
    of: tuple[PrintedNumber, ...]
    note: Text | None


def claims(statement: PublishedStatement, tables: BaseModel) -> Iterator[Claim]:
    """A statement row by row and section by section.

    Raises ValueError for a path that leads nowhere and for a statement without any row.
    """
    found = False
    for key, row in _rows(statement, tables):
        try:
            terms, weights, of = (
                _numbers(each, tables, key, row)
                for each in (statement.terms, statement.weights, statement.of)
            )
            for section, term in statement.printed.items():
                [printed] = _numbers((term,), tables, key, row) or [None]
                if printed is None or terms is None or weights is None or of is None:
                    continue
                if weights and len(weights) != len(terms):
                    raise ValueError(f"statement {statement.id}: one weight a term")
                found = True
                where = section.format(section=getattr(row, "section", ""))
                yield Claim(
                    id=f"{statement.id}.{key}" if key else statement.id,
                    text=_filled(statement.text, key, getattr(row, "name", None)),
                    section=where,
                    printed=printed,
                    terms=terms,
                    weights=weights,
                    of=of,
                    note=statement.notes.get(key) or statement.notes.get(where),
                )
        except LookupError as error:
            raise ValueError(f"statement {statement.id}: there is no {error.args[0]}") from None
    if not found:
        raise ValueError(f"statement {statement.id}: no row has its figures")


def _rows(statement: PublishedStatement, tables: BaseModel) -> list[tuple[str, object]]:
    if not statement.each:
        return [("", None)]
    table: object = tables
    for part in statement.each.split("."):
        table = _children(table).get(part)
    return list(_children(table).items())


def _numbers(
    terms: Sequence[Term], tables: BaseModel, key: str, row: object
) -> tuple[PrintedNumber, ...] | None:
    """The numbers that terms stand for; None where the row leaves one of them empty.

    Raises LookupError for a path that leads nowhere.
    """
    found: list[PrintedNumber] = []
    for term in terms:
        if isinstance(term, int) or NUMBER.fullmatch(term):
            found.append(PrintedNumber(Decimal(term), exact=isinstance(term, int)))
            continue
        path = term.removeprefix("-").format(key=key)
        sign = -1 if term.startswith("-") else 1
        start = row if path.startswith(".") else tables
        for value in _values(start, path.removeprefix(".").split(".")):
            match value:
                case None:
                    return None
                case Decimal():
                    found.append(PrintedNumber(sign * value, exact=False))
                case int() | float():
                    number = int(value) if value == int(value) else value
                    found.append(PrintedNumber(sign * Decimal(str(number)), exact=True))
                case _:
                    raise LookupError(path)
    return tuple(found)


def _values(node: object, path: Sequence[str]) -> Iterator[object]:
    """What stands at the end of a path; empty cells count only where no ``*`` passed them."""
    if node is None or not path:
        yield from node if isinstance(node, tuple) else (node,)
    elif path[0] == "*":
        for child in _children(node).values():
            yield from (value for value in _values(child, path[1:]) if value is not None)
    elif path[0] in (children := _children(node)):
        yield from _values(children[path[0]], path[1:])
    else:
        raise LookupError(".".join(path))


def _children(node: object) -> dict[str, object]:
    """The fields of a model, or the rows of a table, by name."""
    if isinstance(node, BaseModel):
        return dict(node)
    return {str(key): value for key, value in node.items()} if isinstance(node, Mapping) else {}


def _filled(text: Text, key: str, name: Text | None) -> Text:
    return Text(
        vi=text.vi.format(key=key, name=name.vi if name else ""),
        en=text.en.format(key=key, name=name.en if name else ""),
    )
