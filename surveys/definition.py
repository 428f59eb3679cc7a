"""Instruments: surveys as typed, validated, fingerprinted definitions, one TOML file each."""

import hashlib
import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import cached_property, lru_cache
from itertools import islice
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar, cast

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    model_validator,
)

from surveys.files import UnusableError, content
from surveys.text import as_read, why_not_shown

Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Channel = Literal["kiosk", "qr", "paper", "import"]  # the ways an answer may come in
Fingerprint = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
# What a database counts with, of either kind; the least is kept for a skipped question.
Number = Annotated[int, Field(gt=-(2**31), lt=2**31)]
M = TypeVar("M", bound=BaseModel)

MOST_LEVELS, MOST_QUESTIONS = 100, 400
MOST_FILES = 100  # of a centre's own instruments


# Columns of import and export files, where a question's id is a column too.
RESERVED = {"id", "survey", "fingerprint", "department", "counter", "channel", "visit", "count"}
RESERVED |= {"answered_at", "received_at", "day", "device", "flags", "language", "comment"}


class DefinitionError(ValueError):
    """A definition file that cannot be used; the message names file, key and reason."""


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Text(Model):
    """A text in both languages, and in those that a centre has added (see kiosk/languages.py).

    Added ones are no part of the definition: fingerprints do not change with them.
    """

    vi: str = Field(min_length=1)
    en: str = Field(min_length=1)
    _added: Mapping[str, str] = PrivateAttr(default_factory=dict)

    def get(self, language: str) -> str:
        """The text in a language, or where it has not been translated, in Vietnamese."""
        return self.en if language == "en" else self._added.get(language, self.vi)

    def language(self, wanted: str) -> str:
        """The language that ``get`` answers in."""
        return wanted if wanted == "en" or wanted in self._added else "vi"

    def translated(self, added: Mapping[str, str]) -> Self:
        """The same text in more languages: words by their code."""
        copy = self.model_copy()
        copy._added = {**self._added, **added}
        return copy


def read_alike(texts: Iterable[tuple[object, Text]]) -> tuple[object, object] | None:
    """The names of the first two texts that nobody can tell apart, if there are any."""
    seen: dict[tuple[str, str], object] = {}
    for name, text in texts:
        for read in (("vi", as_read(text.vi)), ("en", as_read(text.en))):
            if (first := seen.setdefault(read, name)) != name:
                return first, name
    return None


class Level(Text):
    """One answer of a scale; its code is what is stored."""

    code: Number


class Scale(Model):
    """The answers of a question, best first, and the measures defined on them.

    A measure is the set of codes that count as favourable: its share is the number of
    answers with one of these codes over the number of all valid answers.
    """

    levels: tuple[Level, ...] = Field(min_length=2, max_length=MOST_LEVELS)
    measures: Mapping[Identifier, tuple[int, ...]] = {}

    @cached_property
    def codes(self) -> tuple[int, ...]:
        return tuple(level.code for level in self.levels)

    @model_validator(mode="after")
    def _codes(self) -> Self:
        if len(set(self.codes)) != len(self.levels):
            raise ValueError("two levels have the same code")
        if twins := read_alike((level.code, level) for level in self.levels):
            raise ValueError("levels {} and {} have the same text".format(*twins))
        for measure, codes in self.measures.items():
            if not codes or not set(codes) < set(self.codes):
                raise ValueError(f"measure {measure}: codes must be some, not all, of the scale's")
        return self


class PublishedResult(Model):
    """A figure published elsewhere for one question. Respondents do not see it."""

    value: float
    unit: Literal["percent", "days", "percent_of_costs"]
    year: int
    source: str
    note: Text | None = None


