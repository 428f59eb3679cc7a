"""The columns of the joined table: what each holds, and what its codes mean."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from aggregator.intake.submission_files import DATES, FIELDS, TAIL
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

    ``values`` are its possible values with their meanings; a missing answer is blank.
    """

    name: str
    kind: ColumnKind
    label: Text
    values: tuple[tuple[str | int, Text], ...] = ()
    survey: Survey | None = None
    question: Question | None = None
    code: int | None = None


def joined_columns(centre: Centre, surveys: Mapping[str, Survey]) -> list[ExportColumn]:
    """The columns of a file that can be imported again; a question's column has its id as name.

    Surveys that use the same id share the column, which is listed once for each of them: the
    survey of a row tells whose question it is.
    """
    return [*_fixed(centre, surveys), *_questions(surveys)]


def typed_columns(centre: Centre, surveys: Mapping[str, Survey]) -> list[ExportColumn]:
    """The columns of a file with types and labels (Parquet, SPSS), each with a unique name.

    Where surveys use the same question id, the survey's id stands before it, as its codes may
    mean something else. A question of many choices has a column of 0 and 1 for each level.
    """
    columns = _fixed(centre, surveys)
    taken = {column.name for column in columns}
    uses = Counter(question for survey in surveys.values() for question in survey.questions)
    for column in _questions(surveys):
        survey, question = column.survey, column.question
        assert survey is not None and question is not None  # noqa: S101, PT018 - as made below
        name = question.id if uses[question.id] == 1 else f"{survey.id}_{question.id}"
        if column.kind != "many":
            columns.append(_renamed(column, _own_name(name, taken)))
            continue
        for code, meaning in column.values:
            label = Text(
                **{
                    language: f"{question.text.get(language)}: {meaning.get(language)}"
                    for language in LANGUAGES
                }
            )
            own = _own_name(f"{name}_{code}".replace("-", "m"), taken)
            ticks = tuple(enumerate(TICK))
            columns.append(ExportColumn(own, "ticked", label, ticks, survey, question, int(code)))
    return columns


def _fixed(centre: Centre, surveys: Mapping[str, Survey]) -> list[ExportColumn]:
    languages: Mapping[str, Text] = {
        language: _text(f"codebook.language_{language}") for language in LANGUAGES
    }
    values: Mapping[str, Mapping[str, Text]] = {
        "survey": {survey.id: survey.title for survey in surveys.values()},
        "department": {department.id: department.name for department in centre.departments},
        "counter": {counter.id: counter.name for counter in centre.counter.values()},
        "channel": CHANNELS,
        "language": languages,
    }
    kinds: Mapping[str, ColumnKind] = {
        "answered_at": "moment",
        "received_at": "moment",
        "day": "day",
    }
    return [
        ExportColumn(
            name,
            kinds.get(name, "text"),
            _text(f"codebook.column_{name}"),
            tuple(values.get(name, {}).items()),
        )
        for name in FIXED
    ]


def _questions(surveys: Mapping[str, Survey]) -> Iterator[ExportColumn]:
    for survey in surveys.values():
        for question in survey.all_questions():
            scale = survey.scale_of(question)
            values = tuple((level.code, level) for level in scale.levels) if scale else ()
            yield ExportColumn(question.id, question.kind, question.text, values, survey, question)


def _renamed(column: ExportColumn, name: str) -> ExportColumn:
    return ExportColumn(
        name, column.kind, column.label, column.values, column.survey, column.question
    )


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
