"""Where published figures disagree: each printed statement recomputed from the printed parts."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Literal

from aggregator.wording import numbers
from surveys.definition import Text
from surveys.messages import Language
from surveys.published import PublishedTables
from surveys.statements import Claim, PrintedNumber

StatementKind = Literal["sum", "difference", "percent", "composite", "repeated"]
Verdict = Literal["exact", "rounding", "truncated", "contradiction"]

SHOWN_DIGITS = 3  # after the comma, at most, of a recomputed figure such as 92.642857…


@dataclass(frozen=True)
class Check:
    """A printed figure beside the same figure recomputed from its printed parts.

    ``recomputed`` comes from the parts as printed; ``low`` and ``high`` are its bounds over all
    values that round to these parts. The verdict:

    - ``exact``: the recomputed figure, rounded, is the printed one.
    - ``rounding``: it is not, but the rounding of the parts explains it.
    - ``truncated``: rounding does not explain it; the surplus digits were cut off.
    - ``contradiction``: no unrounded values give the printed figure.
    """

    id: str
    statement: Text
    kind: StatementKind
    section: str
    printed: Decimal
    recomputed: Decimal
    low: Decimal
    high: Decimal
    terms: tuple[PrintedNumber, ...]
    weights: tuple[PrintedNumber, ...]
    of: tuple[PrintedNumber, ...]
    verdict: Verdict
    note: Text | None

    @property
    def agrees(self) -> bool:
        return self.verdict in ("exact", "rounding")


@dataclass(frozen=True)
class _Range:
    """A figure, and the bounds of its unrounded value."""

    value: Decimal
    low: Decimal
    high: Decimal

    def times(self, factor: Decimal) -> "_Range":
        return _Range(self.value * factor, self.low * factor, self.high * factor)


def discrepancies(published: PublishedTables) -> list[Check]:
    """Check every statement of the tables that can be recomputed, in their order."""
    return [check(claim) for claim in published.claims()]


def check(claim: Claim) -> Check:
    """Compare the printed figure of a statement with what its printed parts give."""
    printed, recomputed = _range(claim.printed), _recomputed(claim)
    last_digit = Decimal(1).scaleb(-_digits(printed.value))
    verdict: Verdict
    if recomputed.value.quantize(last_digit, ROUND_HALF_UP) == printed.value:
        verdict = "exact"
    elif recomputed.low <= printed.high and printed.low <= recomputed.high:
        verdict = "rounding"
    elif recomputed.value.quantize(last_digit, ROUND_DOWN) == printed.value:
        verdict = "truncated"
    else:
        verdict = "contradiction"
    return Check(
        id=claim.id,
        statement=claim.text,
        kind=_kind(claim),
        section=claim.section,
        printed=printed.value,
        recomputed=recomputed.value,
        low=recomputed.low,
        high=recomputed.high,
        terms=claim.terms,
        weights=claim.weights,
        of=claim.of,
        verdict=verdict,
        note=claim.note,
    )


def _kind(claim: Claim) -> StatementKind:
    if claim.of:
        return "percent"
    if claim.weights:
        return "composite"
    if len(claim.terms) == 1:
        return "repeated"
    return "difference" if claim.terms[1].value < 0 else "sum"


def _recomputed(claim: Claim) -> _Range:
    """The figure by interval arithmetic; each part is within half a unit of its last digit."""
    terms = [_range(term) for term in claim.terms]
    if claim.weights:
        weights = [weight.value for weight in claim.weights]
        weighted = [term.times(weight) for term, weight in zip(terms, weights, strict=True)]
        return _total(weighted).times(10 / sum(weights, Decimal()))
    if claim.of:
        part, whole = _total(terms), _total([_range(term) for term in claim.of])
        bounds = [100 * a / b for a in (part.low, part.high) for b in (whole.low, whole.high)]
        return _Range(100 * part.value / whole.value, min(bounds), max(bounds))
    return _total(terms)


def _range(number: PrintedNumber) -> _Range:
    half = Decimal(0 if number.exact else 5).scaleb(-_digits(number.value) - 1)
    return _Range(number.value, number.value - half, number.value + half)


def _total(parts: Sequence[_Range]) -> _Range:
    return _Range(
        sum((part.value for part in parts), Decimal()),
        sum((part.low for part in parts), Decimal()),
        sum((part.high for part in parts), Decimal()),
    )


def _digits(value: Decimal) -> int:
    """Digits after the point: 2 for 7.00."""
    exponent = value.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0


def exact_text(value: Decimal, language: Language) -> str:
    """A figure with its own digits, at most SHOWN_DIGITS after the comma: ``92,643``."""
    digits = max(0, min(_digits(value), SHOWN_DIGITS))
    return ("−" if value < 0 else "") + numbers.decimal(float(abs(value)), language, digits)


def formula(checked: Check, language: Language) -> str:
    """The calculation as text, such as ``45,05 + 26,87``; parts that are zero are left out."""
    if checked.kind == "composite":
        pairs = zip(checked.weights, checked.terms, strict=True)
        products = " + ".join(
            f"{exact_text(weight.value, language)} × {exact_text(term.value, language)}"
            for weight, term in pairs
        )
        divisor = sum((weight.value for weight in checked.weights), Decimal()) / 10
        return f"({products}) / {exact_text(divisor, language)}"
    if checked.kind == "percent":
        return " / ".join(
            f"({text})" if " " in text else text
            for text in (_joined(checked.terms, language), _joined(checked.of, language))
        )
    return _joined(checked.terms, language)


def _joined(terms: Sequence[PrintedNumber], language: Language) -> str:
    signed = (
        f"{'−' if term.value < 0 else '+'} {exact_text(abs(term.value), language)}"
        for term in terms
        if term.value
    )
    return " ".join(signed).removeprefix("+ ") or "0"
