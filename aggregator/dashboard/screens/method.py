"""The method: what each figure means, in plain words, with its source and with our own choices."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from aggregator.dashboard.context import Context, context_of
from aggregator.dashboard.explanations import Explained, Explanation
from aggregator.dashboard.pages import render
from aggregator.dashboard.sign_in import signed_in
from aggregator.wording.messages import MESSAGES
from surveys.definition import Level, Scale, Survey


@dataclass(frozen=True)
class Section:
    """A part of the page. The texts of its entries stand in the catalogue under its name."""

    name: str
    entries: tuple[str, ...] = ()
    ours: frozenset[str] = frozenset()  # entries in which nobody else's rule is followed


SECTIONS = (
    Section("reading", ("share", "interval", "too_few", "asking"), frozenset({"share", "too_few"})),
    Section("surveys"),
    Section("never_mixed", ("measure", "mode", "instrument", "departments", "channels", "series")),
    Section(
        "sipas",
        ("index", "pooling", "cluster", "weighting", "projection", "break", "wording"),
        frozenset({"pooling"}),
    ),
    Section(
        "business",
        ("statement", "direction", "number", "score", "composite", "declined"),
        frozenset({"score"}),
    ),
    Section("comparing", ("reference", "together", "mix", "ranking", "time", "chart")),
    Section("participation", ("share", "silent")),
    Section("handling", ("indicators", "bands", "unanswered"), frozenset({"unanswered"})),
    Section("ddci", ("components", "weights")),
    Section("small_groups", ("rule", "others"), frozenset({"rule", "others"})),
    Section("published", ("kept", "recomputed")),
    Section("privacy", ("person", "sensitive", "comments")),
    Section("methods"),
    Section("ours"),
)


@dataclass(frozen=True)
class Defined:
    """A scale of a survey with its measures, each by the levels that count as favourable."""

    scale: Scale
    questions: int
    measures: tuple[tuple[str, tuple[Level, ...]], ...]


@signed_in
async def method(request: Request) -> Response:
    """One page about every figure, with a table of contents."""
    context = context_of(request)

    def explain(explained: Explained) -> None:
        explained.references(context.centre.references)
        for name in ("minimum_ratings", "minimum_cell"):
            explained[name] = _setting(explained, name, getattr(context.centre, name))

    return render(request, "method", _figures(context), explain=explain)


def _figures(context: Context) -> dict[str, Any]:
    return {
        "view": None,  # definitions follow no period and no channel
        "sections": SECTIONS,
        "defined": {survey.id: list(_defined(survey)) for survey in context.surveys.values()},
        "wordings": {
            survey.id: Counter(question.wording for question in survey.measured)
            for survey in context.surveys.values()
        },
        "methods": [
            key.removeprefix("how_method.")
            for key in MESSAGES.texts["vi"]
            if key.startswith("how_method.")
        ],
    }


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


def _setting(explained: Explained, name: str, value: int) -> Explanation:
    return Explanation(
        explained.say(f"method_page.{name}"),
        value,
        "count",
        explained.say(f"method_page.{name}_how"),
        methods=("too_few",) if name == "minimum_ratings" else ("suppression",),
        source=explained.say("method_page.centre_file"),
    )
