"""What verification finds: a kind, and the sentence of the catalogue that tells it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from aggregator.wording.phrases import say
from surveys.messages import Language


class Numbers(NamedTuple):
    """Numbers of a device's chain, from one to another, both included."""

    chain: int
    first: int
    last: int


@dataclass(frozen=True)
class Finding:
    """One thing that does not fit; ``missing`` where it is that numbers have not come."""

    key: str
    told: Mapping[str, object]
    missing: Numbers | None = None

    @property
    def kind(self) -> str:
        """The last part of its key, such as ``edited``."""
        return self.key.rpartition(".")[2]

    def get(self, language: Language, /) -> str:
        return say(self.key, **self.told).get(language)


def finding(key: str, /, **told: object) -> Finding:
    return Finding(key, told)
