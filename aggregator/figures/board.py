"""What everybody may read: the board's figures, as they stand in the ledger, in words."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil, floor

from aggregator.figures.release import BOARD
from aggregator.figures.rows import measure_definition
from aggregator.storage.ledger import Decision
from aggregator.storage.store import Store
from aggregator.wording.messages import MESSAGES
from aggregator.wording.periods import Period, period_of
from aggregator.wording.phrases import Phrase, Words, joined, say
from surveys.centre import Centre, Department
from surveys.definition import Survey
from surveys.messages import Language

PERIODS = 60  # of the table of earlier periods: some three and a half years


@dataclass(frozen=True)
class Told:
    """A published measure: ``k`` of ``n``, the interval's ends as printed, in whole of a hundred.

    ``dossiers`` are those settled in the period, None where they are not known of each day.
    """

    measure: str
    k: int
    n: int
    low: float
    high: float
    dossiers: int | None

    @property
    def words(self) -> Words:
        """Such as "khoảng 94 đến 96 trong 100 người rất hài lòng"."""
        return say("public.about", within=self.within, measure=_lower(self.measure))

    @property
    def within(self) -> Words:
        """Such as "khoảng 94 đến 96": whole of a hundred, rounded outwards."""
        low, high = floor(round(self.low * 100, 1)), ceil(round(self.high * 100, 1))
        return say("public.within" if low < high else "public.within_one", low=low, high=high)

    @property
    def taking_part(self) -> float | None:
        """The share of settled dossiers that were rated; None where there were more ratings."""
        return self.n / self.dossiers if self.dossiers and self.n <= self.dossiers else None


def _lower(measure: str) -> Words:
    """A measure's name within a sentence."""
    return Phrase(lambda language: MESSAGES.get(language, f"measure.{measure}").lower())


@dataclass(frozen=True)
class Published:
    """A period of the board: the centre, None where it is withheld, and its departments.

    ``withheld`` are departments of which too few rated, or that guard one of them.
    """

    period: Period
    whole: Told | None
    departments: Sequence[tuple[Department, Told]]
    withheld: Sequence[Department]


def published(store: Store, survey: Survey, centre: Centre, measure: str) -> list[Published]:
    """The newest periods of the board, by one measure, newest first. Raises StorageError."""
    return decided_of(centre, measure, store.ledger.board(survey.id, BOARD))


def decided_of(centre: Centre, measure: str, decided: Iterable[Decision]) -> list[Published]:
    """Decisions about the board's periods as it shows them, in their order."""
    found: dict[tuple[str, date], list[Decision]] = {}
    for one in decided:
        found.setdefault((one.kind, one.group.until), []).append(one)
    return [_period(centre, measure, own) for own in [*found.values()][:PERIODS]]


def _period(centre: Centre, measure: str, decided: Sequence[Decision]) -> Published:
    period = period_of(decided[0].kind, decided[0].group.since)  # type: ignore[arg-type]
    told = {one.department: found for one in decided if (found := _told(one, measure))}
    there = [one for one in centre.departments if one.is_open_within(period.since, period.until)]
    named = [one.model_copy(update={"name": one.name_on(period.until)}) for one in there]
    shown = [(one, told[one.id]) for one in named if one.id in told]
    return Published(
        period,
        told.get(""),
        sorted(shown, key=lambda one: one[0].name.vi),
        [one for one in named if one.id not in told] if shown or "" in told else [],
    )


def _told(one: Decision, measure: str) -> Told | None:
    found = one.figures.get("measures", {}).get(measure) if one.shown else None
    if found is None:
        return None
    n, dossiers = int(one.figures["n"]), one.figures.get("dossiers")
    return Told(measure, int(found[0]), n, float(found[1]), float(found[2]), dossiers)


def measures_of(survey: Survey) -> list[str]:
    """The measures of the board, the one of its words first."""
    return list(survey.measures_of(survey.measured[0])) if len(survey.measured) == 1 else []


def definition(survey: Survey, measure: str) -> Words:
    """The question and the measure, and that flagged ratings are among all, and why."""
    [question] = survey.measured
    measured = measure_definition(survey, question, measure)
    return joined(question.text, measured, say("public.all_ratings"), by=" ")


# Open data

COLUMNS = (
    *("period", "from", "to", "department", "name", "measure", "definition"),
    *("k", "n", "share", "low", "high", "interval", "mode", "dossiers"),
)


def open_data(
    store: Store, survey: Survey, centre: Centre, language: Language
) -> Iterator[dict[str, str | int | float | None]]:
    """Every published figure with its definition, a row a period, department and measure.

    ``department`` is empty for the centre. What is withheld has no row.
    """
    interval, mode = say("public.interval").get(language), say("public.mode").get(language)
    for measure in measures_of(survey):
        defined = definition(survey, measure).get(language)
        for one in published(store, survey, centre, measure):
            rows = [(None, one.whole)] if one.whole else []
            for department, told in [*rows, *one.departments]:
                name = department.name if department else centre.name
                yield {
                    "period": one.period.code,
                    "from": one.period.since.isoformat(),
                    "to": one.period.until.isoformat(),
                    "department": department.id if department else "",
                    "name": name.get(language),
                    "measure": measure,
                    "definition": defined,
                    "k": told.k,
                    "n": told.n,
                    "share": round(told.k / told.n, 4),
                    "low": told.low,
                    "high": told.high,
                    "interval": interval,
                    "mode": mode,
                    "dossiers": told.dossiers,
                }
