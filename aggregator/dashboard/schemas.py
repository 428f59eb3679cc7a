"""What the JSON API gives and takes: these models make the answers and the OpenAPI document."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from aggregator.figures.flagged import Flagged
from aggregator.figures.rows import Comparison, FigureRow, Measure, RowKey
from aggregator.organisation.seen import Seen
from aggregator.statistics import Method
from surveys.chain import HEX_32, HEX_64
from surveys.definition import Channel, Identifier, PublishedResult
from surveys.messages import Language
from surveys.receipts import HASH
from surveys.wire import MAX_COMMENT, Moment, Receipt, Submission

MAX_BATCH = 2_000  # submissions in one request
WRITTEN_DAY = re.compile(
    r"\d{4}-\d{2}-\d{2}", re.ASCII
)  # pydantic would take numbers and times too


def _written_day(value: object) -> object:
    if isinstance(value, str) and not WRITTEN_DAY.fullmatch(value):
        raise ValueError("not a day such as 2026-11-23")
    return value


Day = Annotated[date, BeforeValidator(_written_day)]


class Json(BaseModel):
    """A JSON object; fields that it does not have are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class ErrorJson(Json):
    """Why a request was refused, in the reader's language."""

    error: str


MOST_DRIFT = 10**9  # seconds by which a clock may be wrong
Drift = Annotated[int, Field(strict=True, ge=-MOST_DRIFT, le=MOST_DRIFT)]


class ChainJson(Json):
    """The chain that numbers a device's submissions, and its key: both are random, in hex."""

    id: str = Field(pattern=HEX_32)
    key: str = Field(pattern=HEX_64)


class SentJson(Json):
    """What a device may say of itself with a batch.

    ``sent_at`` is its clock's time; ``set_back`` by how many seconds that clock was set back
    since each item was answered, null where the device was started again since.
    """

    sent_at: Moment | None = None
    set_back: list[Drift | None] | None = Field(default=None, max_length=MAX_BATCH)
    chain: ChainJson | None = None


class BatchJson(SentJson):
    """Submissions to hand in."""

    submissions: list[Submission] = Field(max_length=MAX_BATCH)


class PlaceJson(Json):
    """A department or a counter; neither: the whole centre."""

    department: Identifier | None = None
    counter: Identifier | None = None


class BeatJson(Json):
    """What a device tells of itself: what waits on its disk, its release, and its clock now.

    ``place`` is the one that it works by; until that is the one it is bound to, what it hands in
    of the former one is taken.
    """

    pending: int = Field(strict=True, ge=0, le=10**12)
    refused: int = Field(strict=True, ge=0, le=10**12)
    version: str = Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z.+-]{0,39}$")
    clock: Moment
    place: PlaceJson | None = None


class CodeJson(Json):
    """The one-time code of a device, in capital letters."""

    code: str = Field(pattern=r"^[0-9A-Z]{1,40}$")


MAX_COUNTS = 2_000  # in one request: 16 departments of four months
MOST_DOSSIERS = 1_000_000  # of a day
MOST_CODES = 1_000  # one-time codes in one request


class DossierCountJson(Json):
    """How many dossiers a department settled on a local day; null: the whole centre."""

    day: Day
    department: Identifier | None = None
    count: int = Field(strict=True, ge=0, le=MOST_DOSSIERS)


class CodesWantedJson(Json):
    """How many one-time codes are wanted, each for the form of a place, and for how many days."""

    number: int = Field(strict=True, ge=1, le=MOST_CODES)
    department: Identifier | None = None
    counter: Identifier | None = None
    days: int = Field(default=90, strict=True, ge=1, le=730)


class DossiersJson(Json):
    """Counts of settled dossiers, each in place of what was told of its day and department.

    ``codes``: one-time codes to be printed on receipts are wanted, too, or alone.
    """

    dossiers: list[DossierCountJson] = Field(default=[], min_length=1, max_length=MAX_COUNTS)
    codes: CodesWantedJson | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.dossiers and self.codes is None:
            raise ValueError("neither dossiers nor codes")
        return self


class CodeGivenJson(Json):
    """A one-time code; its address opens the form of its place once, until a day."""

    code: str
    address: str
    until: date


class StoredJson(Json):
    """How many counts are stored, and the codes, which nobody is told again."""

    stored: int
    codes: list[CodeGivenJson] | None = None


