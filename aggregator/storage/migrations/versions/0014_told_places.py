"""Where devices say that they are."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    for name in ("told_department", "told_counter"):
        op.add_column("device", sa.Column(name, sa.String(40), nullable=True))
