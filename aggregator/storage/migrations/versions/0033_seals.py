"""Closings have the journal's newest hash in them; cases, ballots, withdrawals are journalled."""

import sqlalchemy as sa
from alembic import op

from aggregator.storage import journal

revision = "0033"
down_revision = "0028"


def upgrade() -> None:
    op.add_column("closing", sa.Column("journal", sa.String(64)))
    journal.note_all(op.get_bind())
