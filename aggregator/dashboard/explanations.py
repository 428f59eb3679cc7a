"""How each figure on a screen was computed, by the figure's name on that screen."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from aggregator.dashboard.context import MESSAGES
from aggregator.figures.rows import Comparison, FigureRow
from aggregator.statistics.participation import Participation
from aggregator.wording import numbers
from aggregator.wording.periods import Period
from surveys.centre import Reference
from surveys.definition import Question, Survey
from surveys.messages import Language

Unit = Literal["share", "points", "score", "count"]


@dataclass(frozen=True)
class Explanation:
    """One figure: its definition, k of n, interval, methods, source. Filters are the page's.

    ``definition`` and ``facts`` (label, text) are in the reader's language; ``methods`` are
    keys of the catalogue's how_method; without a ``source`` it is the centre's own answers.
    ``text`` is how the value is written where that is not its unit's way: as a source prints
    it. A figure that is not ``filtered`` is what it is, whatever the page shows.
    """

    title: str
    value: float | None
    unit: Unit
    definition: str
    k: int | None = None
    n: int | None = None
    low: float | None = None
    high: float | None = None
    methods: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    source: str = ""
    text: str = ""
    filtered: bool = True


class Explained(dict[str, Explanation]):
    """The explanations of a screen, by the names that its template gives the figures."""

    def __init__(self, language: Language) -> None:
        super().__init__()
        self.language = language

    def say(self, key: str, **values: object) -> str:
        return MESSAGES.get(self.language, key, **values)

    def rows(self, survey: Survey, rows: Iterable[FigureRow], prefix: str = "") -> None:
        """Figures of rows: ``<key>.n``, ``<key>.<code>``, ``<key>.<measure>[.<reference>]``."""
        for row in rows:
            self._row(survey, row, f"{prefix}{row.key}", row.label.get(self.language))

    def _row(self, survey: Survey, row: FigureRow, name: str, place: str) -> None:
        question = row.question or survey.measured[0]
        many = "ticks" if question.kind == "many" else None
        pooled = "respondents" if row.question is None else None
        unit = self.say(f"how.n_{many or pooled or 'answers'}")
        self[f"{name}.n"] = Explanation(place, row.n, "count", unit)
        scale = survey.scale_of(question)
        for level in scale.levels if scale else ():
            title, n = f"{place} · {level.get(self.language)}", row.counts.get(level.code, 0)
            answers = sum(row.counts.values())
            definition = self.say("how.count", level=level.get(self.language))
            self[f"{name}.{level.code}"] = Explanation(title, n, "count", definition, n=answers)
        for measure, found in row.measures.items():
            title = f"{place} · {self.say(f'measure.{measure}')}"
            facts: tuple[tuple[str, str], ...] = ()
            if found.design_effect is not None:
                effect = numbers.decimal(found.design_effect, self.language, 2)
                respondents = numbers.integer(row.n, self.language)
                facts = (
                    (self.say("how.respondents"), respondents),
                    (self.say("how.design_effect"), effect),
                )
            self[f"{name}.{measure}"] = Explanation(
                title,
                found.share,
                "share",
                self.measure(survey, question, measure),
                found.k,
                found.n,
                found.low,
                found.high,
                (found.method,),
                facts,
            )
        for compared in row.comparisons:
            self[f"{name}.{compared.measure}.{compared.reference.id}"] = self._compared(
                row, compared, place
            )

    def _compared(self, row: FigureRow, found: Comparison, place: str) -> Explanation:
        reference, own = found.reference, row.measures[found.measure]
        label = reference.label.get(self.language)
        return Explanation(
            f"{place} · {self.say(f'measure.{found.measure}')}",
            found.difference,
            "points",
            self.say("how.difference", reference=label),
            own.k,
            own.n,
            found.low,
            found.high,
            ("newcombe" if reference.n else "shifted", found.test, "holm"),
            (
                (self.say("how.verdict"), self.say(f"verdict.{found.verdict}")),
                (self.say("how.p"), numbers.p_value(found.p, self.language)),
                (self.say("how.p_holm"), numbers.p_value(found.p_adjusted, self.language)),
                (self.say("how.p_bh"), numbers.p_value(found.p_bh, self.language)),
                (self.say("how.their_mode"), reference.mode.get(self.language)),
            ),
            reference.source,
        )

    def measure(self, survey: Survey, question: Question, measure: str) -> str:
        """What a measure is, by the levels that count as favourable."""
        favourable = survey.measures_of(question)[measure]
        scale = survey.scale_of(question)
        levels = [
            level.get(self.language)
            for level in (scale.levels if scale else ())
            if level.code in favourable
        ]
        name = self.say(f"measure.{measure}")
        return self.say("how.share", measure=name, levels=", ".join(levels))

    def references(self, references: Iterable[Reference]) -> None:
        """Published figures: ``reference.<id>``."""
        for one in references:
            label = one.label.get(self.language)
            facts = [
                (self.say("how.their_mode"), one.mode.get(self.language)),
                (self.say("how.population"), one.population.get(self.language)),
                (self.say("how.scale"), one.scale.get(self.language)),
                (self.say("how.period"), self._days(one.period_from, one.period_to)),
            ]
            measure = self.say(f"measure.{one.measure}")
            definition = self.say("how.published_share", measure=measure)
            self[f"reference.{one.id}"] = Explanation(
                label,
                one.value,
                "share",
                definition,
                one.k,
                one.n,
                facts=tuple(facts),
                source=one.source,
                text=numbers.percent(one.value, self.language, 1 if one.n else 2),
                filtered=False,
            )

    def participation(
        self, found: Mapping[str, Participation], names: Mapping[str, str], prefix: str = ""
    ) -> None:
        """By department, '' for the centre: ``participation.<prefix><department>``."""
        for key, part in found.items():
            self[f"participation.{prefix}{key}"] = Explanation(
                f"{names[key]} · {self.say('card.participation')}",
                part.share,
                "share",
                self.say("how.participation"),
                part.n,
                part.dossiers,
                facts=((self.say("how.days"), numbers.integer(part.days, self.language)),),
            )

    def published(self, questions: Iterable[Question]) -> None:
        """Figures published beside single questions: ``published.<question>``."""
        for question in questions:
            if (found := question.published) is None:
                continue
            written = numbers.published(question, self.language)
            self[f"published.{question.id}"] = Explanation(
                question.text.get(self.language),
                None,
                "score",
                self.say("how.published_question", value=written, year=found.year),
                facts=((self.say("how.note"), found.note.get(self.language)),)
                if found.note
                else (),
                source=found.source,
            )

    def period(self, period: Period) -> str:
        return self._days(period.since, period.until)

    def _days(self, since: date, until: date) -> str:
        return f"{numbers.day(since, self.language)} – {numbers.day(until, self.language)}"
