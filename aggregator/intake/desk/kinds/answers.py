"""Answers to a survey: ratings one by one or as totals by level, and paper ballots."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from aggregator.intake.desk.fields import COUNTER, DAY, DEPARTMENT, Field, Kind, Meaning, folded
from surveys.definition import Question, Survey

LEVEL = "level_"  # begins the name of a field that counts a level: a table of totals
NUMBERED = ("cau {}", "cau hoi {}", "c{}", "tieu chi {}", "tc{}", "q{}", "{}")
RATING = (
    *("muc do hai long", "muc do", "muc danh gia", "danh gia", "ket qua danh gia", "rating"),
    *("muc hai long", "y kien danh gia"),
)
TIME = Field("time", "time", ("gio", "gio danh gia", "time", "luc"))
COUNT = Field("count", "count", ("so phieu", "so luong phieu", "so luot", "so luot danh gia",
                                 "so luong", "count"))  # fmt: skip
COMMENT = Field("comment", "text", ("y kien", "y kien khac", "gop y", "y kien gop y", "nhan xet",
                                    "comment"))  # fmt: skip

# What short words offices write for a level, by its name folded.
SHORT: Mapping[str, Sequence[str]] = {
    "rat hai long": ("rhl",),
    "hai long": ("hl",),
    "binh thuong": ("bt",),
    "khong hai long": ("khl", "chua hai long"),
    "rat khong hai long": ("rkhl",),
}


def answers(name: str, survey: Survey) -> Kind:
    """The kind of a table of answers to ``survey``."""
    return Kind(name, list(_fields(survey)), survey)


def _fields(survey: Survey) -> Iterator[Field]:
    yield from (DAY, TIME, DEPARTMENT, COUNTER)
    rating = survey.questions.get("rating")
    for number, question in enumerate(survey.questions.values(), 1):
        called = RATING if question.id == "rating" else ()
        headers = list(dict.fromkeys((*called, *_called(question, number))))
        meaning: Meaning = {"many": "answers", "number": "whole"}.get(question.kind, "answer")  # type: ignore[assignment]
        yield Field(question.id, meaning, headers, question=question)
    scale = survey.scale_of(rating) if rating else None
    for level in scale.levels if rating and scale else ():
        headers = [*names_of(level.vi, level.en), f"muc {level.code}", f"{level.code}"]
        headers += [f"so luot {folded(level.vi)}", f"so phieu {folded(level.vi)}"]
        yield Field(f"{LEVEL}{level.code}", "count", headers, question=rating, counted=level)
    yield COUNT
    if survey.comment:
        yield COMMENT


def _called(question: Question, number: int) -> list[str]:
    """What a question may be called: its id, its number in the form, its text."""
    own = folded(question.id)
    numbers = {str(number), *re.findall(r"[0-9]+$", question.id)} if own != "rating" else set()
    numbered = [name.format(one) for one in sorted(numbers) for name in NUMBERED]
    return [own, *numbered, folded(question.text.vi), folded(question.text.en)]


@cache
def names_of(vi: str, en: str) -> tuple[str, ...]:
    """The folded names of a level, with the short words that offices write."""
    return (folded(vi), folded(en), *SHORT.get(folded(vi), ()))
