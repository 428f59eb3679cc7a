"""The figures published elsewhere: where they disagree, and how each is defined."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from aggregator.dashboard.context import Context, context_of
from aggregator.dashboard.explanations import Explained, Explanation
from aggregator.dashboard.pages import render
from aggregator.dashboard.sign_in import signed_in
from aggregator.indices.discrepancies import Check, discrepancies, formula, written

VERDICTS = ("exact", "rounding", "truncated", "contradiction")


@signed_in
async def published(request: Request) -> Response:
    """Printed statements recomputed from the printed parts, and the references in full."""
    context = context_of(request)
    figures = _figures(context)

    def explain(explained: Explained) -> None:
        explained.references(context.centre.references)
        for verdict in VERDICTS:
            explained[f"count.{verdict}"] = _count(explained, verdict, figures["counts"])
        source = figures["source"].get(explained.language) if figures["source"] else ""
        for one in figures["checks"]:
            explained[name_of(one)] = _explanation(explained, one, source)

    return render(request, "published", figures, explain=explain)


def _figures(context: Context) -> dict[str, Any]:
    checks = discrepancies(context.published) if context.published else []
    return {
        "view": None,  # nothing here follows a period or a channel
        "source": context.published.source if context.published else None,
        "checks": checks,
        "disagreeing": [one for one in checks if not one.agrees],
        "agreeing": [one for one in checks if one.agrees],
        "counts": Counter(one.verdict for one in checks),
        "verdicts": VERDICTS,
        "name_of": name_of,
        "written": written,
        "formula": formula,
    }


def name_of(check: Check) -> str:
    """A statement may be printed in several sections: each is a figure of its own."""
    return f"check.{check.id}.{check.section}"


def _count(explained: Explained, verdict: str, counts: Mapping[str, int]) -> Explanation:
    return Explanation(
        explained.say(f"discrepancy.{verdict}"),
        counts.get(verdict, 0),
        "count",
        explained.say(f"discrepancy.{verdict}_long"),
        n=sum(counts.values()),
        facts=((explained.say("published_page.rule"), explained.say("discrepancy.how")),),
    )


def _explanation(explained: Explained, check: Check, source: str) -> Explanation:
    language = explained.language
    low, high = written(check.low, language), written(check.high, language)
    facts = [
        (explained.say("published_page.printed"), written(check.printed, language)),
        (explained.say("published_page.parts"), formula(check, language)),
        (
            explained.say("published_page.range"),
            low if low == high else explained.say("discrepancy.range", low=low, high=high),
        ),
        (explained.say("how.verdict"), explained.say(f"discrepancy.{check.verdict}_long")),
        (explained.say("published_page.rule"), explained.say("discrepancy.how")),
    ]
    if check.note:
        facts.append((explained.say("how.note"), check.note.get(language)))
    section = explained.say("discrepancy.section", section=check.section)
    return Explanation(
        check.statement.get(language),
        float(check.recomputed),
        "score",
        explained.say(f"discrepancy.kind_{check.kind}"),
        facts=tuple(facts),
        source=f"{source}, {section}",
        text=written(check.recomputed, language),
    )
