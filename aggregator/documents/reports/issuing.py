"""Issuing a report: it is made once, in every format, and kept; and what is other in it since."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module

from aggregator.documents.reports import decree_30_2020
from aggregator.documents.reports.basis import basis_of
from aggregator.documents.reports.frozen import Change, changes, figures_of, restating
from aggregator.documents.reports.model import REPORT_FORMATS, Report, ReportKind
from aggregator.documents.reports.occasion import Issue
from aggregator.documents.reports.report import NO_TEXTS, build_report
from aggregator.organisation.seen import Seen
from aggregator.storage.audit import entry
from aggregator.storage.issued import Issued, Of, OvertakenError, RegisteredError, Texts
from aggregator.storage.store import Store
from aggregator.wording import numbers
from aggregator.wording.periods import Period, period_of
from surveys.centre import Centre, Documents
from surveys.definition import Survey
from surveys.messages import Language, MessageError
from surveys.published import PublishedTables

AT_ONCE = 50  # issued reports of one period that are looked through
LARGEST_NUMBER = 99_999  # of a year's register


@dataclass(frozen=True)
class Office:
    """Where reports are made: a centre's store, its surveys and document, and printed tables."""

    store: Store
    surveys: Mapping[str, Survey]
    centre: Centre
    published: PublishedTables | None = None
    demo: bool = False

    def of(self, kind: ReportKind, period: Period) -> Of:
        return Of(self.centre.instruments.rating, kind, period.since)

    def symbol(self, registered: int) -> str:
        """A number of the register as documents have it. Raises MessageError."""
        documents = self.centre.documents or Documents()
        if documents.abbreviation is None:
            raise MessageError("report.no_abbreviation")
        if not 0 < registered <= LARGEST_NUMBER:
            raise MessageError("report.bad_number", most=LARGEST_NUMBER)
        return decree_30_2020.symbol(documents, registered)

    def check(
        self, period: Period, registered: int, now: datetime, *, published: bool = False
    ) -> str:
        """The symbol of a report that may be issued. Raises MessageError, which says why not."""
        today = self.centre.local_day(now)
        if period.until >= today:
            raise MessageError("report.not_over", until=numbers.day(period.until, "vi"))
        counted = period_of("month", period.until).until
        if published and counted + timedelta(days=self.centre.board.settle_days) >= today:
            raise MessageError("report.not_frozen")
        symbol = self.symbol(registered)
        if taken := self.store.issued.registered(today.year, registered):
            raise taken_by(taken)
        return symbol

    def unchanged(
        self, of: Of, seen: int | None, texts_seen: int | None
    ) -> tuple[Texts, list[Issued]]:
        """The newest texts and the issued reports of a period, the newest first.

        Raises MessageError where the newest are not those that somebody has ``seen``.
        """
        texts, issued = self.store.issued.texts(of), self.store.issued.newest(AT_ONCE, of)
        if texts_seen not in (None, texts.number):
            raise rewritten(texts)
        if seen not in (None, issued[0].number if issued else 0):
            raise reissued(issued[0] if issued else None)
        return texts, issued

    def issue(
        self,
        kind: ReportKind,
        period: Period,
        language: Language,
        now: datetime,
        registered: int,
        actor: str,
        *,
        organisation: Seen = "then",
        published: bool = False,
        seen: int | None = None,
        texts_seen: int | None = None,
    ) -> Issued:
        """Make a report, keep it, and note it in the audit log.

        ``registered`` is its number in the agency's register. ``seen`` and ``texts_seen`` are the
        newest issued report of the period and its newest texts, 0 for none, as whoever issues it
        has seen them. An earlier one of the same kind in the same language is replaced: then the
        report says what is other in it. Raises MessageError, and what build_report raises.
        """
        of, today = self.of(kind, period), self.centre.local_day(now)
        symbol = self.check(period, registered, now, published=published)
        texts, before = self.unchanged(of, seen, texts_seen)
        last = before[0].number if before else 0
        series = (of, published, language)
        former = next((one for one in before if one.series == series), None)
        numbered = Issue(registered, today)
        report = self._build(
            kind, period, language, now, organisation, actor if published else None, numbered, texts
        )
        figures = figures_of(report)
        if former is not None:
            dated = decree_30_2020.dated(former.day, today, language)
            found = changes(self.store.issued.figures(former.number), report, language)
            report = restating(report, former.symbol, dated, found, language)
        new = Issued(
            number=0,
            at=now,
            actor=actor,
            of=of,
            until=period.until,
            organisation=organisation,
            published=published,
            language=language,
            registered=registered,
            symbol=symbol,
            day=today,
            replaces=former.number if former else None,
            texts=texts.number,
            basis=self._basis(kind, period, now, organisation, published),
        )
        days = f"{period.since.isoformat()} – {period.until.isoformat()}"
        told = entry(now, actor, "report.issued", symbol=symbol, period=days)
        if former is not None:
            replaced = {"symbol": symbol, "period": days, "earlier": former.symbol}
            told = entry(now, actor, "report.reissued", **replaced)
        try:
            return self.store.issued.issue(new, figures, rendered(report), told, last)
        except RegisteredError as error:
            raise taken_by(error.issued) from None
        except OvertakenError as error:
            raise (rewritten(error.texts) if error.texts else reissued(error.issued)) from None

    def changes_since(self, one: Issued) -> list[Change]:
        """What is other today in an issued report, made again for the moment of its issue.

        Raises what build_report raises.
        """
        kind, language = kind_of(one), language_of(one)
        report = self._build(
            kind,
            period_of(kind, one.of.since),
            language,
            one.at,
            "now" if one.organisation == "now" else "then",
            one.actor if one.published else None,
            Issue(one.registered, one.day),
            NO_TEXTS,
        )
        return changes(self.store.issued.figures(one.number), report, language)

    def has_changed(self, one: Issued) -> bool:
        """Whether what an issued report's figures are made of is other today."""
        kind, seen = kind_of(one), "now" if one.organisation == "now" else "then"
        period = period_of(kind, one.of.since)
        return self._basis(kind, period, one.at, seen, one.published) != one.basis  # type: ignore[arg-type]

    def _basis(
        self, kind: ReportKind, period: Period, now: datetime, organisation: Seen, published: bool
    ) -> str:
        return basis_of(
            self.store,
            self.surveys,
            self.centre,
            period,
            kind,
            now,
            organisation=organisation,
            published=published,
        )

    def _build(
        self,
        kind: ReportKind,
        period: Period,
        language: Language,
        now: datetime,
        organisation: Seen,
        publisher: str | None,
        issue: Issue,
        texts: Texts,
    ) -> Report:
        return build_report(
            self.store,
            self.surveys,
            self.centre,
            period,
            kind,
            language,
            now,
            published=self.published,
            demo=self.demo,
            organisation=organisation,
            publish_as=None if publisher is None else f"report:{publisher}"[:80],
            issue=issue,
            texts=texts,
        )


def rendered(report: Report) -> dict[str, bytes]:
    """The files of a report by format. Raises files.FileError."""
    return {
        name: import_module(f"aggregator.documents.reports.{name}").render(report)
        for name in REPORT_FORMATS
    }


def kind_of(one: Issued) -> ReportKind:
    kind: ReportKind = one.of.kind  # type: ignore[assignment]
    return kind


def language_of(one: Issued) -> Language:
    return "en" if one.language == "en" else "vi"


def taken_by(one: Issued) -> MessageError:
    """Why a number of the register cannot be given."""
    return MessageError("report.number_taken", symbol=one.symbol, day=numbers.day(one.day, "vi"))


def rewritten(texts: Texts) -> MessageError:
    return MessageError("report.rewritten", actor=texts.actor)


def reissued(one: Issued | None) -> MessageError:
    symbol, actor = (one.symbol, one.actor) if one else ("–", "–")
    return MessageError("report.overtaken", symbol=symbol, actor=actor)
