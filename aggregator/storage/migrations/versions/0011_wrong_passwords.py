"""Wrong passwords of the last minutes, which all processes on one PostgreSQL count together."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "wrong_password",
        sa.Column("bucket", sa.String(64), primary_key=True),
        sa.Column("wrong", sa.Float(), nullable=False),
        sa.Column("since", sa.Float(), nullable=False),
        sa.Column("until", sa.Float(), nullable=False),
        # Not in the log of changes, which archives keep: a hash may be that of an address.
        prefixes=["UNLOGGED"] if op.get_bind().dialect.name == "postgresql" else [],
    )