class Question(Model):
    """One question. ``wording`` tells how sure its text is:

    verbatim (from a published text), content (content confirmed), unverified (from general
    knowledge) or own (ours).
    """

    id: Identifier
    text: Text
    kind: Literal["one", "many", "number"] = "one"
    scale: Identifier | None = None
    minimum: Number | None = None
    maximum: Number | None = None
    unit: Text | None = None
    wording: Literal["verbatim", "content", "unverified", "own"]
    direction: Literal["higher_is_better", "lower_is_better"] = "higher_is_better"
    published: PublishedResult | None = None
    core: bool = False
    sensitive: bool = False

    @model_validator(mode="after")
    def _kind(self) -> Self:
        if (self.kind == "number") == (self.scale is not None):
            raise ValueError("a question has a scale, unless it asks for a number")
        bounds = (self.minimum, self.maximum)
        if self.kind == "number" and (None in bounds or bounds[0] >= bounds[1]):  # type: ignore[operator]
            raise ValueError("a number needs minimum < maximum")
        return self


class Factor(Model):
    """A group of questions on one subject, whose answers may be pooled."""

    id: Identifier
    name: Text
    lead: str = ""
    questions: tuple[Question, ...] = ()


class Follows(Model):
    """The instrument that a new version replaces from a day on, and what changed.

    On that day the series of the older one ends and another begins: no line and no test crosses.
    """

    survey: Identifier
    day: date
    reason: Text


