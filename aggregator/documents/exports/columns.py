"""The columns of the joined table: what each holds, and what its codes mean."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from aggregator.intake.submission_files import DATES, FIELDS, TAIL
from aggregator.organisation.seen import THEN, Seen, following
from aggregator.storage.flag_rules import FLAG_RULES
from aggregator.wording.channels import CHANNELS
from aggregator.wording.messages import MESSAGES
from surveys.centre import Centre
from surveys.definition import Question, Survey, Text
from surveys.messages import LANGUAGES

ColumnKind = Literal["text", "moment", "day", "one", "many", "ticked", "number"]
FIXED = (*FIELDS, *DATES, *TAIL)  # the columns before those of the questions, in this order
TICK = (Text(vi="Không chọn", en="Not chosen"), Text(vi="Có chọn", en="Chosen"))
LONGEST_NAME = 64  # bytes, of SPSS
# Reserved words of SPSS, which may be the id of a question.
KEPT = {"all", "and", "by", "eq", "ge", "gt", "le", "lt", "ne", "not", "or", "to", "with"}


@dataclass(frozen=True)
class ExportColumn:
    """One column. Of a question of many choices it is about the level ``code`` only.

    The one fixed column of several values has them in one cell.

    ``values`` are its possible values with their meanings; a missing answer is blank.
    ``survey`` and ``question`` are as in the newest of the ``definitions`` whose answers it holds.
    """

    name: str
    kind: ColumnKind
    label: Text
    values: tuple[tuple[str | int, Text], ...] = ()
    survey: Survey | None = None
    question: Question | None = None
    code: int | None = None
    definitions: tuple[Survey, ...] = ()

    def by(self, definition: Survey) -> "ExportColumn":
        """What the column says where its answers were given by this definition."""
        if self.question is None:
            return self
        asked = definition.questions[self.question.id]
        plain = _column(definition, asked)
        if self.code is None:
            return replace(plain, name=self.name)
        return _ticked(plain, self.code, self.name)


def joined_columns(
    centre: Centre, definitions: Iterable[Survey], organisation: Seen = THEN
) -> list[ExportColumn]:
    """The columns of a file that can be imported again; a question's column has its id as name.

    Definitions that use the same id share the column, which is listed once for each of them: the
    fingerprint of a row tells whose question it is.
    """
    known = list(definitions)
    questions = [_column(one, question) for one in known for question in one.all_questions()]
    return [*_fixed(centre, known, organisation), *questions]


def typed_columns(
    centre: Centre, definitions: Iterable[Survey], organisation: Seen = THEN
) -> list[ExportColumn]:
    """The columns of a file with types and labels (Parquet, SPSS), each with a unique name.

    Where surveys use the same question id, the survey's id stands before it, as its codes may
    mean something else. A question of many choices has a column of 0 and 1 for each level.
    ``definitions`` may have several of one survey, the newest last. Their answers share a column
    where no code means something else; where one does, that of the older ends with the beginning
    of its fingerprint. What only an older one asks stands behind.
    """
    by_survey: dict[str, list[Survey]] = {}
    for one in definitions:
        by_survey.setdefault(one.id, []).insert(0, one)
    columns = _fixed(centre, [newest for newest, *_ in by_survey.values()], organisation)
    taken = {column.name for column in columns}
    asked = {id: {q for one in known for q in one.questions} for id, known in by_survey.items()}
    uses = Counter(question for questions in asked.values() for question in questions)
    for id, known in by_survey.items():
        named: set[str] = set()
        for column in _shared(known):
            assert column.question is not None and column.survey is not None  # noqa: S101, PT018
            question = column.question.id
            name = question if uses[question] == 1 else f"{id}_{question}"
            name = f"{name}_{column.survey.fingerprint[:8]}" if question in named else name
            named.add(question)
            if column.kind != "many":
                columns.append(replace(column, name=_own_name(name, taken)))
                continue
            for code, _ in column.values:
                own = _own_name(f"{name}_{code}".replace("-", "m"), taken)
                columns.append(_ticked(column, int(code), own))
    return columns


def _shared(known: Sequence[Survey]) -> list[ExportColumn]:
    """The columns of one survey's definitions, the newest first: one for what means the same."""
    columns: list[ExportColumn] = []
    for definition in known:
        for question in definition.all_questions():
            new = _column(definition, question)
            for place, column in enumerate(columns):
                if _mean_the_same(column, new):
                    values = dict(new.values) | dict(column.values)
                    order = dict.fromkeys([*dict(column.values), *dict(new.values)])
                    columns[place] = replace(
                        column,
                        values=tuple((code, values[code]) for code in order),
                        definitions=(*column.definitions, definition),
                    )
                    break
            else:
                columns.append(new)
    return columns


