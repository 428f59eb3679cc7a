"""What ids are called where people read them: of departments, counters, surveys and selections.

The audit log keeps ids, which outlive a rename; whoever reads it reads names of today.
"""

from collections.abc import Mapping
from datetime import date
from urllib.parse import parse_qsl

from aggregator.wording.channels import CHANNELS
from aggregator.wording.phrases import Words, day, joined, say, verbatim
from surveys.centre import Centre
from surveys.definition import Survey
from surveys.text import without_marks

Surveys = Mapping[str, Survey]
SELECTION = "selection"  # the value that is a query of a page or a file
EVERYTHING = "*"


def called(name: str, value: str | int, centre: Centre, surveys: Surveys) -> Words:
    """What the value of an entry is called, by its name; what nothing here has stays as it is."""
    text = str(value)
    if name in ("department", "place") and text in centre.department:
        return centre.department[text].name
    if name in ("counter", "place") and text in centre.counter:
        return centre.counter[text].name
    if name == "survey" and text in surveys:
        return surveys[text].title
    if name == SELECTION:
        return _selected(text, centre, surveys)
    return verbatim(text)


def ids_of(word: str, centre: Centre) -> list[str]:
    """The departments that have or had a word in their name, with marks or without."""
    return [
        one.id
        for one in centre.departments
        for names in [[one.name, *(former.name for former in one.formerly if former.name)]]
        if any(
            word in text.lower() or word in without_marks(text.lower())
            for name in names
            for text in (name.vi, name.en)
        )
    ]


def _selected(query: str, centre: Centre, surveys: Surveys) -> Words:
    if query == EVERYTHING:
        return say("audit.everything")
    found = [_part(name, value, centre, surveys) for name, value in parse_qsl(query)]
    return joined(*found, by="; ") if found else verbatim(query)


def _part(name: str, value: str, centre: Centre, surveys: Surveys) -> Words:
    if name == "channel" and value in CHANNELS:
        return CHANNELS[value]
    if name in ("from", "to", "since", "until", "date"):
        try:
            return say(f"audit.selected_{name}", day=day(date.fromisoformat(value)))
        except ValueError:
            return verbatim(f"{name}={value}")
    if name == "organisation" and value in ("then", "now"):
        return say(f"filter.by_organisation_{value}")
    if name in ("department", "counter", "survey"):
        return called(name, value, centre, surveys)
    return verbatim(f"{name}={value}")
