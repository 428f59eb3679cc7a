"""The settings of the centre: read, previewed and saved, a part at a time."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from aggregator.dashboard.context import MESSAGES, Context, context_of
from aggregator.dashboard.pages import render, version_seen
from aggregator.dashboard.permissions import needs
from aggregator.dashboard.screens.settings_effects import effects
from aggregator.dashboard.screens.settings_pages import (
    NEW,
    Form,
    FormPage,
    PreviewPage,
    RowForm,
    SectionForm,
    SettingsPage,
)
from aggregator.organisation.current import OvertakenError
from aggregator.organisation.described import ROWS
from aggregator.organisation.fields import FieldsError
from aggregator.organisation.rows import UnknownRowError
from aggregator.organisation.sections import SECTIONS
from aggregator.wording.phrases import Words, say
from surveys.definition import DefinitionError
from surveys.looks import data_address
from surveys.messages import Language, MessageError, reason_of
from surveys.pictures import PNG
from surveys.text import composed
from web import language_of, read_form, read_parts, under

FORM_LIMIT = 131_072  # bytes: of an emblem in base64 and all else
UPLOAD_LIMIT = 4_000_000  # bytes: a picture that is too large is told so beside its field


@needs("organisation")
async def settings(request: Request) -> Response:
    """Every setting of the centre as it is, with the ways to change them."""
    held = context_of(request).organisation
    saved = request.query_params.get("saved", "")
    page = SettingsPage(
        document=held.stored,
        number=held.number,
        saved=saved if saved.isdecimal() else "",
        surveys=context_of(request).surveys,
    )
    return render(request, "settings", page)


@needs("organisation")
async def section(request: Request) -> Response:
    """The form of a section; when posted, its preview, or its saving."""
    name = request.path_params["section"]
    if name not in SECTIONS:
        raise HTTPException(404)
    return await _answer(request, SectionForm(name))


@needs("references")
async def row(request: Request) -> Response:
    """The form of a rule, reference, break or margin; when posted, its preview, or its saving."""
    name, key = request.path_params["kind"], request.path_params["key"]
    if name not in ROWS:
        raise HTTPException(404)
    surveys = context_of(request).surveys
    return await _answer(request, RowForm(name, None if key == NEW else key, surveys))


async def _answer(request: Request, form: Form) -> Response:
    context = context_of(request)
    held, surveys = context.organisation, context.surveys
    if request.method != "POST":
        try:
            values = form.fields(held.stored)
        except UnknownRowError:
            raise HTTPException(404) from None
        if not values and "of" in request.query_params:
            values = {"of": request.query_params["of"]}
        page = FormPage(
            form=form, values=values, document=held.stored, number=held.number, surveys=surveys
        )
        return render(request, "settings_form", page)
    given, wrong = await _given(request)
    reason, after = given.pop("reason", ""), version_seen(given)
    by = request.state.user.name if given.pop("save", "") else None
    del given["after"]
    language = language_of(request, negotiate=False)
    asked = _Asked(context, form, given, wrong, after, language)
    found = await run_in_threadpool(asked.tried, by, reason)
    if found is None:
        query = urlencode({"saved": held.number})
        return RedirectResponse(under(request, f"/settings?{query}#{form.name}"), 303)
    if isinstance(found, PreviewPage):
        return render(request, "settings_preview", found)
    return render(request, "settings_form", found, status=422)


async def _given(request: Request) -> tuple[dict[str, str], dict[str, Words]]:
    """The fields of a posted form, an uploaded emblem among them; and why that is no picture."""
    upload = b""
    if request.headers.get("content-type", "").lower().startswith("multipart/"):
        parts = await read_parts(request, UPLOAD_LIMIT)
        upload = parts.pop("file", b"")
        parts.pop("file.filename", b"")
        try:
            given = {name: value.decode() for name, value in parts.items()}
        except UnicodeDecodeError:
            raise HTTPException(400) from None
    else:
        form = await read_form(request, limit=FORM_LIMIT)
        given = {name: values[0] for name, values in form.items()}
    found = {name: composed(value.replace("\r\n", "\n")).strip() for name, value in given.items()}
    if found.pop("no_emblem", ""):
        found["emblem"] = ""
    elif upload:
        kind = "png" if upload.startswith(PNG) else "svg" if b"<" in upload[:100] else None
        if kind is None:
            return found, {"emblem": say("setting_wrong.picture_kind")}
        found["emblem"] = data_address(upload, kind)
    return found, {}


@dataclass(frozen=True)
class _Asked:
    """A posted form, by whoever has seen the version ``after``."""

    context: Context
    form: Form
    given: dict[str, str]
    wrong: Mapping[str, Words]
    after: int
    language: Language

    def tried(self, by: str | None, reason: str) -> FormPage | PreviewPage | None:
        """The preview, or the form with what is wrong; None where it is saved in a name."""
        held = self.context.organisation
        try:
            if self.after != held.number:
                raise held.overtaken(self.after)
            if self.wrong:
                raise FieldsError(self.wrong)
            old = held.stored
            new = self.form.applied(old, self.given)
            found = held.preview(new)
            if by is not None:
                held.save(new, by, reason, self.after)
                return None
        except OvertakenError as error:
            return self._overtaken(error)
        except FieldsError as error:
            return self._page(reasons=error.reasons)
        except UnknownRowError:
            raise HTTPException(404) from None
        except (MessageError, DefinitionError) as error:
            return self._page(error=reason_of(error, MESSAGES, self.language))
        if not found:
            return self._page(reasons={"": say("organisation.refused_nothing_changed")})
        return PreviewPage(
            form=self.form,
            values=self.given,
            document=new,
            number=held.number,
            changes=found,
            effects=effects(self.context, self.form.name, old, new),
        )

    def _overtaken(self, error: OvertakenError) -> FormPage:
        """The form as it is now, with what its sender has changed since the version seen."""
        held, form = self.context.organisation, self.form
        seen = held.document(self.after)
        try:
            before = form.fields(seen) if seen else {}
        except UnknownRowError:
            before = {}
        try:
            now = form.fields(held.stored)
        except UnknownRowError:  # somebody has removed the row: it may be entered anew
            now, form = {}, RowForm(self.form.name, None, self.context.surveys)  # type: ignore[arg-type]
        mine = {
            name: self.given.get(name, "")
            for name in {**before, **self.given}
            if name != "remove" and self.given.get(name, "") != before.get(name, "")
        }
        page = self._page(error=error.text(MESSAGES, self.language), meanwhile=error.changes)
        return replace(page, form=form, values={**now, **mine})

    def _page(self, **more: Any) -> FormPage:
        held, values = self.context.organisation, self.given
        if "emblem" in more.get("reasons", {}):  # what is no emblem is not sent back
            values = {**values, "emblem": self.form.fields(held.stored)["emblem"]}
        return FormPage(
            form=self.form,
            values=values,
            document=held.stored,
            number=held.number,
            surveys=self.context.surveys,
            **more,
        )
