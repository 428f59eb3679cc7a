"""What the centre itself writes into a report: what falls short, why, and what it proposes."""

from aggregator.documents.reports.model import Paragraph, Section
from aggregator.documents.reports.occasion import Occasion
from aggregator.storage.issued import PARTS


def remarks(on: Occasion) -> list[Section]:
    """A section for each text that there is, a paragraph a line."""
    return [
        Section(on.say(f"section_{part}"), tuple(map(Paragraph, lines)))
        for part in PARTS
        if (lines := [line for line in getattr(on.texts, part).splitlines() if line.strip()])
    ]
