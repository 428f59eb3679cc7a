"""What the pages of the settings show: a summary, a form and its preview."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from urllib.parse import quote

from aggregator.documents.reports import decree_30_2020
from aggregator.organisation import rows, sections
from aggregator.organisation.current import LONGEST_REASON
from aggregator.organisation.described import ROWS, Row, Rows, row_name, row_value, rows_of, setting
from aggregator.organisation.laws import cited
from aggregator.organisation.rows import UnknownRowError
from aggregator.organisation.sections import Section
from aggregator.wording.phrases import Words
from surveys.alerts import MOST_LAST, RULE_KINDS, UNITS
from surveys.centre import WEEKDAYS, Centre, Documents
from surveys.definition import Level, Survey, Text
from surveys.laws import SUBJECTS
from surveys.looks import LARGEST_WITHIN, Looks, tint
from surveys.messages import Language
from surveys.text import LONGEST_TEXT

NEW = "new"  # stands in an address for the key of a row that there is not yet

# What the summary shows of each section.
SHOWN: Mapping[Section, tuple[str, ...]] = {
    "names": ("name", "province", "parent"),
    "hours": ("opening_hours", "closed_days", "clock_minutes"),
    "touch_screen": ("idle_seconds", "thanks_seconds", "rest_seconds"),
    "flags": (*sections.FLAG_LIMITS, *sections.FLAG_TICKS),
    "phone_form": (*sections.PHONE_LIMITS, "unsigned_until"),
    "minimums": ("minimum_ratings", "minimum_cell"),
    "looks": ("emblem", "colour", "accent"),
    "wifi": ("wifi",),
    "documents": tuple(Documents.model_fields),
    "cases": ("answer_hours", "contact_days", "receipt_days", "comment_days"),
    "board": ("enabled", "settle_days"),
    "ballots": ("again_percent", "again_least"),
    "alerts": (*sections.ALERT_LIMITS, "overdue", "numbers", "quiet_from", "quiet_until", "emails"),
}


def document_law(document: Centre, day: date) -> Words:
    """The law on the form of documents on a day."""
    return cited(document, "documents", day, day)


@dataclass(frozen=True, kw_only=True)
class SettingsPage:
    """Every setting as it is; ``saved`` is the version that has just been saved, or ''."""

    document: Centre
    number: int
    saved: str = ""
    surveys: Mapping[str, Survey]

    document_law = staticmethod(document_law)

    @property
    def sections(self) -> Sequence[tuple[str, Sequence[tuple[str, Words]]]]:
        return [
            (section, [(name, setting(self.document, name)) for name in names])
            for section, names in SHOWN.items()
        ]

    @property
    def kinds(self) -> Sequence[tuple[str, Sequence[tuple[str, Words, Words]]]]:
        """By kind the rows with their addresses, names and values."""
        found = [(kind, rows_of(self.document, kind)) for kind in ROWS]
        return [(kind, [self._line(*item) for item in rows.items()]) for kind, rows in found]

    def _line(self, key: str, row: Row) -> tuple[str, Words, Words]:
        return (
            quote(key),
            row_name(row, self.surveys),
            row_value(row, self.document, self.surveys),
        )


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

    longest = LONGEST_TEXT
    largest = LARGEST_WITHIN // 1000
    weekdays = WEEKDAYS
    alert_limits = sections.ALERT_LIMITS
    rule_kinds = RULE_KINDS
    units = UNITS
    most_last = MOST_LAST
    subjects = SUBJECTS
    document_law = staticmethod(document_law)
    phone_limits = sections.PHONE_LIMITS
    flag_limits = sections.FLAG_LIMITS
    flag_ticks = sections.FLAG_TICKS

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
    def rating_levels(self) -> Sequence[Level]:
        """The levels from which a rating may be low, the best of them first."""
        return rows.levels_offered(self.document, self.surveys)

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

    @property
    def symbol(self) -> str:
        return decree_30_2020.symbol(self.documents)

    def addressees(self, language: Language) -> Sequence[str]:
        return decree_30_2020.addressees(self.documents, language)

    def copies(self, language: Language) -> Sequence[str]:
        return decree_30_2020.copies(self.documents, language)

    def in_parts(self, text: Text, language: str) -> str:
        """An agency's name as the head of a document breaks it."""
        return decree_30_2020.in_parts(text.vi) if language == "vi" else text.en
