"""What the centres of one process have in common: read, made and waited for once."""

from asyncio import Semaphore
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from aggregator.dashboard.accounts import Turns
from aggregator.wording.messages import MESSAGES
from surveys.definition import Survey, load_instruments
from web import Pages

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Shared:
    """Templates, instruments, and the turns for what costs much memory.

    ``documents`` is held while a document is made, ``large_batches`` while a large batch of
    submissions is read.
    """

    pages: Pages = field(default_factory=lambda: Pages(TEMPLATES, MESSAGES))
    passwords: Turns = field(default_factory=Turns)
    documents: Semaphore = field(default_factory=lambda: Semaphore(1))
    large_batches: Semaphore = field(default_factory=lambda: Semaphore(6))
    _surveys: dict[Path | None, Mapping[str, Survey]] = field(default_factory=dict)

    def surveys(self, own: Path | None) -> Mapping[str, Survey]:
        """The instruments with those of a folder; see load_instruments, also for what it raises."""
        if own not in self._surveys:
            self._surveys[own] = load_instruments(own)
        return self._surveys[own]
