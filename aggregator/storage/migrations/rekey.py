"""What migrations of the tallies share: a table made anew with another order of its key."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op


def rekey(name: str, within: Sequence[str], sums: Sequence[str]) -> None:
    """Rebuild a tally table with the key survey, day, ``within``: SQLite stores in its order."""
    key = ("survey", "day", *within)
    kinds: dict[str, sa.types.TypeEngine[Any]] = {
        "day": sa.Date(),
        "channel": sa.String(10),
        "code": sa.Integer(),
    }
    op.rename_table(name, f"{name}_before")
    if op.get_bind().dialect.name == "postgresql":  # there names of keys are unique in a schema
        op.execute(f"ALTER INDEX {name}_pkey RENAME TO {name}_before_pkey")
    op.create_table(
        name,
        *(sa.Column(column, kinds.get(column, sa.String(40)), nullable=False) for column in key),
        *(sa.Column(column, sa.BigInteger(), nullable=False) for column in sums),
        sa.PrimaryKeyConstraint(*key),
        sqlite_with_rowid=False,
    )
    columns = ", ".join((*key, *sums))
    op.execute(
        f"INSERT INTO {name} ({columns}) "  # noqa: S608 - constants
        f"SELECT {columns} FROM {name}_before ORDER BY {', '.join(key)}"
    )
    op.drop_table(f"{name}_before")
