"""The sizes of paper that ballots are printed on."""

from typing import Literal, get_args

Paper = Literal["a4", "a5"]  # two ballots of A5 beside each other, or one alone
PAPERS: tuple[Paper, ...] = get_args(Paper)
