"""What changed between two definitions of an instrument, in words."""

from collections.abc import Iterable, Iterator, Mapping

from aggregator.wording.phrases import Phrase, Words, day, integer, joined, say, verbatim
from surveys.definition import Survey, Text, texts_of

MOST_TOLD = 40  # changes of one instrument that are told one by one


def survey_changes(
    old: Mapping[str, Survey], new: Mapping[str, Survey], ids: Iterable[str]
) -> Iterator[Words]:
    """What is different in the instruments of these ids, one sentence a change."""
    for id in ids:
        survey, before = new[id], old.get(id)
        if survey == before:
            continue
        names = {"title": survey.title, "id": verbatim(id)}
        if before is None and (follows := survey.follows):
            before = old.get(follows.survey) or new.get(follows.survey)
            older = verbatim(f"({follows.survey})")
            if before is not None:
                older = joined(before.title, older, by=" ")
            since = day(follows.day)
            yield say("organisation.survey_follows", older=older, day=since, **names)
        elif before is None:
            yield say("organisation.survey_added", **names)
        elif before.fingerprint in survey.same_as:
            yield say("organisation.survey_same", **names)
        else:
            yield say("organisation.survey_changed", **names)
        if before is not None:
            found = list(differences(before, survey))
            yield from found[:MOST_TOLD]
            if len(found) > MOST_TOLD:
                yield say("organisation.survey_more", n=integer(len(found) - MOST_TOLD))


def differences(old: Survey, new: Survey) -> Iterator[Words]:
    """How what is asked differs, one sentence a difference."""
    before, after = texts_of(old), texts_of(new)
    for key, text in after.items():
        if key not in before and key.startswith("questions."):
            yield say("organisation.survey_question_added", text=text)
        elif key in before and (text.vi, text.en) != (before[key].vi, before[key].en):
            yield say("organisation.survey_text", **_both(before[key], text))
    for key, text in before.items():
        if key not in after and key.startswith("questions."):
            yield say("organisation.survey_question_removed", text=text)
    if _order(old, new) != _order(new, old):
        yield say("organisation.survey_order")
    if old.comment != new.comment:
        yield say(f"organisation.survey_comment_{'on' if new.comment else 'off'}")
    for id, question in new.questions.items():
        known = old.questions.get(id)
        if known is not None and _details(known) != _details(question):
            yield say("organisation.survey_details", text=question.text)


def _order(one: Survey, other: Survey) -> list[tuple[str, list[str]]]:
    """The questions that both have, by their part, in the order of ``one``."""
    parts = [(factor.id, factor.questions) for factor in one.factors] + [("", one.profile)]
    kept = [(id, [q.id for q in questions if q.id in other.questions]) for id, questions in parts]
    return [part for part in kept if part[1]]


def _details(question: object) -> dict[str, object]:
    return {**vars(question), "text": None, "unit": None}


def _both(old: Text, new: Text) -> dict[str, Words]:
    """Both texts in the reader's language, or where it is the same there, in the other one."""

    def shown(language: str) -> str:
        own, other = ("en", "vi") if language == "en" else ("vi", "en")
        return own if getattr(old, own) != getattr(new, own) else other

    return {
        "old": Phrase(lambda language: getattr(old, shown(language))),
        "new": Phrase(lambda language: getattr(new, shown(language))),
    }
