"""The settings of the centre: a summary, a small form for each part, and what a change would do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from aggregator.dashboard.context import MESSAGES, Context, context_of
from aggregator.dashboard.pages import render
from aggregator.dashboard.permissions import needs
from aggregator.dashboard.screens.settings_effects import effects
from aggregator.documents.reports.decree_30_2020 import in_parts
from aggregator.organisation import rows, sections
from aggregator.organisation.current import LONGEST_REASON, OvertakenError
from aggregator.organisation.described import ROWS, Row, Rows, row_name, row_value, rows_of, setting
from aggregator.organisation.rows import UnknownRowError
from aggregator.organisation.sections import SECTIONS, FieldsError, Section
from aggregator.wording.phrases import Words, say
from surveys.centre import WEEKDAYS, Centre, Documents
from surveys.definition import DefinitionError, Survey, Text
from surveys.looks import LARGEST_WITHIN, Looks, data_address, tint
from surveys.messages import Language, MessageError
from surveys.pictures import PNG
from surveys.text import composed
from web import language_of, read_form, read_parts, under

FORM_LIMIT = 131_072  # bytes: of an emblem in base64 and all else
UPLOAD_LIMIT = 4_000_000  # bytes: a picture that is too large is told so beside its field
NEW = "new"  # stands in an address for the key of a row that there is not yet

# What the summary shows of each section.
SHOWN: Mapping[Section, tuple[str, ...]] = {
    "names": ("name", "province", "parent"),
    "hours": ("opening_hours",),
    "touch_screen": ("idle_seconds", "thanks_seconds", "rest_seconds"),
    "minimums": ("minimum_ratings", "minimum_cell"),
    "looks": ("emblem", "colour", "accent"),
    "wifi": ("wifi",),
    "documents": ("agency", "on_behalf", "title", "signer"),
}


@dataclass(frozen=True, kw_only=True)
class SettingsPage:
    """Every setting as it is; ``saved`` is the version that has just been saved, or ''."""

    document: Centre
    number: int
    saved: str = ""

    @property
    def sections(self) -> Sequence[tuple[str, Sequence[tuple[str, Words]]]]:
        return [
            (section, [(name, setting(self.document, name)) for name in names])
            for section, names in SHOWN.items()
        ]

    @property
    def kinds(self) -> Sequence[tuple[str, Sequence[tuple[str, Words, Words]]]]:
        """By kind the rows with their addresses, names and values."""
        return [(kind, [*map(_line, rows_of(self.document, kind).items())]) for kind in ROWS]


def _line(item: tuple[str, Row]) -> tuple[str, Words, Words]:
    key, row = item
    return quote(key), row_name(row), row_value(row)


@dataclass(frozen=True)
class SectionForm:
    """The form of a section."""

    name: Section
    key: str | None = None

    @property
    def path(self) -> str:
        return f"/settings/{self.name}"

    def fields(self, centre: Centre) -> dict[str, str]:
        return sections.fields(centre, self.name)

    def applied(self, centre: Centre, given: Mapping[str, str]) -> Centre:
        """The next document. Raises FieldsError."""
        return sections.applied(centre, self.name, given)


@dataclass(frozen=True)
class RowForm:
    """The form of a row, ``key``, or of a new one."""

    name: Rows
    key: str | None
    surveys: Mapping[str, Survey]

    @property
    def path(self) -> str:
        return f"/settings/{self.name}/{quote(self.key or NEW)}"

    def fields(self, centre: Centre) -> dict[str, str]:
        """The fields; none for a new row. Raises UnknownRowError."""
        if self.key is None:
            return {}
        found = rows_of(centre, self.name).get(self.key)
        if found is None:
            raise UnknownRowError(self.key)
        return rows.row_fields(found)

    def applied(self, centre: Centre, given: Mapping[str, str]) -> Centre:
        """The next document. Raises FieldsError and UnknownRowError."""
        if self.key is not None and given.get("remove"):
            return rows.without_row(centre, self.name, self.key)
        return rows.with_row(centre, self.surveys, self.name, self.key, given)


Form = SectionForm | RowForm


@dataclass(frozen=True, kw_only=True)
class FormPage:
    """A form with its ``values``; ``reasons`` are why they cannot be, by field, '' the whole.

    ``meanwhile`` are the changes that somebody else has saved, ``error`` says who.
    """

    form: Form
    values: Mapping[str, str]
    document: Centre
    number: int
    surveys: Mapping[str, Survey]
    reasons: Mapping[str, Words] = field(default_factory=dict)
    error: str = ""
    meanwhile: Sequence[Words] = ()

    longest = 2_000
    largest = LARGEST_WITHIN // 1000
    weekdays = WEEKDAYS

    @property
    def shifts(self) -> Sequence[int]:
        """The shifts of opening hours, and empty ones to fill in."""
        there = sections.shifts(self.values)
        first = max(there, default=-1) + 1
        return [*there, *range(first, first + sections.SPARE_SHIFTS)]

    @property
    def measures(self) -> Sequence[tuple[str, Survey, str]]:
        return rows.measures_offered(self.surveys)

    @property
    def variables(self) -> Sequence[tuple[str, Survey, Text | None]]:
        return rows.variables_offered(self.surveys)

    @property
    def levels(self) -> Mapping[str, Text]:
        return rows.levels_of(self.surveys, self.values.get("of", ""))


@dataclass(frozen=True, kw_only=True)
class PreviewPage:
    """What a form would change and do; ``values`` are sent again to save it."""

    form: Form
    values: Mapping[str, str]
    document: Centre
    number: int
    changes: Sequence[Words]
    effects: Sequence[Words]
    longest: int = LONGEST_REASON

    @property
    def colours(self) -> Mapping[str, str]:
        """The colours of a touch screen, by what they are for."""
        looks = self.document.looks or Looks()
        colour = looks.colour or sections.OUR_COLOURS["colour"]
        accent = looks.accent or sections.OUR_COLOURS["accent"]
        return {"colour": colour, "tint": tint(colour), "accent": accent, "soft": tint(accent)}

    @property
    def documents(self) -> Documents:
        return self.document.documents or Documents()

    def in_parts(self, text: Text, language: str) -> str:
        """An agency's name as the head of a document breaks it."""
        return in_parts(text.vi) if language == "vi" else text.en


@needs("organisation")
async def settings(request: Request) -> Response:
    """Every setting of the centre as it is, with the ways to change them."""
    held = context_of(request).organisation
    saved = request.query_params.get("saved", "")
    page = SettingsPage(
        document=held.stored, number=held.number, saved=saved if saved.isdecimal() else ""
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
    """The form of a reference, break or margin; when posted, its preview, or its saving."""
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
    reason, after = given.pop("reason", ""), given.pop("after", "")
    by = request.state.user.name if given.pop("save", "") else None
    if not after.isdecimal() or len(after) > 9:
        raise HTTPException(400, "unknown_choice")
    language = language_of(request, negotiate=False)
    asked = _Asked(context, form, given, wrong, int(after), language)
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
        except MessageError as error:
            return self._page(error=error.text(MESSAGES, self.language))
        except DefinitionError as error:
            return self._page(error=str(error))
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
