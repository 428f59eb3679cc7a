"""Who sat at which counter, from when until when."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.create_table(
        "shift",
        sa.Column("day", sa.Date(), primary_key=True),
        sa.Column("counter", sa.String(40), primary_key=True),
        sa.Column("begins", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("ends", sa.Integer(), nullable=False),
        sa.Column("official", sa.String(20), nullable=False),
        sqlite_with_rowid=False,
    )
