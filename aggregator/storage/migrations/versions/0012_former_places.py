"""Where devices were bound before, and until when."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("device", sa.Column("formerly", sa.JSON(), nullable=True))
