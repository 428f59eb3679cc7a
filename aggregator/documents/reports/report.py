"""Builds a report: which sections each kind has, and the fixed words of the document."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from aggregator.documents.reports import decree_30_2020, material
from aggregator.documents.reports.material import Material
from aggregator.documents.reports.model import (
    Block,
    Paragraph,
    Points,
    Report,
    ReportKind,
    Section,
    Signed,
    Table,
)
from aggregator.documents.reports.occasion import Issue, Occasion, Publisher
from aggregator.documents.reports.sections import business, changes, sipas
from aggregator.documents.reports.sections.cases import cases
from aggregator.documents.reports.sections.daily import daily
from aggregator.documents.reports.sections.departments import departments
from aggregator.documents.reports.sections.handling import handling
from aggregator.documents.reports.sections.headline import headline
from aggregator.documents.reports.sections.method import annex
from aggregator.documents.reports.sections.remarks import remarks
from aggregator.documents.reports.sections.said import comments, reasons
from aggregator.documents.reports.sections.standing import standing
from aggregator.documents.reports.sections.summary import summary
from aggregator.documents.reports.sections.taking_part import taking_part
from aggregator.documents.reports.written import ROMAN
from aggregator.figures.asked import frozen_selection
from aggregator.figures.figures import Unanswerable
from aggregator.organisation.seen import Seen, following, seen
from aggregator.storage.issued import Texts
from aggregator.storage.store import Selection, Store
from aggregator.wording import numbers
from aggregator.wording.periods import Period
from surveys.centre import Centre, Documents, Reference
from surveys.definition import Survey
from surveys.messages import Language
from surveys.published import PublishedTables

NO_TEXTS = Texts()
# Keys of the fixed texts of a document, which the renderers place.
WORDS = (
    *("nation", "motto", "to_whom", "recipients", "sign", "demo", "demo_mark"),
    *("annex", "annex_title", "from", "to", "summary_sheet", "chart_sheet", "chart_item"),
    *("chart_below", "chart_above", "chart_gap", "chart_live", "interval", "legend_share"),
    *("decimal_note", "formula_note", "root_code"),
)


def build_report(
    store: Store,
    surveys: Mapping[str, Survey],
    centre: Centre,
    period: Period,
    kind: ReportKind,
    language: Language,
    now: datetime,
    *,
    published: PublishedTables | None = None,
    demo: bool = False,
    organisation: Seen = "then",
    internal: bool = False,
    publish_as: str | None = None,
    issue: Issue | None = None,
    texts: Texts = NO_TEXTS,
) -> Report:
    """A period's report as plain data; ``internal``: see Occasion.

    ``issue`` and ``texts`` are those of Occasion. ``publish_as`` is who publishes it, under the
    ledger: of frozen months, without reasons, comments and cases. Raises database.StorageError,
    and Unanswerable where not all of a period that is to be published is frozen.
    """
    heirs, publisher = following(centre, organisation), None
    if publish_as is None:
        counted = store.snapshot().following(heirs)
    else:
        rating = surveys[centre.instruments.rating]
        asked = Selection(rating.id, None, period.since, period.until)
        frozen_selection(store, rating, centre, asked, now)
        counted = store.frozen().following(heirs)
        forms = dict(_frozen_forms(store, surveys, centre, period, now))
        publisher = Publisher(publish_as, heirs, forms)
    changed = centre.has_changed
    centre = seen(centre, organisation, min(period.until, centre.local_day(now)))
    on = Occasion(
        counted, surveys, centre, period, kind, language, now, published, organisation, internal,
        publisher, issue, heirs, texts,
    )  # fmt: skip
    survey = surveys[centre.instruments.rating]
    m = material.gather(on, survey) if survey.has_total else None
    sections, about = _day(m) if kind == "day" and m else _contents(on, m)
    name = on.say("name_internal" if internal else f"name_{kind}")
    opening = (_internal(on), _opening(on), _organisation(on) if changed else "")
    return document(
        on,
        name=name,
        subject=on.say(f"subject_{kind}", period=on.name(period)),
        opening=" ".join(filter(None, opening)),
        sections=sections,
        closing="" if kind == "day" else on.say("closing"),
        annex=about,
        demo=demo,
    )


def _frozen_forms(
    store: Store, surveys: Mapping[str, Survey], centre: Centre, period: Period, now: datetime
) -> Iterator[tuple[str, Selection]]:
    """The frozen days of a period of the citizens' and the businesses' survey, by survey."""
    for id in {centre.instruments.citizens: 1, centre.instruments.businesses: 1}:
        asked = Selection(id, None, period.since, period.until)
        with suppress(Unanswerable):
            yield id, frozen_selection(store, surveys[id], centre, asked, now)


def document(
    on: Occasion,
    *,
    name: str,
    subject: str,
    opening: str,
    sections: Iterable[Section],
    closing: str,
    annex: Iterable[Section],
    demo: bool,
) -> Report:
    """A report with its head, foot and signature, its sections and tables numbered."""
    centre, day = on.centre, on.kind == "day"
    words = {key: on.say(key) for key in WORDS}
    documents = centre.documents or Documents()
    agency = on.label(documents.agency or centre.name)
    number, issued = on.issue or (None, None)
    symbol = decree_30_2020.symbol(documents, number)
    words["number"] = on.say("number", symbol=symbol)
    words["issued"] = decree_30_2020.dated(issued, on.today, on.language)
    told = {"name": name, "agency": agency, "symbol": symbol, "issued": words["issued"]}
    words["annex_of"] = on.say("annex_of", **told)
    words["signatures"] = on.say("signatures_day" if day else "signatures")
    body, method = _numbered(on, sections, annex)
    return Report(
        kind=on.kind,
        language=on.language,
        period=on.period,
        parent=on.label(centre.parent) if centre.parent else "",
        agency=agency,
        place=on.label(documents.place or centre.province),
        day=on.today,
        name=name,
        subject=subject,
        opening=opening,
        sections=body,
        closing=closing,
        annex=method,
        demo=demo,
        addressees=() if day else decree_30_2020.addressees(documents, on.language),
        copies=() if day else decree_30_2020.copies(documents, on.language),
        signed=Signed(
            on.label(documents.on_behalf) if documents.on_behalf else "",
            on.label(documents.title) if documents.title else "",
            documents.signer or "",
        ),
        words=words,
    )


def _opening(on: Occasion) -> str:
    """The opening sentence: what is reported on; and until when, where the period still runs."""
    now, so_far = on.now.astimezone(on.centre.zone), ""
    if on.period.since <= on.today <= on.period.until:
        so_far = on.say("so_far", clock=numbers.clock(now), day=on.day(on.today))
    if on.kind == "day":
        return on.say("so_far_day", so_far=so_far) if so_far else ""
    return on.say(
        "opening",
        period=on.name(on.period),
        so_far=on.say("so_far_period", so_far=so_far) if so_far else "",
    )


def _internal(on: Occasion) -> str:
    return on.say("internal") if on.internal else ""


def _organisation(on: Occasion) -> str:
    """Under which organisation the figures stand; said once it has changed."""
    return on.say(f"organisation_{on.organisation}", day=on.day(min(on.period.until, on.today)))


def _day(m: Material) -> tuple[list[Section], tuple[Section, ...]]:
    return [daily(m)], ()


def _contents(on: Occasion, m: Material | None) -> tuple[list[Section], tuple[Section, ...]]:
    """The sections of a week, a month or a quarter, and the annex about what they show."""
    whole = on.kind in ("month", "quarter")
    forms = sipas.gather(on) if whole else None
    firms = business.gather(on) if whole else None
    sections: list[Section] = []
    surveys, references = list[Survey](), list[Reference]()
    used: list[str] = []
    if m is None:
        sections.append(Section(on.say("section_headline"), (Paragraph(on.say("no_total")),)))
    else:
        compared, drawn = changes.changed(m), changes.chart(m)
        sections += [
            summary(m, compared, drawn, forms, firms),
            headline(m),
            departments(m),
            changes.over_time(m, compared),
            taking_part(m),
        ]
        surveys.append(m.survey)
        references += m.references
        used += [one.method for one in m.whole.measures.values() if one.n]
        used += [one.test for one in m.whole.comparisons if m.whole.n]
        used += [one.test for one in compared]
        used += ["days", "widened", "newcombe", *on.adjustments, "too_few"] if m.whole.n else []
        used += ["p_chart"] if drawn else []
        used += ["nonresponse"] if m.participation else []
        if on.kind == "quarter" and (stands := standing(m)) is not None:
            sections.append(stands)
            used += ["direct", "shrunk"]
    if forms is not None:
        sections.append(sipas.sipas(on, forms))
        surveys.append(forms.survey)
        references += [one.reference for one in forms.whole.comparisons]
        used += [one.test for one in forms.whole.comparisons]
        used += ["wilson_effective_n", "days", "shifted", "par_projection"]
    if firms is not None:
        sections.append(business.business(on, firms))
        surveys.append(firms.survey)
        used += ["wilson", "days", "median_order"]
    if on.kind == "quarter" and (handled := handling(on)) is not None:
        sections.append(handled)
        used.append("circular_01_2018")
    if m is not None and on.is_full:
        found = [reasons(m), comments(m), cases(on)]
        sections += [one for one in found if one is not None]
        used += ["wilson"] if m.reasons else []
    sections += remarks(on)
    methods = list(dict.fromkeys([*used, "suppression"]))
    return sections, annex(on, surveys, methods, list(dict.fromkeys(references)))


# Numbers of sections, tables and charts


def _numbered(on: Occasion, *parts: Iterable[Section]) -> Iterator[tuple[Section, ...]]:
    """Sections in Roman numbers, anew in each part; tables and charts through all parts."""
    counts = Counter[str]()

    def numbered(block: Block) -> Block:
        if isinstance(block, Paragraph | Points):
            return block
        kind = "table" if isinstance(block, Table) else "chart"
        counts[kind] += 1
        title = on.say(f"{kind}_number", number=counts[kind], title=block.title)
        return block if on.kind == "day" else replace(block, title=title)

    for sections in parts:
        yield tuple(
            Section(
                f"{ROMAN[number]}. {section.title}" if section.title else "",
                tuple(map(numbered, section.blocks)),
            )
            for number, section in enumerate(sections)
        )
