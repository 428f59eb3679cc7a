"""Tallies keyed by day before question, and blocks made of them."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

SUMS = ("respondents", "k", "m", "kk", "km", "mm")
PLACE = ("channel", "department", "counter")


def upgrade() -> None:
    _rekey("tally", ("question", *PLACE, "code"), ("n",))
    _rekey("pooled_tally", ("factor", "measure", *PLACE), SUMS)
    op.create_table(
        "block",
        sa.Column("survey", sa.String(40), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("tallied", sa.String(40), nullable=False),
        sa.Column("items", sa.String(), nullable=False),
        sa.Column("places", sa.String(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("numbers", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("survey", "until", "since", "tallied"),
    )


def _rekey(name: str, within: Sequence[str], sums: Sequence[str]) -> None:
    """Make a table anew with its rows, so that SQLite stores them in the new key's order."""
    key = ("survey", "day", *within)
    kinds: dict[str, sa.types.TypeEngine[Any]] = {
        "day": sa.Date(),
        "channel": sa.String(10),
        "code": sa.Integer(),
    }
    op.rename_table(name, f"{name}_before")
    if op.get_bind().dialect.name == "postgresql":  # where a key's name is one of the schema
        op.execute(f"ALTER INDEX {name}_pkey RENAME TO {name}_before_pkey")
    op.create_table(
        name,
        *(sa.Column(one, kinds.get(one, sa.String(40)), nullable=False) for one in key),
        *(sa.Column(one, sa.BigInteger(), nullable=False) for one in sums),
        sa.PrimaryKeyConstraint(*key),
        sqlite_with_rowid=False,
    )
    columns = ", ".join((*key, *sums))
    op.execute(
        f"INSERT INTO {name} ({columns}) "  # noqa: S608 - constants
        f"SELECT {columns} FROM {name}_before ORDER BY {', '.join(key)}"
    )
    op.drop_table(f"{name}_before")
