"""An instrument as a form holds it while it is edited; nothing of it is stored before it is valid.

The form's fields are its texts, each under its key and language (``questions.q1.vi``); ``order``
with a part and a question (``access/q1``; the profile has no part's name) for each question in its
turn; and for an added question its ``kind``, ``scale``, ``minimum`` and ``maximum``.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from aggregator.wording.phrases import Phrase, Words, joined, say, verbatim
from surveys.definition import Survey, reasons, texts_of
from surveys.messages import LANGUAGES
from surveys.text import LONGEST_TEXT, as_read, composed, fault_of

PROFILE = ""  # the part of the questions about the respondent
KINDS = ("one", "many", "number")
ADDED = re.compile(r"q_[0-9]{1,3}")
NUMBER = re.compile(r"-?[0-9]{1,9}")
ACTS = ("up", "down", "remove", "add")

Fields = Mapping[str, list[str]]


class SurveyFormError(ValueError):
    """Why what was typed is no instrument: the reasons by the name of their field."""

    def __init__(self, problems: Mapping[str, Words]) -> None:
        super().__init__(", ".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class Asked:
    """A question in the form; ``added`` ones have what their fields hold, as it was typed."""

    id: str
    added: bool = False
    kind: str = "one"
    scale: str = ""
    minimum: str = "0"
    maximum: str = "10"


@dataclass(frozen=True)
class SurveyForm:
    """What a form holds: texts by field, and the questions of each part in their order."""

    base: Survey
    texts: Mapping[str, str]
    parts: Mapping[str, tuple[Asked, ...]]

    @classmethod
    def of(cls, base: Survey) -> "SurveyForm":
        """The form of an instrument that nobody has touched."""
        texts = {
            f"{key}.{language}": getattr(text, language)
            for key, text in texts_of(base).items()
            for language in LANGUAGES
        }
        return cls(base, texts, {part: tuple(map(Asked, ids)) for part, ids in _parts(base)})

    @classmethod
    def read(cls, base: Survey, fields: Fields) -> "SurveyForm":
        """What was posted. A question that ``base`` has no longer is left out.

        Raises ValueError for what no page of ours sends.
        """
        form = cls.of(base)
        given = {name: values[0] for name, values in fields.items()}
        if "order" in fields:
            form = replace(form, parts=_ordered(base, fields["order"], given))
        added = (f"questions.{q.id}.{one}" for q in form.added for one in LANGUAGES)
        names = [*form.texts, *added]
        typed = {name: " ".join(composed(given[name]).split()) for name in names if name in given}
        return replace(form, texts={**dict.fromkeys(names, ""), **form.texts, **typed})

    @property
    def added(self) -> list[Asked]:
        return [one for asked in self.parts.values() for one in asked if one.added]

    def label(self, name: str) -> Words:
        """What a field is called where its problem is told, away from it."""
        kind, _, rest = name.partition(".")
        key, _, language = rest.rpartition(".")
        what = say(f"survey_form.of_{kind}")
        if kind in ("minimum", "maximum", "order"):
            return what
        text = texts_of(self.base).get(f"{kind}.{key}" if key else kind)
        said = verbatim("") if text is None or not key else quoted(text)
        return joined(what, said, say(f"surveys_page.in_{language or rest}"), by=" ")

    def fields(self) -> Iterator[tuple[str, str]]:
        """The form's fields, to be sent again."""
        yield from self.texts.items()
        for part, asked in self.parts.items():
            yield from (("order", f"{part}/{one.id}") for one in asked)
        for one in self.added:
            for name in ("kind", "scale", "minimum", "maximum"):
                yield f"{name}.{one.id}", getattr(one, name)

    def after(self, act: str) -> "SurveyForm":
        """The form after a button: up, down or remove with a question, or add with a part.

        Raises ValueError for what no page of ours sends.
        """
        do, _, what = act.partition(":")
        if do not in ACTS:
            raise ValueError(act)
        if do == "add":
            if what not in self.parts:
                raise ValueError(act)
            return self._with(what, (*self.parts[what], self.new))
        part = next((name for name, some in self.parts.items() if _place(some, what) >= 0), None)
        if part is None:
            raise ValueError(act)
        moved = list(self.parts[part])
        at = _place(moved, what)
        one = moved.pop(at)
        if do != "remove":
            moved.insert(max(0, at + (1 if do == "down" else -1)), one)
        return self._with(part, tuple(moved))

    def _with(self, part: str, asked: tuple[Asked, ...]) -> "SurveyForm":
        made = replace(self, parts={**self.parts, part: asked})
        new = (f"questions.{one.id}.{language}" for one in made.added for language in LANGUAGES)
        return replace(made, texts={**dict.fromkeys(new, ""), **self.texts})

    @property
    def new(self) -> Asked:
        """The question that is added next."""
        taken = {one.id for asked in self.parts.values() for one in asked} | set(
            self.base.questions
        )
        number = next(n for n in range(1, len(taken) + 2) if f"q_{n}" not in taken)
        scale = max(self.base.scales, key=lambda name: _users(self.base, name), default="")
        return Asked(f"q_{number}", added=True, scale=scale, kind="one" if scale else "number")

    def survey(self) -> Survey:
        """The instrument. Raises SurveyFormError, which names every field that is wrong."""
        problems = dict(self._problems())
        if problems:
            raise SurveyFormError(problems)
        try:
            return Survey.model_validate(self._document())
        except ValidationError as error:  # what our pages cannot lead to
            said = {"order": say("survey_form.other", reason=verbatim(reasons(error)))}
            raise SurveyFormError(said) from error

    def _document(self) -> dict[str, Any]:
        made = self.base.model_dump()
        put = self._put(made)
        put("title", made["title"])
        put("introduction", made["introduction"])
        for name, scale in made["scales"].items():
            for level in scale["levels"]:
                put(f"scales.{name}.{level['code']}", level)
        known = {
            question["id"]: question
            for part in (*made["factors"], {"questions": made["profile"]})
            for question in part["questions"]
        }
        for factor in made["factors"]:
            put(f"factors.{factor['id']}", factor["name"])
            factor["questions"] = [self._question(one, known) for one in self.parts[factor["id"]]]
        made["profile"] = [self._question(one, known) for one in self.parts[PROFILE]]
        return made

    def _put(self, made: dict[str, Any]) -> Callable[[str, dict[str, Any]], None]:
        def put(key: str, text: dict[str, Any]) -> None:
            text.update({one: self.texts[f"{key}.{one}"] for one in LANGUAGES})

        return put

    def _question(self, asked: Asked, known: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
        text = {one: self.texts[f"questions.{asked.id}.{one}"] for one in LANGUAGES}
        if asked.added:
            made: dict[str, Any] = {"id": asked.id, "kind": asked.kind, "wording": "own"}
            if asked.kind == "number":
                made |= {"minimum": int(asked.minimum), "maximum": int(asked.maximum)}
            else:
                made["scale"] = asked.scale
            return made | {"text": text}
        made = known[asked.id]
        if as_read(made["text"]["vi"]) != as_read(text["vi"]):
            made["wording"] = "own"  # no longer that of the source
        if made["unit"]:
            unit = f"units.{asked.id}"
            made["unit"] = {one: self.texts[f"{unit}.{one}"] for one in LANGUAGES}
        return made | {"text": text}

    def _problems(self) -> Iterator[tuple[str, Words]]:
        """The fields that are wrong, each with the reason."""
        asked = {one.id: one for some in self.parts.values() for one in some}
        if not asked:
            yield "order", say("survey_form.no_question")
        for name, words in self.texts.items():
            if self._is_shown(name, asked) and (fault := fault_of(words)):
                yield name, say(f"survey_form.{fault}", most=LONGEST_TEXT)
        questions = [f"questions.{id}" for id in asked]
        yield from self._twins(questions, "same_question")
        for name, scale in self.base.scales.items():
            levels = [f"scales.{name}.{code}" for code in scale.codes]
            yield from self._twins(levels, "same_level")
        for one in self.added:
            if one.kind != "number":
                continue
            bad = [n for n in ("minimum", "maximum") if not NUMBER.fullmatch(getattr(one, n))]
            yield from ((f"{name}.{one.id}", say("survey_form.no_number")) for name in bad)
            if not bad and int(one.minimum) >= int(one.maximum):
                yield f"maximum.{one.id}", say("survey_form.not_above")

    def _is_shown(self, name: str, asked: Mapping[str, Asked]) -> bool:
        kind, _, rest = name.partition(".")
        return kind not in ("questions", "units") or rest.partition(".")[0] in asked

    def _twins(self, keys: list[str], why: str) -> Iterator[tuple[str, Words]]:
        for language in LANGUAGES:
            seen: dict[str, str] = {}
            for key in keys:
                words = self.texts[f"{key}.{language}"]
                if words and seen.setdefault(as_read(words), key) != key:
                    yield f"{key}.{language}", say(f"survey_form.{why}")


def quoted(text: Words) -> Phrase:
    return Phrase(lambda language: f"“{text.get(language)}”")


def _parts(base: Survey) -> Iterator[tuple[str, list[str]]]:
    for factor in base.factors:
        yield factor.id, [question.id for question in factor.questions]
    yield PROFILE, [question.id for question in base.profile]


def _ordered(
    base: Survey, order: list[str], given: Mapping[str, str]
) -> dict[str, tuple[Asked, ...]]:
    parts: dict[str, list[Asked]] = {}
    own = {}
    for part, ids in _parts(base):
        parts[part] = []
        own.update(dict.fromkeys(ids, part))
    seen = set()
    for place in order:
        part, _, id = place.rpartition("/")
        if part not in parts or id in seen or own.get(id, part) != part:
            raise ValueError(place)
        seen.add(id)
        if id in own:
            parts[part].append(Asked(id))
        elif f"kind.{id}" in given:
            parts[part].append(_added(base, id, given))
    return {part: tuple(asked) for part, asked in parts.items()}


def _added(base: Survey, id: str, given: Mapping[str, str]) -> Asked:
    kind, scale = given[f"kind.{id}"], given.get(f"scale.{id}", "")
    if not ADDED.fullmatch(id) or kind not in KINDS:
        raise ValueError(id)
    if kind != "number" and scale not in base.scales:
        raise ValueError(scale)
    low, high = (given.get(f"{name}.{id}", "").strip()[:20] for name in ("minimum", "maximum"))
    return Asked(id, True, kind, scale if scale in base.scales else "", low, high)


def _place(asked: Any, id: str) -> int:
    return next((at for at, one in enumerate(asked) if one.id == id), -1)


def _users(base: Survey, scale: str) -> int:
    """How many questions are answered by a scale."""
    return sum(question.scale == scale for question in base.all_questions())
