"""Which ballots are typed twice, and where the two times differ. Pure."""

import hashlib
import hmac
import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from aggregator.intake.ballots.keys import PLACE
from aggregator.storage.ballots import standing
from aggregator.storage.tables import BallotEntry

OUTCOME = "outcome"  # what a ballot is, beside its fields, as a thing that may be typed wrongly


def drawn(seed: str, serials: Collection[int], share: int, least: int) -> set[int]:
    """The ballots of those typed that are to be typed again: ``share`` percent, ``least`` at least.

    Those with the lowest keyed hashes (HMAC-SHA256 under ``seed``, hexadecimal). So who does not
    know the seed cannot know which, what was typed has no say in it, and asking again draws the
    same ones; of more ballots more.
    """
    key = bytes.fromhex(seed)
    wanted = min(len(serials), max(least, math.ceil(len(serials) * share / 100)))
    return set(
        sorted(serials, key=lambda one: hmac.digest(key, str(one).encode(), hashlib.sha256))[
            :wanted
        ]
    )


@dataclass(frozen=True)
class Pair:
    """A ballot that was typed twice.

    ``first`` is as it stood until then, ``other`` the second time, ``now`` as it stands.
    ``differing`` are the fields that differ, ``settled`` whether nothing is left to decide.
    """

    serial: int
    first: BallotEntry
    other: BallotEntry
    now: BallotEntry
    differing: tuple[str, ...]
    settled: bool

    @property
    def alone(self) -> bool:
        """Whether the same account typed both."""
        return self.first.actor == self.other.actor


def pairs(entries: Iterable[BallotEntry], names: Sequence[str]) -> list[Pair]:
    """Every time that a ballot was typed again, by serial; ``names`` are those of the fields."""
    found = []
    for serial, of_ballot in groupby(
        sorted(entries, key=lambda one: (one.serial, one.turn)), key=lambda one: one.serial
    ):
        every = list(of_ballot)
        now = standing(every)
        for at, other in enumerate(every):
            first = standing(every[:at])
            if other.kind not in ("second", "again") or first is None or now is None:
                continue
            decided = any(one.kind == "resolution" for one in every[at:])
            settled = decided or not differing(now, other, names)
            of_both = tuple(differing(first, other, names))
            found.append(Pair(serial, first, other, now, of_both, settled))
    return found


def differing(one: BallotEntry, other: BallotEntry, names: Sequence[str]) -> list[str]:
    """The fields in which two entries differ; OUTCOME alone where they are not of one kind."""
    if one.outcome != other.outcome:
        return [OUTCOME]
    return [name for name in names if value_of(one, name) != value_of(other, name)]


def comparable(pair: Pair, name: str) -> bool:
    """Whether a field was typed both times: it was not where a ballot was blank or invalid."""
    return name == OUTCOME or pair.first.outcome == pair.other.outcome == "valid"


def value_of(entry: BallotEntry, name: str) -> object:
    """What was typed in a field."""
    return entry.department if name == PLACE else entry.answers.get(name)
