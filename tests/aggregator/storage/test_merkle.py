"""Merkle trees: the root of RFC 6962, whichever way it is found, and the way to it."""

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.storage.merkle import EMPTY, Tree, leaf_hash, node_hash, path_of, root_by


def defined(leaves: Sequence[bytes]) -> bytes:
    """The root by the words of RFC 6962, section 2.1."""
    n = len(leaves)
    if n < 2:
        return leaves[0] if leaves else hashlib.sha256(b"").digest()
    k = 1 << (n - 1).bit_length() - 1
    return node_hash(defined(leaves[:k]), defined(leaves[k:]))


@given(st.lists(st.binary(max_size=4), max_size=70), st.data())
def test_a_root_is_that_of_the_definition_and_each_leaf_leads_to_it(
    contents: list[bytes], data: st.DataObject
) -> None:
    leaves, tree = [leaf_hash(one) for one in contents], Tree()
    for leaf in leaves:
        tree.add(leaf)
    assert (tree.size, tree.root) == (len(leaves), defined(leaves))
    if not leaves:
        assert tree.root == EMPTY
        return
    place = data.draw(st.integers(0, len(leaves) - 1))
    steps = path_of(leaves, place)
    assert root_by(leaves[place], steps) == tree.root
    other = data.draw(st.binary(max_size=4).filter(lambda one: one != contents[place]))
    assert root_by(leaf_hash(other), steps) != tree.root


@pytest.mark.parametrize(
    ("n", "root"),
    [
        # Of the leaves "", 00, 10, 2021, 3031, 40414243, 5051525354555657, 606162…6f: the vectors
        # that implementations of RFC 6962 are tried with.
        (1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
        (2, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
        (8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
    ],
)
def test_known_roots(n: int, root: str) -> None:
    contents = [b"", b"\x00", b"\x10", b" !", b"01", b"@ABC", b"PQRSTUVW", bytes(range(96, 112))]
    tree = Tree()
    for one in contents[:n]:
        tree.add(leaf_hash(one))
    assert tree.root.hex() == root