def _mean_the_same(column: ExportColumn, older: ExportColumn) -> bool:
    """Whether answers to an older question may stand in a column under its labels."""
    assert column.question is not None and older.question is not None  # noqa: S101, PT018
    if (column.question.id, column.kind) != (older.question.id, older.kind):
        return False
    [given] = older.definitions
    for one in column.definitions:
        if given.fingerprint in one.same_as or one.fingerprint in given.same_as:
            return True
    values = dict(column.values)
    same = all(values.get(code, meaning) == meaning for code, meaning in older.values)
    return (
        same
        and column.question.text == older.question.text
        and (column.question.unit == older.question.unit)
    )


def _column(survey: Survey, question: Question) -> ExportColumn:
    scale = survey.scale_of(question)
    values = tuple((level.code, level) for level in scale.levels) if scale else ()
    return ExportColumn(
        question.id, question.kind, question.text, values, survey, question, definitions=(survey,)
    )


def _ticked(column: ExportColumn, code: int, name: str) -> ExportColumn:
    """The column of one level of a question of many choices."""
    meaning = dict(column.values)[code]
    texts = {one: f"{column.label.get(one)}: {meaning.get(one)}" for one in LANGUAGES}
    having = tuple(one for one in column.definitions if code in dict(_values(column, one)))
    return replace(
        column,
        name=name,
        kind="ticked",
        label=Text(**texts),
        values=tuple(enumerate(TICK)),
        code=code,
        definitions=having,
    )


def _values(column: ExportColumn, definition: Survey) -> tuple[tuple[str | int, Text], ...]:
    assert column.question is not None  # noqa: S101 - only questions have levels
    return _column(definition, definition.questions[column.question.id]).values


def _fixed(centre: Centre, surveys: Iterable[Survey], organisation: Seen) -> list[ExportColumn]:
    languages: Mapping[str, Text] = {
        language: _text(f"codebook.language_{language}") for language in LANGUAGES
    }
    units = following(centre, organisation)
    merged = {id for ids in units.values() for id in ids}
    values: Mapping[str, Mapping[str, Text]] = {
        "survey": {survey.id: survey.title for survey in surveys},
        "department": {one.id: one.name for one in centre.departments if one.id not in merged},
        "counter": {one.id: one.name for one in centre.counter.values() if one.id not in merged},
        "channel": CHANNELS,
        "language": languages,
        "flags": {rule: _text(f"flags.rule.{rule}") for rule in FLAG_RULES},
    }
    kinds: Mapping[str, ColumnKind] = {
        "answered_at": "moment",
        "received_at": "moment",
        "day": "day",
        "device": "number",
        "flags": "many",
    }
    names = {name: f"{name}_{organisation}" for name in units}  # so that a file tells which
    return [
        ExportColumn(
            own,
            kinds.get(name, "text"),
            _text(f"codebook.column_{own}"),
            tuple(values.get(name, {}).items()),
        )
        for name in FIXED
        for own in [names.get(name, name)]
    ]


def _own_name(wanted: str, taken: set[str]) -> str:
    """A name like ``wanted`` that SPSS accepts and that is not in ``taken``; adds it there."""
    wanted = f"q_{wanted}" if wanted in KEPT else wanted
    name, number = wanted[:LONGEST_NAME], 1
    while name in taken:
        number += 1
        name = f"{wanted[: LONGEST_NAME - 4]}_{number}"
    taken.add(name)
    return name


def _text(key: str) -> Text:
    return Text(vi=MESSAGES.get("vi", key), en=MESSAGES.get("en", key))
