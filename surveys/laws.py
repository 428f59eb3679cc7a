"""The law: which instrument governs what, from which day until which, as far as that is known.

A day that is not known is None. What this software knows by itself is KNOWN: names as the
province's report and the ministry print them; no day of coming into force is among that, and
nothing of what came after. A centre enters in its document what it knows besides.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Literal, Self, get_args

from pydantic import Field, field_validator, model_validator

from surveys.definition import Identifier, Model, Text
from surveys.refusals import CentreError

# Assessing how procedures are handled; its indicators; its classes; SIPAS; the form of documents.
Subject = Literal["assessment", "indicators", "classification", "sipas", "documents"]
SUBJECTS: tuple[Subject, ...] = get_args(Subject)
MOST_LAWS = 100
ONE_DAY = timedelta(days=1)


class Law(Model):
    """A legal instrument. ``instrument`` is the survey by whose rules this software counts.

    None of ``instrument``: its text is not known to this software. ``since`` None: it is not
    known since when; then it counts as in force before any that has a day. ``until`` None: not
    known, or in force until further notice.
    """

    id: Identifier
    called: Text
    governs: tuple[Subject, ...] = Field(min_length=1)
    since: date | None = None
    until: date | None = None
    instrument: Identifier | None = None
    source: Annotated[str, Field(min_length=1)]

    @field_validator("governs")
    @classmethod
    def _in_order(cls, governs: tuple[Subject, ...]) -> tuple[Subject, ...]:
        return tuple(subject for subject in SUBJECTS if subject in governs)

    @model_validator(mode="after")
    def _forwards(self) -> Self:
        if self.since and self.until and self.since > self.until:
            raise CentreError("law_backwards")
        return self


@dataclass(frozen=True)
class InForce:
    """A span of days, both ends included, and the law that is in force; None: not known."""

    since: date
    until: date
    law: Law | None


def on_day(laws: Iterable[Law], subject: Subject, day: date) -> Law | None:
    """The law that governs a subject on a day: of those begun, the one that began last."""
    begun = [
        one for one in laws if subject in one.governs and (one.since is None or one.since <= day)
    ]
    last = max(begun, key=lambda one: one.since or date.min, default=None)
    return None if last is None or (last.until is not None and last.until < day) else last


def in_force(laws: Sequence[Law], subject: Subject, since: date, until: date) -> list[InForce]:
    """The spans of a period with the law of each, in their order."""
    own = [one for one in laws if subject in one.governs]
    begins = {one.since for one in own if one.since} | {
        one.until + ONE_DAY for one in own if one.until
    }
    days = [since, *sorted(day for day in begins if since < day <= until)]
    spans: list[InForce] = []
    for begin, following in zip(days, [*days[1:], until + ONE_DAY], strict=True):
        law = on_day(own, subject, begin)
        if spans and spans[-1].law == law:
            begin = spans.pop().since
        spans.append(InForce(begin, following - ONE_DAY, law))
    return spans


def refuse_unclear(laws: Sequence[Law]) -> None:
    """Raise CentreError where two laws of one subject begin on the same day, or on none."""
    for subject in SUBJECTS:
        begins = [one.since for one in laws if subject in one.governs]
        if len({*begins}) < len(begins):
            raise CentreError("laws_same_day")


# The report of Lai Châu (draft, 2020), parts I.3 and II, names the first two; it does not say
# since when they are in force. The third is the ministry's method for the years 2017 to 2020.
REPORT = "UBND tỉnh Lai Châu, báo cáo (dự thảo, 2020) về PAR INDEX, PCI năm 2019"
KNOWN = (
    Law(
        id="nd_61_2018",
        called=Text(
            vi="Nghị định số 61/2018/NĐ-CP ngày 23/4/2018 của Chính phủ",
            en="Decree 61/2018/ND-CP of 23 April 2018 of the Government",
        ),
        governs=("assessment",),
        source=REPORT,
    ),
    Law(
        id="tt_01_2018",
        called=Text(vi="Thông tư số 01/2018/TT-VPCP", en="Circular 01/2018/TT-VPCP"),
        governs=("indicators", "classification"),
        instrument="circular_01_2018",
        source=REPORT,
    ),
    Law(
        id="qd_2640",
        called=Text(
            vi="Quyết định số 2640/QĐ-BNV của Bộ Nội vụ",
            en="Decision 2640/QD-BNV of the Ministry of Home Affairs",
        ),
        governs=("sipas",),
        since=date(2017, 1, 1),
        until=date(2020, 12, 31),
        instrument="sipas_2020",
        source="Bộ Nội vụ, phương pháp đo lường SIPAS giai đoạn 2017-2020",
    ),
    Law(
        id="nd_30_2020",
        called=Text(vi="Nghị định số 30/2020/NĐ-CP", en="Decree 30/2020/ND-CP"),
        governs=("documents",),
        source="Thể thức mà báo cáo của phần mềm này theo",
    ),
)
