"""Merkle trees over SHA-256: one hash for many leaves, and the way from a leaf to it.

The tree is that of RFC 6962, section 2.1: leaves and inner nodes are hashed with different first
bytes, so that none passes for the other, and of n leaves the left part has the largest power of
two that is less than n.
"""

import hashlib
from collections.abc import Sequence
from typing import Literal, NamedTuple

EMPTY = hashlib.sha256(b"").digest()


class Step(NamedTuple):
    """The hash beside a node on its way up, and on which side it stands."""

    side: Literal["left", "right"]
    hash: bytes


def leaf_hash(content: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + content).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """The root of leaves that come one by one; keeps one hash for each power of two."""

    def __init__(self) -> None:
        self.size = 0
        self._whole: list[bytes] = []  # roots of full subtrees, the largest first

    def add(self, leaf: bytes) -> None:
        """Add the hash of a leaf."""
        self._whole.append(leaf)
        self.size += 1
        # As many subtrees are full now as the number of leaves ends with zeros in binary.
        for _ in range((self.size & -self.size).bit_length() - 1):
            right = self._whole.pop()
            self._whole[-1] = node_hash(self._whole[-1], right)

    @property
    def root(self) -> bytes:
        if not self._whole:
            return EMPTY
        root = self._whole[-1]
        for left in reversed(self._whole[:-1]):
            root = node_hash(left, root)
        return root


def path_of(leaves: Sequence[bytes], place: int) -> list[Step]:
    """The way from the leaf at a place to the root, from below."""
    steps: list[Step] = []
    level = list(leaves)
    while len(level) > 1:
        beside = place ^ 1
        if beside < len(level):
            steps.append(Step("left" if beside < place else "right", level[beside]))
        pairs = [node_hash(*level[at : at + 2]) for at in range(0, len(level) - 1, 2)]
        # A node without a neighbour goes up as it is.
        level = pairs + level[len(level) & ~1 :]
        place //= 2
    return steps


def root_by(leaf: bytes, steps: Sequence[Step]) -> bytes:
    """The root to which a way leads from a leaf."""
    root = leaf
    for side, beside in steps:
        root = node_hash(beside, root) if side == "left" else node_hash(root, beside)
    return root
