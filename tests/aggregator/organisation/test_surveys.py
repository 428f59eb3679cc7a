"""Instruments in the centre's document: edited as versions, never under their answers."""

import tomllib
from datetime import date
from typing import Any

import pytest

from aggregator.figures.trends import buckets, versions, whole_trend
from aggregator.intake.ingest import Ingest, Offer
from aggregator.organisation import acts
from aggregator.organisation.changes import OrganisationError
from aggregator.organisation.current import Organisation
from aggregator.organisation.editing import declared, followed, next_id, with_survey
from aggregator.organisation.toml import to_toml
from aggregator.storage.audit import Search
from aggregator.storage.definitions import ChangedDefinitionError
from aggregator.storage.store import Selection, Store
from surveys.centre import Centre, check_definitions
from surveys.definition import DefinitionError, Survey, Text, load_surveys
from surveys.refusals import CentreError
from tests.aggregator.conftest import CENTRE, NOW, submission

FILES = load_surveys()
HALL = FILES["in_centre"]
TODAY = date(2026, 11, 23)
WHY = Text(vi="Hỏi thêm", en="One more question")


def edited(survey: Survey, *, title: str = "Đánh giá", question: str = "") -> Survey:
    """The instrument with another title, and perhaps one more question."""
    made = survey.model_dump(mode="json")
    made["title"]["vi"] = title
    if question:
        text = {"vi": question, "en": question}
        more = {"id": question, "text": text, "scale": "satisfaction", "wording": "own"}
        made["factors"][1]["questions"].append(more)
    return Survey.model_validate(made)


def opened(store: Store) -> Organisation:
    found = Organisation(store.centres, FILES, lambda: NOW)
    found.start(CENTRE)
    return found


def statuses(ingest: Ingest, *items: dict[str, Any]) -> list[str]:
    [receipts] = ingest.accept([Offer(items, "en")])
    return [one.reason or one.status for one in receipts]


def save(organisation: Organisation, survey: Survey) -> list[str]:
    older = survey.follows.survey if survey.follows else ""
    new = with_survey(organisation.stored, survey, instead_of=older)
    said = organisation.save(new, "lan", "", organisation.number)
    return [one.get("en") for one in said]


def test_a_follower_is_asked_everywhere_and_its_series_is_another(migrated_url: str) -> None:
    here, there = Store(migrated_url), Store(migrated_url)
    one, other = opened(here), opened(there)
    ingest = Ingest(there, FILES, other.centre, lambda: NOW, other.refreshed)
    day_before = "2026-11-22T09:00:00+07:00"
    assert statuses(ingest, submission(answered_at=day_before)) == ["accepted"]
    assert next_id("in_centre", one.surveys) == "in_centre_2"
    new = followed(edited(HALL, question="waiting"), HALL, "in_centre_2", TODAY, WHY)
    said = save(one, new)
    assert said[0].startswith(
        "New survey “Rating at the centre” (in_centre_2), in place of Rating at"
    )
    assert "Question “waiting” added." in said
    assert "“Đánh giá tại Trung tâm” became “Đánh giá”." in said  # the English title has stayed
    assert one.centre.instruments.rating == "in_centre_2"
    answers = {"rating": 4, "waiting": 2}
    later = submission(survey="in_centre_2", fingerprint=new.fingerprint, answers=answers)
    late = submission(fingerprint=HALL.fingerprint, answered_at=day_before)
    assert statuses(ingest, later, late) == ["accepted", "accepted"]  # the other process has looked
    [logged] = here.audit.entries(Search(kind="survey"), 9)
    assert (logged.event, logged.actor) == ("survey.saved", "lan")

    both = versions(there, other.surveys["in_centre_2"], other.surveys)
    assert [version.id for version in both] == ["in_centre_2", "in_centre"]
    parts = buckets("day", TODAY, 2)
    asked = Selection("in_centre_2", None, parts[0].since, TODAY, None, None)
    points = whole_trend(there, both, other.centre, asked, "satisfied_or_better", "day", parts)
    assert [(point.n, point.break_before) for point in points] == [(2, False), (1, True)]
    here.definitions.check(one.surveys)
    again = Organisation(here.centres, FILES, lambda: NOW)
    again.start(CENTRE)
    assert again.stored == one.stored
    whole = acts.valid(tomllib.loads(to_toml(one.stored)))
    assert whole == one.stored
    assert whole.surveys[0].fingerprint == new.fingerprint
    here.close()
    there.close()


def test_an_instrument_is_not_edited_under_its_answers(store: Store) -> None:
    organisation = opened(store)
    ingest = Ingest(store, FILES, organisation.centre, lambda: NOW, organisation.refreshed)
    save(organisation, edited(HALL))  # nothing has been counted yet
    assert organisation.fixed() == set()
    first = organisation.surveys["in_centre"]
    old = submission(fingerprint=HALL.fingerprint)
    assert statuses(ingest, old)[0].startswith("fingerprint: ")
    assert statuses(ingest, submission(fingerprint=first.fingerprint)) == ["accepted"]
    assert {"in_centre", "sipas_2020", "business"} <= organisation.fixed()
    # Answered, and asked of people whose answers may be on their way.
    for survey in (first, FILES["sipas_2020"]):
        with pytest.raises(ChangedDefinitionError):
            save(organisation, edited(survey, title="Khác"))
    mended = declared(edited(first, title="Khác"), first)
    assert mended.same_as == (first.fingerprint,)
    assert save(organisation, mended)[1:] == ["“Đánh giá” became “Khác”."]
    more = declared(edited(mended, question="waiting"), mended)
    with pytest.raises(ChangedDefinitionError) as raised:
        save(organisation, more)
    assert raised.value.key == "not_the_same"
    forgotten = organisation.stored.model_copy(update={"surveys": ()})
    with pytest.raises(OrganisationError, match="is gone from the document"):
        organisation.save(forgotten, "", "", organisation.number)
    assert statuses(ingest, submission(fingerprint=first.fingerprint)) == ["accepted"]
    unasked = FILES["paper_ballot_2020"]
    assert save(organisation, edited(unasked, title="Phiếu giấy"))
    store.definitions.check(organisation.surveys)


def test_a_document_is_refused_whose_instruments_cannot_be_asked(centre: Centre) -> None:
    silent = HALL.model_dump(mode="json")
    silent["factors"] = silent["factors"][1:]
    with pytest.raises(DefinitionError, match="has no question 'rating'"):
        opened_with(centre, Survey.model_validate(silent))
    circle = followed(edited(HALL), FILES["sipas_2020"], "in_centre", TODAY, WHY)
    other = followed(FILES["sipas_2020"], HALL, "sipas_2020", TODAY, WHY)
    with pytest.raises(DefinitionError, match="in a circle"):
        opened_with(with_survey(centre, circle), other)
    with pytest.raises(CentreError, match="survey defined twice: in_centre"):
        acts.valid({**centre.model_dump(), "surveys": [HALL.model_dump()] * 2})


def opened_with(centre: Centre, survey: Survey) -> None:
    check_definitions(with_survey(centre, survey), FILES, "centre")
