"""How dossiers were handled (Circular 01/2018/TT-VPCP): points a day, and departments' facts."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "handling_tally",
        sa.Column("department", sa.String(40), nullable=False),
        sa.Column("indicator", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        *(
            sa.Column(name, sa.BigInteger(), nullable=False)
            for name in ("unanswered", "zero", "one", "two")
        ),
        sa.PrimaryKeyConstraint("department", "indicator", "day"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "handling_facts",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("department", sa.String(40), nullable=False),
        *(
            sa.Column(name, sa.Integer(), nullable=True)
            for name in (
                "decided_at_desk",
                "posted",
                "published_online",
                "feedback",
                "feedback_on_time",
                "online",
            )
        ),
        sa.PrimaryKeyConstraint("day", "department"),
    )
