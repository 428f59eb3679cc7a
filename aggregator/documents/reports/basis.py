"""What the figures of a report are made of, as a hash: while it is the same, so are they."""

import hashlib
from collections.abc import Mapping
from datetime import datetime

import orjson

from aggregator.documents.reports.model import ReportKind
from aggregator.figures.cases import handled_cases
from aggregator.figures.handling import department_scores
from aggregator.organisation.seen import Seen, following, seen
from aggregator.storage.rollups import TALLIES
from aggregator.storage.store import Selection, Store
from aggregator.wording.periods import Period
from surveys.centre import Centre
from surveys.definition import Survey

POINTS_BEFORE = 12  # weeks that a week's trend goes back
PLACE = ("channel", "department", "counter", "question", "code")


def basis_of(
    store: Store,
    surveys: Mapping[str, Survey],
    centre: Centre,
    period: Period,
    kind: ReportKind,
    now: datetime,
    *,
    organisation: Seen,
    published: bool,
) -> str:
    """A SHA-256 of the answers, dossiers, cases and settings behind a report made at ``now``.

    Of tallies and settings alone, so that a page can ask for it. Another one may still give the
    same figures. Raises database.StorageError.
    """
    counted = store.frozen() if published else store.snapshot()
    counted = counted.following(following(centre, organisation))
    back = period.shifted(-POINTS_BEFORE) if kind == "week" else period
    spans = (("day", back), ("month", Period("range", period.year_before.since, period.until)))
    said: list[object] = [kind, str(period.since)]
    asked = dict(centre.instruments).values() if not published else [centre.instruments.rating]
    for survey in dict.fromkeys(asked):
        if survey not in surveys:
            continue
        for grain, span in spans:
            chosen = Selection(survey, None, span.since, span.until)
            found = counted.sums(TALLIES, chosen, (grain, *PLACE), ("n",))
            columns = [found[name] for name in (grain, *PLACE, "n")]
            said.append(sorted([str(value) for value in row] for row in zip(*columns, strict=True)))
    settled = counted.transactions(period.since, period.until)
    said.append(sorted([str(value) for value in row] for row in settled.itertuples(index=False)))
    if not published:
        cases = handled_cases(counted, centre, period.since, period.until, now)
        said.append(sorted(map(repr, cases)))
    if kind == "quarter":
        scores = department_scores(counted, centre, period.since, period.until, now)
        said.append([[id, repr(score)] for id, score in scores.items()])
    said.append(_settings(seen(centre, organisation, period.until)))
    return hashlib.sha256(orjson.dumps(said)).hexdigest()


def _settings(centre: Centre) -> list[object]:
    """What of the document figures depend on, under the organisation in which they are seen."""
    units = [
        [one.id, one.name.vi, [[counter.id, counter.name.vi] for counter in one.counters]]
        for one in centre.departments
    ]
    rows = (*centre.references, *centre.series_breaks, *centre.margins, centre.flags)
    limits = [centre.minimum_ratings, centre.minimum_cell, centre.cases.answer_hours]
    return [units, [row.model_dump_json() for row in rows], limits]
