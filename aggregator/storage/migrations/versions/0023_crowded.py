"""Whether a form came from a network that had sent many of its code."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.add_column("submission", sa.Column("crowded", sa.Boolean()))