class FetchJson(Json):
    """Up to which number a kiosk has its one-time codes, and where phones reach it."""

    after: int = Field(strict=True, ge=0, lt=2**63)
    address: str = Field(pattern=r"^https?://[^\s?#]{1,190}$", max_length=200)


class WaitingCodeJson(Json):
    """The hash of a one-time code, and the place whose form it opens."""

    number: int
    hash: str
    department: str | None
    counter: str | None
    until: date


class WaitingCodesJson(Json):
    """The codes that a kiosk has not got yet, at most 500 of them."""

    codes: list[WaitingCodeJson]


class ReceiptJson(Json):
    """The hash of a receipt code, and what who has the code asks for.

    ``reopen`` has the reason as its ``text``, ``call`` how to be called back; ``withdraw`` deletes
    that.
    """

    receipt: str = Field(pattern=HASH)
    act: Literal["read", "reopen", "call", "withdraw"] = "read"
    text: str | None = Field(default=None, max_length=MAX_COMMENT)


class AnswerJson(Json):
    """An answer to a citizen, and its day."""

    day: date
    text: str


class FollowedJson(Json):
    """What became of a comment; ``unread`` while nobody has made a case of it.

    ``due`` is the day of the deadline while an answer is due. ``contact`` is whether contact
    details are kept, ``contact_days`` how many days after closing they are deleted.
    """

    state: Literal["unread", "received", "assigned", "answered", "closed"]
    number: int | None = None
    received: date | None = None
    due: date | None = None
    answers: list[AnswerJson] = []
    may_reopen: bool = False
    reopened: bool = False
    contact: bool
    contact_days: int


class EnrolledJson(Json):
    """A device's name, its token, its centre's id, and the place that it is bound to."""

    name: str
    token: str
    centre: str
    department: str | None
    counter: str | None


class ReceiptsJson(Json):
    """One receipt for each submission, in the same order."""

    receipts: list[Receipt]


class HealthJson(Json):
    """Whether an answer would be taken."""

    status: Literal["ok", "unavailable"]


class ProvinceHealthJson(HealthJson):
    """Whether all centres of a province would take an answer, and which."""

    centres: Mapping[str, Literal["ok", "unavailable"]]


class Query(Json):
    """The parameters that every request of the API may have."""

    lang: Language | None = Field(None, description="The language of labels and reasons.")


class PeriodQuery(Query):
    """``from`` and ``to``: local days, both included."""

    since: Day | None = Field(None, alias="from", description="First local day, included.")
    until: Day | None = Field(None, alias="to", description="Last local day, included.")


class SatisfactionQuery(PeriodQuery):
    """Which answers the figures are of, and by which key they are grouped."""

    survey: str = Field("in_centre", description="The instrument.")
    question: str | None = Field(
        None, description="One question; needed where questions do not pool."
    )
    by: RowKey = Field("centre", description="The key of the rows.")
    channel: Channel | None = Field(None, description="Only this one.")
    method: Method = Field(
        "wilson", description="The intervals of shares; pooled questions have their own."
    )
    organisation: Seen = Field(
        "then",
        description="Departments and counters as they were when the answers were given, under "
        "their names at the period's end, or as they are today, mergers followed.",
    )
    publish: bool = Field(
        False,
        description="For software that publishes: of months that are over, groups below the "
        "centre's minimum_cell are withheld, and others with them so that no group can be had by "
        "subtraction from anything that was ever published. What is shown is written down and "
        "stays. A province refuses it: each centre publishes its own.",
    )


class MeasureJson(Json):
    """A share of favourable answers, k of n; null where n is 0. ``low`` and ``high``: 95 %."""

    k: int
    n: int
    share: float | None
    low: float | None = Field(
        description="Allows for days, and reaches every reference with the verdict indistinct."
    )
    high: float | None
    method: Literal["wilson", "clopper_pearson", "wilson_effective_n"]
    n_effective: float | None = Field(
        None, description="Of pooled questions: as many independent answers as tell the same."
    )
    design_effect: float | None = Field(None, description="Of pooled questions.")
    day_effect: float | None = Field(
        None, description="By how much answers of one day being alike raises the variance, if so."
    )

    @classmethod
    def of(cls, measure: Measure) -> Self:
        pooled = ("n_effective", "design_effect") if measure.method == "wilson_effective_n" else ()
        days = () if measure.day_effect is None else ("day_effect",)
        names = ("k", "n", "share", "low", "high", "method", *pooled, *days)
        return cls.model_validate({name: getattr(measure, name) for name in names})


