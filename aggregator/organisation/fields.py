"""Fields of a form as text: how they are read, and why a form cannot be used, by field."""

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import date, time
from decimal import Decimal, InvalidOperation

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from aggregator.wording.messages import MESSAGES
from aggregator.wording.phrases import Phrase, Words, say
from surveys.centre import Centre
from surveys.definition import Text
from surveys.messages import MessageError
from surveys.text import LONGEST_TEXT, fault_of

Fields = Mapping[str, str]


class FieldsError(Exception):
    """Why a form cannot be used, by field; '' is the form as a whole."""

    def __init__(self, reasons: Mapping[str, Words]) -> None:
        super().__init__(", ".join(f"{name}: {why.get('en')}" for name, why in reasons.items()))
        self.reasons = reasons


class Reader:
    """Reads a form's fields and gathers what is wrong with them."""

    def __init__(self, fields: Fields) -> None:
        self.fields = fields
        self.reasons: dict[str, Words] = {}

    def given(self, name: str) -> str:
        return self.fields.get(name, "").strip()

    def wrong(self, name: str, key: str, **values: object) -> None:
        self.reasons.setdefault(name, say(f"setting_wrong.{key}", **values))

    def words(self, name: str, *, needed: bool = False) -> str | None:
        """A text, None where it is empty."""
        found = self.given(name)
        if (fault := fault_of(found)) and (found or needed):
            self.wrong(name, fault, most=LONGEST_TEXT)
        return found or None

    def text(self, name: str, *, needed: bool = True) -> dict[str, str] | None:
        """A text in both languages; None where neither is given and none is needed."""
        vi, en = f"{name}_vi", f"{name}_en"
        if not needed and not self.given(vi) and not self.given(en):
            return None
        return {"vi": self.words(vi, needed=True) or "", "en": self.words(en, needed=True) or ""}

    def whole(self, name: str, *, needed: bool = True) -> int | None:
        """A whole number."""
        found = self.given(name)
        if not found and not needed:
            return None
        if not re.fullmatch(r"[0-9]{1,9}", found):
            self.wrong(name, "whole" if found else "missing")
            return None
        return int(found)

    def share(self, name: str, *, needed: bool = True) -> float | None:
        """A percentage, with a comma or a point, as a fraction."""
        found = self.given(name).rstrip("%").strip().replace(",", ".")
        if not found and not needed:
            return None
        try:
            if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,400})?", found):
                raise InvalidOperation
            percent = Decimal(found)
        except InvalidOperation:
            self.wrong(name, "percent" if found else "missing")
            return None
        if percent > 100:
            self.wrong(name, "percent")
        return float(percent / 100)

    def day(self, name: str, *, needed: bool = True) -> date | None:
        found = self.given(name)
        if not found and not needed:
            return None
        try:
            return date.fromisoformat(found)
        except ValueError:
            self.wrong(name, "day" if found else "missing")
            return None

    def time(self, name: str) -> time | None:
        """A local time, without an offset."""
        found = self.given(name)
        if not re.fullmatch(r"[0-9]{2}:[0-9]{2}(:[0-9.]{2,9})?", found):
            self.wrong(name, "time" if found else "missing")
            return None
        try:
            return time.fromisoformat(found)
        except ValueError:
            self.wrong(name, "time")
            return None

    def choice(self, name: str, allowed: Iterable[str], *, needed: bool = True) -> str | None:
        found = self.given(name)
        if found and found not in allowed:
            self.wrong(name, "choice")
        if not found and needed:
            self.wrong(name, "missing")
        return found or None


def both(name: str, text: Text | None) -> dict[str, str]:
    """The two fields of a text."""
    return {f"{name}_vi": text.vi if text else "", f"{name}_en": text.en if text else ""}


# The next document, and why it cannot be


def made(centre: Centre, changes: Mapping[str, object], names: Collection[str]) -> Centre:
    """The document with other parts; ``names`` are the fields at which a form can say why not.

    Raises FieldsError.
    """
    try:
        return Centre.model_validate({**centre.model_dump(), **changes})
    except ValidationError as error:
        reasons: dict[str, Words] = {}
        for one in error.errors(include_url=False):
            reasons.setdefault(_field_of(one, names), _reason(one))
        raise FieldsError(reasons) from None


def _field_of(error: ErrorDetails, names: Collection[str]) -> str:
    """The field of a form that an error of the document is about; '' where it is none of them."""
    reason = error.get("ctx", {}).get("error")
    own = _FIELDS_OF_REASONS.get(getattr(reason, "key", ""), "")
    parts = [*(str(part) for part in error["loc"]), own]
    return next((part for part in reversed(parts) if part and part in names), "")


# Of reasons about several fields, the one at which a form says so.
_FIELDS_OF_REASONS = {
    "illegible_colour": "colour",
    "illegible_accent": "accent",
    "k_without_n": "n",
    "k_and_share": "share",
    "k_above_n": "k",
    "period_backwards": "period_to",
    "more_than_window": "low",
    "centre_of_department": "department",
    "same_alert_rule": "unit",
    "half_quiet": "quiet_until",
    "no_address": "emails",
    "twice_address": "emails",
    "twice_reference": "id",
    "twice_margin": "of",
    "twice_law": "called_vi",
    "laws_same_day": "since",
    "law_backwards": "until",
    "twice_series_break": "day",
    "not_whole": "shares",
}


def _reason(error: ErrorDetails) -> Words:
    context = error.get("ctx", {})
    if isinstance(reason := context.get("error"), MessageError):
        return Phrase(lambda language: reason.text(MESSAGES, language))
    bounds = {name: context[name] for name in ("ge", "gt", "le", "lt") if name in context}
    for name, bound in bounds.items():
        return say(f"setting_wrong.{name}", bound=bound)
    kinds = {"string_pattern_mismatch": "pattern", "missing": "missing"}
    return say(f"setting_wrong.{kinds.get(error['type'], 'other')}")
