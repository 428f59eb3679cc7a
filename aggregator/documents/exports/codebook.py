"""The codebook beside an export: what the file is, and what each column and code means."""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime

from aggregator.documents.exports.columns import ExportColumn
from aggregator.documents.exports.joined import ExportFormat, JoinedTable
from aggregator.storage.flag_rules import SWITCHES
from aggregator.wording.channels import CHANNELS
from aggregator.wording.messages import MESSAGES
from aggregator.wording.numbers import integer
from surveys.centre import Centre
from surveys.definition import Question, Survey, Text
from surveys.messages import LANGUAGES, Language

HEADER = (
    "column",
    "label_vi",
    "label_en",
    "values_vi",
    "values_en",
    "type",
    "unit",
    "survey",
    "fingerprint",
    "factor",
    "measures",
    "direction",
    "wording",
    "sensitive",
    "note",
)


def codebook(
    table: JoinedTable, file_format: ExportFormat, rows: int, made_at: datetime, language: Language
) -> str:
    """A CSV file: first rows on the export as a whole, without a column name, then one a column.

    A column that two surveys or definitions share has a row for each. Labels and codes are in
    both languages, notes in ``language``.
    """
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, HEADER, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(_facts(table, file_format, rows, made_at))
    for column in table.columns(file_format):
        for one in column.definitions or (None,):
            told = column if one is None else column.by(one)
            writer.writerow(
                _row(told, file_format, language) | _rules(told, table.centre, language)
            )
    return buffer.getvalue()


def facts(
    table: JoinedTable, file_format: ExportFormat, rows: int, made_at: datetime
) -> dict[str, Text]:
    """Facts about the export as a whole, by name: centre, filters, time and so on."""
    centre, filters = table.centre, table.filters
    anything = _text("codebook.any")
    titles = {one.id: one.title for one in table.definitions}
    survey = titles[filters.survey] if filters.survey else anything
    department = centre.department[filters.department].name if filters.department else anything
    moment = made_at.astimezone(centre.zone).isoformat(timespec="seconds")
    comments = "raw" if table.raw_comments else "screened"
    return {
        "centre": centre.name,
        "province": centre.province,
        "time_zone": _same(centre.time_zone),
        "from": _same(filters.since.isoformat()) if filters.since else anything,
        "to": _same(filters.until.isoformat()) if filters.until else anything,
        "survey": survey,
        "channel": CHANNELS[filters.channel] if filters.channel else anything,
        "department": department,
        "organisation": _text(f"codebook.organisation_{table.organisation}"),
        "rows": _same(str(rows)),
        "each": _text(f"codebook.each_{table.each}"),
        "made_at": _same(moment),
        "format": _same(file_format),
        "comments": _text(f"codebook.comments_{comments}"),
        "blank": _text("codebook.blank"),
    }


def _facts(
    table: JoinedTable, file_format: ExportFormat, rows: int, made_at: datetime
) -> Iterator[dict[str, str]]:
    for name, value in facts(table, file_format, rows, made_at).items():
        yield {**_both("label", _text(f"codebook.fact_{name}")), **_both("values", value)}
    several = Counter(one.id for one in table.definitions)
    for one in table.definitions:
        if several[one.id] > 1:
            label = _both("label", _text("codebook.fact_definition"))
            about = {"survey": one.id, "fingerprint": one.fingerprint}
            yield {**label, **_both("values", one.title), **about}


def _row(column: ExportColumn, file_format: ExportFormat, language: Language) -> dict[str, str]:
    survey, question = column.survey, column.question
    values = {
        f"values_{one}": "; ".join(f"{value} = {text.get(one)}" for value, text in column.values)
        for one in LANGUAGES
    }
    if question is not None and question.kind == "number":
        values = dict.fromkeys(values, f"{question.minimum}-{question.maximum}")
    row = {
        "column": column.name,
        **_both("label", column.label),
        **values,
        "type": MESSAGES.get(language, f"codebook.type_{column.kind}"),
        "note": _note(column, file_format, language),
    }
    if survey is None or question is None:
        return row
    if file_format == "json":
        row["column"] = f"answers.{column.name}"
    return row | _about(survey, question, language)


def _rules(column: ExportColumn, centre: Centre, language: Language) -> dict[str, str]:
    """Of the column of flags: a note that says of each rule what it looks at, with its limits."""
    if column.name != "flags":
        return {}
    limits = {
        name: integer(value, language)
        for name, value in centre.flags
        if not isinstance(value, bool)
    }
    told = [MESSAGES.get(language, "codebook.note_flags")]
    for rule, switch in SWITCHES.items():
        is_on = getattr(centre.flags, switch)
        key = f"flags.how.{rule}" if is_on else "codebook.rule_off"
        told.append(f"{rule}: {MESSAGES.get(language, key, **limits)}")
    return {"note": " ".join(told)}


def _about(survey: Survey, question: Question, language: Language) -> dict[str, str]:
    """The cells of a row that come from the definition of a question."""

    def say(key: str) -> str:
        return MESSAGES.get(language, f"codebook.{key}")

    measures = survey.measures_of(question)
    counts = bool(measures) or question.kind == "number"
    return {
        "unit": question.unit.get(language) if question.unit else "",
        "survey": survey.id,
        "fingerprint": survey.fingerprint,
        "factor": _factor(survey, question, language),
        "measures": "; ".join(f"{name} = {_codes(codes)}" for name, codes in measures.items()),
        "direction": say(question.direction) if counts else "",
        "wording": say(f"wording_{question.wording}"),
        "sensitive": say("sensitive") if question.sensitive else "",
    }


def _factor(survey: Survey, question: Question, language: Language) -> str:
    for factor in survey.factors:
        if question in factor.questions:
            return factor.name.get(language)
    return MESSAGES.get(language, "codebook.profile")


def _codes(codes: tuple[int, ...]) -> str:
    return ", ".join(map(str, sorted(codes)))


def _note(column: ExportColumn, file_format: ExportFormat, language: Language) -> str:
    """What else a reader of the column must know, some of it in this format only; may be ''."""
    about = column.name if column.question is None else column.kind
    texts = MESSAGES.texts[language]
    return texts.get(f"codebook.note_{about}_{file_format}") or texts.get(
        f"codebook.note_{about}", ""
    )


def _text(key: str) -> Text:
    return Text(vi=MESSAGES.get("vi", key), en=MESSAGES.get("en", key))


def _same(text: str) -> Text:
    return Text(vi=text, en=text)


def _both(name: str, text: Text) -> Mapping[str, str]:
    return {f"{name}_{language}": text.get(language) for language in LANGUAGES}