class ComparisonJson(Json):
    """A measure beside a published figure of the same instrument and measure."""

    reference: str
    measure: str
    share: float | None = Field(description="The published one.")
    of_dossiers: float | None = Field(
        description="How few the published one speaks for: its answers by dossier settled then."
    )
    of_visits: float | None = Field(description="The same by visit; visits are counted roughly.")
    difference: float | None
    low: float | None
    high: float | None
    p: float | None = Field(
        description="Of a test that may be looked at on any day: the smallest it has been."
    )
    p_adjusted: float | None = Field(description="Holm's, among all rows.")
    p_bh: float | None = Field(description="Benjamini and Hochberg's; of a fixed test alone.")
    test: Literal["day_bets", "fisher_exact", "binomial_exact", "score"]
    verdict: Literal["below", "above", "indistinct", "too_few"] = Field(
        description="below or above where p_adjusted is under 0.05 and low and high leave out 0; "
        "too_few where no answers on so few days could decide."
    )

    @classmethod
    def of(cls, comparison: Comparison) -> Self:
        published = comparison.reference
        own = {
            "reference": published.id,
            "share": published.value,
            "of_dossiers": published.answers_of(published.dossiers),
            "of_visits": published.answers_of(published.visits),
        }
        same = {name: getattr(comparison, name) for name in cls.model_fields.keys() - own.keys()}
        return cls.model_validate(same | own)


class FlaggedJson(Json):
    """The submissions of a row that have a flag, and the measures without them."""

    n: int
    counts: dict[str, int] = Field(description="By code of the scale.")
    rules: dict[str, int] = Field(description="By rule; a rating may have the flag of several.")
    measures_without: dict[str, MeasureJson]
    comparisons_without: list[ComparisonJson]

    @classmethod
    def of(cls, row: FigureRow, flagged: Flagged, others: FigureRow) -> Self:
        counts = {code: n - others.counts.get(code, 0) for code, n in row.counts.items()}
        return cls(
            n=flagged.n,
            counts={str(code): n for code, n in counts.items() if n},
            rules=dict(flagged.rules),
            measures_without={name: MeasureJson.of(one) for name, one in others.measures.items()},
            comparisons_without=[ComparisonJson.of(one) for one in others.comparisons],
        )


class RowJson(Json):
    """A line of figures."""

    key: str
    label: str
    n: int | None = Field(
        description="Answers; respondents of a pool; ticks where many may be chosen. Null where "
        "withheld."
    )
    counts: dict[str, int] = Field(description="Answers by code of the scale.")
    measures: dict[str, MeasureJson]
    comparisons: list[ComparisonJson]
    published: PublishedResult | None = Field(
        None, description="A figure published for the question."
    )
    flagged: FlaggedJson | None = Field(
        None, description="Submissions that look odd, where there are any; not with publish."
    )
    withheld: bool = Field(
        False, description="Only with publish: the row may not be published and has no figures."
    )

    @classmethod
    def of(cls, row: FigureRow, language: Language, *, publish: bool) -> Self:
        values: dict[str, object] = {
            "key": row.key,
            "label": row.label.get(language),
            "n": None if row.withheld else row.n,
            "counts": {str(code): n for code, n in row.counts.items()},
            "measures": {name: MeasureJson.of(measure) for name, measure in row.measures.items()},
            "comparisons": [ComparisonJson.of(comparison) for comparison in row.comparisons],
        }
        if row.question is not None and row.question.published is not None:
            values["published"] = row.question.published
        if row.flagged is not None and row.unflagged is not None and not publish:
            values["flagged"] = FlaggedJson.of(row, row.flagged, row.unflagged)
        if publish:
            values["withheld"] = row.withheld
        return cls.model_validate(values)


class NotComparedJson(Json):
    """A reference that is another quantity, and why."""

    reference: str
    reason: str


class SatisfactionJson(Json):
    """Figures of a selection, by one key."""

    survey: str
    by: RowKey
    since: date | None = Field(alias="from")
    until: date | None = Field(alias="to")
    organisation: Seen
    rows: list[RowJson]
    not_compared: list[NotComparedJson]
