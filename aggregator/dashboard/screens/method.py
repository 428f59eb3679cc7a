"""The method: what each figure means, in plain words, with its source and with our own choices."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from aggregator.dashboard.context import context_of
from aggregator.dashboard.pages import render
from aggregator.dashboard.permissions import needs
from aggregator.figures.figure import Figure
from aggregator.wording.messages import MESSAGES
from aggregator.wording.phrases import say
from surveys.centre import Centre
from surveys.definition import Level, Scale, Survey


@dataclass(frozen=True)
class MethodSection:
    """A part of the page. The texts of its entries stand in the catalogue under its name."""

    name: str
    entries: tuple[str, ...] = ()
    ours: frozenset[str] = frozenset()  # entries whose rule is our own, not from a source


SECTIONS = (
    MethodSection(
        "reading",
        ("share", "interval", "too_few", "flags", "asking"),
        frozenset({"share", "too_few", "flags"}),
    ),
    MethodSection("surveys"),
    MethodSection(
        "never_mixed", ("measure", "mode", "instrument", "departments", "channels", "series")
    ),
    MethodSection(
        "sipas",
        ("index", "pooling", "cluster", "weighting", "projection", "break", "wording"),
        frozenset({"pooling"}),
    ),
    MethodSection(
        "business",
        ("statement", "direction", "number", "score", "composite", "declined"),
        frozenset({"score"}),
    ),
    MethodSection(
        "comparing",
        ("reference", "daily", "price", "agree", "together", "mix", "ranking", "time", "chart"),
        frozenset({"agree"}),
    ),
    MethodSection("participation", ("share", "silent")),
    MethodSection("handling", ("indicators", "bands", "unanswered"), frozenset({"unanswered"})),
    MethodSection("ddci", ("components", "weights")),
    MethodSection("small_groups", ("rule", "others"), frozenset({"rule", "others"})),
    MethodSection("published", ("kept", "recomputed")),
    MethodSection(
        "trust", ("day", "late", "numbers", "dates", "ledger"), frozenset({"day", "dates"})
    ),
    MethodSection("privacy", ("person", "sensitive", "comments")),
    MethodSection("methods"),
    MethodSection("ours"),
)


@dataclass(frozen=True)
class Defined:
    """A scale of a survey with its measures, each by the levels that count as favourable."""

    scale: Scale
    questions: int
    measures: tuple[tuple[str, tuple[Level, ...]], ...]


@dataclass(frozen=True, kw_only=True)
class MethodPage:
    """The definitions of measures by survey, and how sure the wording of its questions is."""

    centre: Centre
    surveys: Mapping[str, Survey]

    sections = SECTIONS

    @property
    def defined(self) -> Mapping[str, Sequence[Defined]]:
        return {survey.id: list(_defined(survey)) for survey in self.surveys.values()}

    @property
    def wordings(self) -> Mapping[str, Mapping[str, int]]:
        """How many questions of a survey have each status of wording."""
        return {
            survey.id: Counter(question.wording for question in survey.measured)
            for survey in self.surveys.values()
        }

    @property
    def methods(self) -> Sequence[str]:
        """The keys of all statistical methods."""
        start = "how_method."
        return [key.removeprefix(start) for key in MESSAGES.texts["vi"] if key.startswith(start)]

    @property
    def minimum_ratings(self) -> Figure:
        return _setting("minimum_ratings", self.centre.minimum_ratings, "too_few")

    @property
    def minimum_cell(self) -> Figure:
        return _setting("minimum_cell", self.centre.minimum_cell, "suppression")


@needs("department")
async def method(request: Request) -> Response:
    """One page about every figure, with a table of contents."""
    context = context_of(request)
    return render(request, "method", MethodPage(centre=context.centre, surveys=context.surveys))


def _defined(survey: Survey) -> Iterator[Defined]:
    """The scales of a survey that carry measures, in the order of its questions."""
    for name in dict.fromkeys(question.scale for question in survey.measured if question.scale):
        scale = survey.scales[name]
        measures = tuple(
            (measure, tuple(level for level in scale.levels if level.code in codes))
            for measure, codes in scale.measures.items()
        )
        number = sum(question.scale == name for question in survey.measured)
        yield Defined(scale, number, measures)


def _setting(name: str, value: int, method: str) -> Figure:
    return Figure(
        name=name,
        title=say(f"method_page.{name}"),
        value=value,
        unit="count",
        definition=say(f"method_page.{name}_how"),
        methods=(method,),
        source=say("method_page.centre_file"),
    )
