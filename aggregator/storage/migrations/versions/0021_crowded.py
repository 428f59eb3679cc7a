"""Whether a form came from a network that had sent many of its code."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.add_column("submission", sa.Column("crowded", sa.Boolean()))
