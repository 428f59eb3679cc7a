"""Surveys: which there are, what each asks, and the form that edits one."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from aggregator.dashboard.context import MESSAGES, Context, context_of
from aggregator.dashboard.pages import render, version_seen
from aggregator.dashboard.permissions import needs
from aggregator.dashboard.survey_form import Fields, SurveyForm, SurveyFormError
from aggregator.documents.worker import DocumentError, read_once
from aggregator.organisation.changes import OrganisationError
from aggregator.organisation.current import LONGEST_REASON, OvertakenError
from aggregator.organisation.editing import declared, followed, next_id, with_survey
from aggregator.organisation.survey_changes import differences
from aggregator.wording.phrases import Words, say
from surveys.centre import Centre
from surveys.definition import DefinitionError, Survey, Text
from surveys.messages import MessageError, reason_of
from surveys.text import composed
from web import language_of, read_form, under

FORM_LIMIT = 1_048_576  # bytes: the largest instrument has thousands of texts
MOST_FIELDS = 5_000
Way = Literal["edit", "same", "follow"]  # how an edited instrument is saved


@dataclass(frozen=True)
class Version:
    """A text of an instrument that has answers: how many, and when the first of them came."""

    fingerprint: str
    since: datetime
    answers: int


@dataclass(frozen=True)
class Listed:
    """An instrument with what asks it, what has followed it, and the texts that have answers.

    ``present`` is False for one that is known only by its answers.
    """

    survey: Survey
    roles: Sequence[str]
    newer: Survey | None
    versions: Sequence[Version]
    present: bool

    @property
    def answers(self) -> int:
        return sum(version.answers for version in self.versions)

    @property
    def since(self) -> datetime | None:
        return min((version.since for version in self.versions), default=None)


@dataclass(frozen=True, kw_only=True)
class SurveysPage:
    listed: Sequence[Listed]


@dataclass(frozen=True, kw_only=True)
class SurveyPage:
    """What an instrument asks. ``saved``: the version of the document that was just saved."""

    one: Listed
    known: Mapping[str, Survey]
    saved: str = ""


@dataclass(frozen=True)
class Frame:
    """A screen of a preview as a whole page; ``name`` as kiosk.preview gives it."""

    device: Literal["touch", "phone"]
    name: str
    html: str


@dataclass(frozen=True, kw_only=True)
class EditPage:
    """The form, with what is wrong by field, and perhaps how it looks to visitors."""

    form: SurveyForm
    number: int
    problems: Mapping[str, Words] = field(default_factory=dict)
    notice: str = ""
    frames: Sequence[Frame] = ()

    def text(self, name: str) -> str:
        return self.form.texts[name]

    def previews(self, device: str) -> list[Frame]:
        return [frame for frame in self.frames if frame.device == device]


@dataclass(frozen=True, kw_only=True)
class SavePage:
    """What was changed, and how it may be saved: the ``ways`` of which one is chosen.

    ``meanwhile`` are the changes that somebody else has saved.
    """

    form: SurveyForm
    number: int
    ways: Sequence[Way]
    way: Way
    changes: Sequence[Words]
    asked: bool
    new_id: str
    newer: Survey | None
    reasons: Mapping[str, str]
    error: str = ""
    meanwhile: Sequence[Words] = ()
    longest: int = LONGEST_REASON


@needs("surveys")
async def surveys(request: Request) -> Response:
    """Every instrument, those that are asked first."""
    listed = await run_in_threadpool(_listed, context_of(request))
    return render(request, "surveys", SurveysPage(listed=listed))


@needs("surveys")
async def survey(request: Request) -> Response:
    """One instrument: its questions and answers in both languages, and its versions."""
    context = context_of(request)
    listed = await run_in_threadpool(_listed, context)
    found = next((one for one in listed if one.survey.id == request.path_params["id"]), None)
    if found is None:
        raise HTTPException(404)
    known = {one.survey.id: one.survey for one in listed}
    saved = request.query_params.get("saved", "")[:9]
    return render(request, "survey", SurveyPage(one=found, known=known, saved=saved))


@needs("surveys")
async def edit(request: Request) -> Response:
    """The form of an instrument; when posted, what its button says."""
    context = context_of(request)
    base = context.surveys.get(request.path_params["id"])
    if base is None:
        raise HTTPException(404)
    number = context.organisation.number
    if request.method != "POST":
        page = EditPage(form=SurveyForm.of(base), number=number)
        return render(request, "survey_edit", page)
    fields = await read_form(request, limit=FORM_LIMIT, most=MOST_FIELDS)
    given = {name: values[0] for name, values in fields.items()}
    after, act = version_seen(given), given.get("act", "")
    page = EditPage(form=_form(base, fields, act), number=after)
    if act or given.keys().isdisjoint({"preview", "next", "save"}):
        return render(request, "survey_edit", page)
    try:
        edited = page.form.survey()
    except SurveyFormError as error:
        page = replace(page, problems=error.problems)
        return render(request, "survey_edit", page, status=422)
    if "preview" in given:
        return render(request, "survey_edit", await _previewed(request, page, edited))
    by = request.state.user.name if "save" in given else None
    confirm = await run_in_threadpool(_confirm, request, context, page, edited, given, by)
    if isinstance(confirm, str):
        query = urlencode({"saved": context.organisation.number})
        return RedirectResponse(under(request, f"/surveys/{confirm}?{query}"), 303)
    return render(request, "survey_save", confirm, status=422 if confirm.error else 200)


def _form(base: Survey, fields: Fields, act: str) -> SurveyForm:
    try:
        form = SurveyForm.read(base, fields)
        return form.after(act) if act else form
    except ValueError:
        raise HTTPException(400, "unknown_choice") from None


def _listed(context: Context) -> list[Listed]:
    held = context.organisation
    kept, counted = context.store.definitions.kept(), context.store.definitions.answers()
    present = held.surveys
    known = {one.survey.id: one.survey for one in kept.values()} | dict(present)
    roles = {id: [role for role, own in held.stored.instruments if own == id] for id in known}
    newer = {one.follows.survey: one for one in present.values() if one.follows}
    found = [
        Listed(
            survey=one,
            roles=roles[id],
            newer=newer.get(id),
            versions=[
                Version(fingerprint, given.since, counted.get((id, fingerprint), 0))
                for fingerprint, given in kept.items()
                if given.survey.id == id
            ],
            present=id in present,
        )
        for id, one in known.items()
    ]
    return sorted(found, key=lambda one: (not one.roles, one.newer is not None))


async def _previewed(request: Request, page: EditPage, edited: Survey) -> EditPage:
    """The page with the screens as a process of the kiosk draws them."""
    context, language = context_of(request), language_of(request, negotiate=False)
    document = _asked_somewhere(context.organisation.stored, edited)
    arguments = ["--lang", language, "preview", "--survey", edited.id]
    given = document.model_dump_json(exclude_defaults=True).encode()
    try:
        file = await context.worker.make_for(
            request, arguments, ".json", program="kiosk", given=given
        )
        drawn = json.loads(await run_in_threadpool(read_once, file))
    except DocumentError as error:
        return replace(page, notice=error.text(MESSAGES, language))
    return replace(page, frames=[Frame(*one) for one in drawn])


def _asked_somewhere(centre: Centre, edited: Survey) -> Centre:
    """The document with an instrument that is asked, if need be in place of another one."""
    centre = with_survey(centre, edited)
    if any(id == edited.id for _, id in centre.instruments):
        return centre
    role = "citizens" if edited.audience == "citizen" else "businesses"
    asked = centre.instruments.model_copy(update={role: edited.id})
    return centre.model_copy(update={"instruments": asked})


def _confirm(
    request: Request,
    context: Context,
    edit_page: EditPage,
    edited: Survey,
    given: Mapping[str, str],
    by: str | None,
) -> SavePage | str:
    """How the edited instrument may be saved; its id where ``by`` is given and it is saved."""
    held, base, number = context.organisation, edit_page.form.base, edit_page.number
    asked = base.id in held.fixed()
    newer = next(
        (o for o in held.surveys.values() if o.follows and o.follows.survey == base.id), None
    )
    ways = _ways(base, edited, asked=asked, superseded=newer is not None)
    chosen = next((way for way in ways if way == given.get("way")), ways[0] if ways else "same")
    reasons = {name: composed(given.get(name, "")).strip() for name in ("reason_vi", "reason_en")}
    taken = held.surveys.keys() | context.store.definitions.counted(held.surveys).keys()
    page = SavePage(
        form=edit_page.form,
        number=held.number,
        ways=ways,
        way=chosen,
        changes=list(differences(base, edited)),
        asked=asked,
        new_id=next_id(base.id, taken),
        newer=newer,
        reasons=reasons,
    )
    language = language_of(request, negotiate=False)
    try:
        if not ways:
            raise OrganisationError("superseded", newer=page.newer.title if page.newer else "")
        if by is not None:
            if given.get("way", chosen) != chosen:  # what was allowed when the page was made
                raise OrganisationError("no_such_way")
            made = _made(page, edited, context)
            new = with_survey(held.stored, made, instead_of="" if made.id == base.id else base.id)
            held.save(new, by, reasons["reason_vi"], number)
            return made.id
        if number != held.number:
            raise held.overtaken(number)
    except OvertakenError as error:
        said = error.text(MESSAGES, language)
        return replace(page, error=said, meanwhile=error.changes)
    except (MessageError, DefinitionError) as error:
        return replace(page, error=reason_of(error, MESSAGES, language))
    return page


def _ways(base: Survey, edited: Survey, *, asked: bool, superseded: bool) -> list[Way]:
    """How an edited instrument may be saved, that which loses nothing first."""
    if not asked:
        return ["edit"]
    ways: list[Way] = [] if superseded else ["follow"]
    return [*ways, "same"] if edited.differs_in(base) is None else ways


def _made(page: SavePage, edited: Survey, context: Context) -> Survey:
    """The instrument as it is saved. Raises OrganisationError for a missing or too long reason."""
    base = page.form.base
    if not page.changes:
        raise OrganisationError("nothing_changed")
    if page.way == "edit":
        return edited
    if page.way == "same":
        return declared(edited, base)
    for name, words in page.reasons.items():
        if not words:
            raise OrganisationError("missing", field=say(f"surveys_page.{name}"))
        if len(words) > LONGEST_REASON:
            raise OrganisationError("bad_reason", most=LONGEST_REASON)
    reason = Text(vi=page.reasons["reason_vi"], en=page.reasons["reason_en"])
    return followed(edited, base, page.new_id, context.today, reason)
