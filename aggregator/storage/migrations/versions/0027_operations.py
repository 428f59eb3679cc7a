"""Operating figures: visits, dossiers, fees, by department and span of days."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0024"


def upgrade() -> None:
    op.create_table(
        "operation",
        sa.Column("day", sa.Date(), primary_key=True),
        sa.Column("until", sa.Date(), primary_key=True),
        sa.Column("department", sa.String(40), primary_key=True),
        sa.Column("figure", sa.String(20), primary_key=True),
        sa.Column("value", sa.BigInteger(), nullable=False),
    )
