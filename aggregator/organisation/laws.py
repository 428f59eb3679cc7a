"""Which law is in force in a period, in words; where its text is not known, that it is not."""

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import pairwise

from aggregator.wording.phrases import Words, day, days, listed, say
from surveys.centre import Centre
from surveys.definition import Text
from surveys.laws import KNOWN, InForce, Law, Subject, in_force


def rule_of(instrument: str) -> Law:
    """The law by whose text this software counts the answers and records of an instrument."""
    return next(one for one in KNOWN if one.instrument == instrument)


def cited(centre: Centre, subject: Subject, since: date, until: date) -> Words:
    """The laws of a subject in a period by name, each once."""
    spans = in_force(centre.laws, subject, since, until)
    return listed(dict.fromkeys(_name(one.law) for one in spans))


def notices(
    centre: Centre, instrument: str, subjects: Iterable[Subject], since: date, until: date
) -> list[Words]:
    """What a reader of a period's figures by an instrument has to know of the law, each once.

    Where it changes within the period the series breaks; where the law in force is not the one
    by which the figures are made, or none is known, they are for reference only.
    """
    rule, found = rule_of(instrument), []
    told: set[tuple[object, ...]] = set()
    for subject in subjects:
        spans = in_force(centre.laws, subject, since, until)
        for key, words in [*_breaks(spans), *_unknown(spans, subject, rule)]:
            if key not in told:
                told.add(key)
                found.append(words)
    return found


def law_changes(centre: Centre, instrument: str) -> list[tuple[date, Text]]:
    """The days on which the law of an instrument's figures changed, each with the new law."""
    subjects = rule_of(instrument).governs if _has_rule(instrument) else ()
    found: dict[date, Text] = {}
    for subject in subjects:
        for one in centre.laws:
            if subject in one.governs and one.since is not None and one.instrument != instrument:
                found.setdefault(one.since, one.called)
    return sorted(found.items(), key=lambda item: item[0])


def _has_rule(instrument: str) -> bool:
    return any(one.instrument == instrument for one in KNOWN)


def _name(law: Law | None) -> Words:
    return law.called if law else UNKNOWN


UNKNOWN: Words = say("law.unknown")


def _breaks(spans: Sequence[InForce]) -> list[tuple[tuple[object, ...], Words]]:
    return [
        (
            ("break", later.since, later.law),
            say(
                "law.break",
                day=day(later.since),
                old=_name(earlier.law),
                new=_name(later.law),
            ),
        )
        for earlier, later in pairwise(spans)
    ]


def _unknown(
    spans: Sequence[InForce], subject: Subject, rule: Law
) -> list[tuple[tuple[object, ...], Words]]:
    found: list[tuple[tuple[object, ...], Words]] = []
    for one in spans:
        said = {"days": days(one.since, one.until), "rule": rule.called}
        if one.law is None:
            found.append((("none", one.since), say("law.none", **said)))
        elif subject in rule.governs and one.law.instrument != rule.instrument:
            found.append((("text", one.law), say("law.text_unknown", law=one.law.called, **said)))
        elif one.law.since is None:
            found.append((("days", one.law), say("law.days_unknown", law=one.law.called)))
    return found
