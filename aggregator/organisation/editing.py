"""How an edited instrument becomes part of the next document of the centre."""

from collections.abc import Collection
from datetime import date

from surveys.centre import Centre
from surveys.definition import Follows, Question, Survey, Text


def followed(edited: Survey, base: Survey, id: str, day: date, reason: Text) -> Survey:
    """A version of its own, in place of ``base`` from a day on: the series breaks there.

    What was published of a question is not compared with answers to another wording of it.
    """
    follows = Follows(survey=base.id, day=day, reason=reason)

    def compared(question: Question) -> Question:
        known = base.questions.get(question.id)
        same = known is not None and known.text == question.text
        return question if same else question.model_copy(update={"published": None})

    factors = [
        factor.model_copy(update={"questions": tuple(map(compared, factor.questions))})
        for factor in edited.factors
    ]
    profile = tuple(map(compared, edited.profile))
    changes = {"factors": factors, "profile": profile, "follows": follows, "same_as": ()}
    return _changed(edited, id=id, **changes)


def declared(edited: Survey, base: Survey) -> Survey:
    """The same instrument in words that mean the same: its answers are counted together."""
    earlier = dict.fromkeys((*base.same_as, base.fingerprint))
    earlier.pop(edited.fingerprint, None)
    return _changed(edited, same_as=tuple(earlier))


def next_id(id: str, taken: Collection[str]) -> str:
    """An id for a new version: the older one's with the next number, such as ``hall_2``."""
    stem, _, number = id.rpartition("_")
    if not (stem and number.isdecimal() and len(number) < 4):
        stem, number = id, "1"
    count = int(number) + 1
    while (made := f"{stem[: 39 - len(str(count))]}_{count}") in taken:
        count += 1
    return made


def with_survey(centre: Centre, survey: Survey, instead_of: str = "") -> Centre:
    """The centre with an instrument, in place of the one of its id.

    It is asked wherever ``instead_of`` was.
    """
    others = [one for one in centre.surveys if one.id != survey.id]
    asked = {role: survey.id if id == instead_of else id for role, id in centre.instruments}
    fields = {name: getattr(centre, name) for name in Centre.model_fields}
    instruments = centre.instruments.model_copy(update=asked)
    return Centre.model_validate(
        {**fields, "surveys": (*others, survey), "instruments": instruments}
    )


def _changed(survey: Survey, **changes: object) -> Survey:
    """Not model_copy, which would keep what the survey has computed."""
    fields = {name: getattr(survey, name) for name in Survey.model_fields}
    return Survey.model_validate({**fields, **changes})