class Survey(Model):
    """An instrument: its factors and questions, optional profile questions, and its scales.

    ``same_as`` are fingerprints of its earlier texts that mean the same, such as before a typo
    was mended: their answers are counted together.
    """

    id: Identifier
    audience: Literal["citizen", "business"]
    title: Text
    introduction: Text
    source: str = Field(min_length=1)
    comment: bool = False
    declinable: bool = False
    scales: Mapping[Identifier, Scale]
    factors: tuple[Factor, ...] = Field(min_length=1)
    profile: tuple[Question, ...] = ()
    follows: Follows | None = None
    same_as: tuple[Fingerprint, ...] = ()
    # The scales of questions that are asked in added languages, by question.
    _added_scales: Mapping[str, Scale] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _references(self) -> Self:
        seen: set[str] = set()
        for question in self.all_questions():
            if question.id in RESERVED:
                raise ValueError(f"question {question.id}: the name of a column of import files")
            if question.id in seen:
                raise ValueError(f"question {question.id} is defined twice")
            seen.add(question.id)
            if question.scale is not None and question.scale not in self.scales:
                raise ValueError(f"question {question.id}: unknown scale {question.scale}")
        if twins := read_alike((one.id, one.text) for one in self.all_questions()):
            raise ValueError("questions {} and {} have the same text".format(*twins))
        if len({factor.id for factor in self.factors}) != len(self.factors):
            raise ValueError("two factors have the same id")
        if len(seen) > MOST_QUESTIONS:
            raise ValueError(f"more than {MOST_QUESTIONS} questions")
        for key, text in texts_of(self).items():
            for language in ("vi", "en"):
                if why := why_not_shown(getattr(text, language)):
                    raise ValueError(f"{key}.{language}: {why}")
        if self.follows and self.follows.survey == self.id:
            raise ValueError("follows itself: a new version has an id of its own")
        return self

    def all_questions(self) -> Iterator[Question]:
        for factor in self.factors:
            yield from factor.questions
        yield from self.profile

    @cached_property
    def questions(self) -> Mapping[str, Question]:
        """Every question by id, the profile included."""
        return {question.id: question for question in self.all_questions()}

    @cached_property
    def valid_pairs(self) -> frozenset[tuple[str, int]]:
        """Every (question, code) of the questions that take one code of a scale."""
        return frozenset(
            (question.id, code)
            for question in self.all_questions()
            if question.kind == "one" and (scale := self.scale_of(question)) is not None
            for code in scale.codes
        )

    @cached_property
    def measured_by_factor(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Factor ids with the ids of their measured questions."""
        return tuple(
            (factor.id, tuple(q.id for q in factor.questions if self.measures_of(q)))
            for factor in self.factors
        )

    @cached_property
    def core(self) -> tuple[Question, ...]:
        """The questions of the short form."""
        return tuple(question for question in self.all_questions() if question.core)

    @cached_property
    def measured(self) -> tuple[Question, ...]:
        """The questions of the factors that have measures, in order."""
        in_factors = (question for factor in self.factors for question in factor.questions)
        return tuple(question for question in in_factors if self.measures_of(question))

    @cached_property
    def rating(self) -> str | None:
        """The id of the only measured question; None where several are measured, or none."""
        if len(self.measured) != 1 or self.measured[0].kind != "one":
            return None
        return self.measured[0].id

    @cached_property
    def measured_ids(self) -> frozenset[str]:
        return frozenset(question.id for question in self.measured)

    @cached_property
    def pooled_measures(self) -> Mapping[str, frozenset[int]]:
        """Favourable codes by measure, where answers may be pooled over questions; else empty.

        Only questions of one scale and one direction pool into a share that means something.
        """
        kinds = {(question.scale, question.direction) for question in self.measured}
        if len(self.measured) < 2 or len(kinds) > 1:
            return {}
        measures = self.measures_of(self.measured[0])
        return {measure: frozenset(codes) for measure, codes in measures.items()}

    @property
    def has_total(self) -> bool:
        """Whether the survey has one share for everybody: of one question, or of all pooled."""
        return len(self.measured) == 1 or bool(self.pooled_measures)

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen hex digits that change with any change of what is asked, or how.

        Published figures are not asked: a corrected one leaves the fingerprint as it is. Nor is
        how the instrument is related to others.
        """
        asked = self.model_dump(mode="json", exclude={"follows", "same_as"})
        for part in (*asked["factors"], {"questions": asked["profile"]}):
            for question in part["questions"]:
                question["published"] = None
        canonical = json.dumps(asked, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    @cached_property
    def form(self) -> Mapping[str, tuple[object, ...]]:
        """What answers are counted by, for each question: all but the words."""
        factors = {one.id: factor.id for factor in self.factors for one in factor.questions}
        found: dict[str, tuple[object, ...]] = {}
        for question in self.all_questions():
            scale = self.scale_of(question)
            measures = (
                {name: sorted(codes) for name, codes in scale.measures.items()} if scale else {}
            )
            codes = sorted(scale.codes) if scale else (question.minimum, question.maximum)
            where = (question.kind, question.direction, factors.get(question.id))
            found[question.id] = (*where, tuple(codes), json.dumps(measures, sort_keys=True))
        return found

    def differs_in(self, other: "Survey") -> str | None:
        """The first question that is not asked by the same codes in both, if there is any."""
        questions = dict.fromkeys([*other.form, *self.form])
        return next((q for q in questions if self.form.get(q) != other.form.get(q)), None)

    def translated(
        self,
        *,
        title: Text,
        introduction: Text,
        factors: tuple[Factor, ...],
        profile: tuple[Question, ...],
        scales_by_question: Mapping[str, Scale],
    ) -> "Survey":
        """The same survey, with the same fingerprint, whose texts are in more languages."""
        own = {name: getattr(self, name) for name in Survey.model_fields}
        texts = {"title": title, "introduction": introduction}
        made = Survey(**{**own, **texts, "factors": factors, "profile": profile})
        made._added_scales = scales_by_question
        return made

    def scale_of(self, question: Question) -> Scale | None:
        """The answers of a question, in all languages that the question itself is in."""
        if question.scale is None:
            return None
        return self._added_scales.get(question.id) or self.scales[question.scale]

    def measures_of(self, question: Question) -> Mapping[str, tuple[int, ...]]:
        scale = self.scale_of(question)
        return scale.measures if scale is not None and question.kind == "one" else {}


def texts_of(survey: Survey) -> dict[str, Text]:
    """Every text of a survey by the key that it has in a translation's file.

    ``title``, ``introduction``, ``factors.ID``, ``questions.ID``, ``units.ID`` (of a number
    question) and ``scales.ID.CODE``.
    """
    found = {"title": survey.title, "introduction": survey.introduction}
    found |= {f"factors.{factor.id}": factor.name for factor in survey.factors}
    for question in survey.all_questions():
        found[f"questions.{question.id}"] = question.text
        if question.unit:
            found[f"units.{question.id}"] = question.unit
    for name, scale in survey.scales.items():
        found |= {f"scales.{name}.{level.code}": level for level in scale.levels}
    return found


def heritage(survey: Survey, surveys: Mapping[str, Survey]) -> dict[str, list[str]]:
    """By the key of each text, the instruments followed in which it stands as well.

    They are ids, the newest first; under "" are all that the survey follows. So what belongs to a
    text, such as its translation or its picture, need not be made again for a new version.
    """
    found: dict[str, list[str]] = {key: [] for key in ("", *texts_of(survey))}
    chain = [survey]
    while (new := chain[-1].follows) and (older := surveys.get(new.survey)) not in (None, *chain):
        assert older is not None  # noqa: S101 - just asked
        chain.append(older)
        found[""].append(older.id)
        before = texts_of(older)
        for key, text in texts_of(survey).items():
            if key in before and as_read(before[key].vi) == as_read(text.vi):
                found[key].append(older.id)
    return found


def load_survey(path: Path) -> Survey:
    """Read one instrument. Raises DefinitionError, which names file, key and reason."""
    try:
        raw = content(path)
    except UnusableError as error:
        raise DefinitionError(f"{path}: {error}") from error
    survey = _parsed(raw, path.name, Survey)
    if survey.id != path.stem:
        raise DefinitionError(f"{path.name}: id: is {survey.id!r}, but the file is {path.stem!r}")
    return survey


def load_surveys(folder: Path = Path(__file__).parent) -> dict[str, Survey]:
    """Every instrument of a folder by id. Adding a survey is adding a TOML file."""
    return {path.stem: load_survey(path) for path in sorted(folder.glob("*.toml"))}


def load_instruments(own: Path | None) -> dict[str, Survey]:
    """Our instruments and those of a centre's ``own`` folder, by id; one of its own replaces ours.

    Raises DefinitionError, which names folder or file, key and reason.
    """
    surveys = load_surveys()
    if own is None:
        return surveys
    if not own.is_dir():
        raise DefinitionError(f"HAILONG_SURVEYS: {own}: no such folder")
    try:
        paths = list(islice(own.glob("*.toml"), MOST_FILES + 1))
    except OSError as error:
        raise DefinitionError(f"HAILONG_SURVEYS: {own}: {error.strerror}") from error
    if len(paths) > MOST_FILES:
        raise DefinitionError(f"HAILONG_SURVEYS: {own}: more than {MOST_FILES} instruments")
    surveys |= {path.stem: load_survey(path) for path in sorted(paths)}
    check_chains(surveys)
    return surveys


def check_chains(surveys: Mapping[str, Survey]) -> None:
    """Raise DefinitionError where instruments follow each other in a circle."""
    for survey in surveys.values():
        chain = [survey.id]
        while (later := surveys[chain[-1]].follows) and later.survey in surveys:
            if later.survey in chain:
                raise DefinitionError(f"{survey.id}: follows: in a circle")
            chain.append(later.survey)


def load_toml(path: Path, model: type[M]) -> M:
    """Read a TOML file into a model. Raises DefinitionError (file, key, reason)."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DefinitionError(f"{path}: cannot be read: {error.strerror}") from error
    return _parsed(raw, path.name, model)


def _parsed(raw: bytes, name: str, model: type[M]) -> M:
    return cast("M", _model(raw, name, model))


@lru_cache(maxsize=32)
def _model(raw: bytes, name: str, model: type[BaseModel]) -> BaseModel:
    """What a TOML file says; remembered, since rooms of one process read the same ones."""
    try:
        return model.model_validate(tomllib.loads(raw.decode("utf-8")))
    except ValidationError as error:  # a ValueError too
        raise DefinitionError(f"{name}: {reasons(error)}") from error
    except RecursionError as error:
        raise DefinitionError(f"{name}: not TOML: nested too deep") from error
    except ValueError as error:
        raise DefinitionError(f"{name}: not TOML: {error}") from error


def reasons(error: ValidationError) -> str:
    """Every fault of a document with its key, on one line."""
    return "; ".join(
        f"{'.'.join(str(part) for part in item['loc']) or 'file'}: {item['msg']}"
        for item in error.errors(include_url=False)
    )
