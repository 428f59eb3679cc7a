"""For which centre, period and language a report is made, and how it words its figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from aggregator.documents.reports.model import Printed, ReportKind
from aggregator.figures.references import took_part
from aggregator.organisation.seen import Seen
from aggregator.storage.issued import Texts
from aggregator.storage.store import Selection, Store
from aggregator.wording import numbers
from aggregator.wording.messages import MESSAGES
from aggregator.wording.periods import Period
from surveys.centre import Centre, Reference
from surveys.definition import Survey, Text
from surveys.messages import Language
from surveys.published import PublishedTables


@dataclass(frozen=True)
class Publisher:
    """Who publishes a report, under the ledger; ``heirs`` are those of organisation.following.

    ``forms`` are the frozen days of surveys of several questions, by survey; one of which not all
    days of the period are frozen is not among them.
    """

    actor: str
    heirs: Mapping[str, Mapping[str, str]]
    forms: Mapping[str, Selection]


class Issue(NamedTuple):
    """A document's number in its agency's register, and the day of its issue."""

    number: int
    day: date


@dataclass(frozen=True)
class Occasion:
    """What a report is about and for whom, with the words and numbers of its language.

    ``now`` is the moment at which it is made; ``published`` are the tables of other sources.
    ``centre`` and ``store`` are as seen under the ``organisation``. What is ``internal`` withholds
    no small group: it is for the managers' room alone. With a ``publisher`` the store is frozen,
    and only what the ledger allows is printed. ``issue`` is its number and day, where it has one;
    ``heirs`` are those of organisation.following, ``texts`` what the centre writes into it.
    """

    store: Store
    surveys: Mapping[str, Survey]
    centre: Centre
    period: Period
    kind: ReportKind
    language: Language
    now: datetime
    published: PublishedTables | None = None
    organisation: Seen = "then"
    internal: bool = False
    publisher: Publisher | None = None
    issue: Issue | None = None
    heirs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    texts: Texts = field(default_factory=Texts)

    @property
    def today(self) -> date:
        return self.centre.local_day(self.now)

    @property
    def closed(self) -> bool:
        """Whether the period is over, so that its figures are looked at once."""
        return self.period.until < self.today

    @property
    def is_full(self) -> bool:
        """Whether it has all that is known of a period: a month or a quarter, not published."""
        return self.kind in ("month", "quarter") and self.publisher is None

    @property
    def adjustments(self) -> Sequence[str]:
        """The methods by which p-values are adjusted."""
        return ("holm", "benjamini_hochberg") if self.closed else ("holm_days",)

    def selection(self, survey: Survey, period: Period | None = None) -> Selection:
        asked = period or self.period
        return Selection(survey.id, None, asked.since, asked.until)

    # Words

    def say(self, key: str, **values: object) -> str:
        """A text of the catalogue's section for reports, or one named ``section.key``."""
        text = MESSAGES.get(self.language, key if "." in key else f"report.{key}", **values)
        return text.replace(" %", f"{numbers.NBSP}%")  # a number keeps its unit on its line

    def label(self, text: Text) -> str:
        return text.get(self.language)

    def percent(self, share: float | None) -> str:
        return numbers.percent(share, self.language)

    def printed(self, share: float, digits: int) -> Printed:
        return Printed(numbers.percent(share, self.language, digits), share, digits)

    def as_printed(self, reference: Reference) -> Printed:
        """A reference as its source prints it; computed where it prints counts."""
        return self.printed(reference.value, 1 if reference.n else 2)

    def quoted(self, reference: Reference) -> str:
        """The same in a sentence, with how few of those concerned it speaks for."""
        printed, part = self.as_printed(reference).text, took_part(reference)
        return f"{printed}; {part.get(self.language)}" if part else printed

    def interval(self, low: float | None, high: float | None) -> str:
        """Both ends of an interval of shares."""
        if low is None or high is None:
            return numbers.DASH
        return self.between(self.percent(low), self.percent(high))

    def between(self, low: str, high: str) -> str:
        """Both ends of a range, in words."""
        return numbers.between(low, high, self.language)

    def integer(self, value: int) -> str:
        return numbers.integer(value, self.language)

    def counted(self, number: int) -> str:
        """A number of things in a sentence; Vietnamese documents write two digits."""
        return f"{number:02}" if self.language == "vi" else self.integer(number)

    def points(self, difference: float | None) -> str:
        return numbers.points(difference, self.language)

    def day(self, value: date) -> str:
        return numbers.day(value, self.language)

    def name(self, period: Period) -> str:
        """A period as it is called: ``quý III năm 2026``, ``tháng 9 năm 2026``."""
        week, vietnamese = period.since.isocalendar(), self.language == "vi"
        month = period.since.month
        return self.say(
            f"period_{period.kind}",
            day=numbers.long_day(period.since, self.language),
            since=self.day(period.since),
            until=self.day(period.until),
            week=week.week,
            week_year=week.year,
            month=month if vietnamese else numbers.MONTHS[month - 1],
            quarter=numbers.roman(period.quarter) if vietnamese else period.quarter,
            year=period.since.year,
        )

    def short_name(self, period: Period) -> str:
        """Under a chart: the first day of a week, the month and year of a month."""
        if period.kind == "month":
            return f"{period.since:%m/%Y}"
        return f"{period.since:%d/%m}" if self.language == "vi" else f"{period.since:%m-%d}"
