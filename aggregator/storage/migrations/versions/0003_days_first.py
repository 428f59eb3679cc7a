"""Tallies keyed by day before question, and blocks made of them."""

import sqlalchemy as sa
from alembic import op

from aggregator.storage.migrations.rekey import rekey

revision = "0003"
down_revision = "0002"

SUMS = ("respondents", "k", "m", "kk", "km", "mm")
PLACE = ("channel", "department", "counter")


def upgrade() -> None:
    rekey("tally", ("question", *PLACE, "code"), ("n",))
    rekey("pooled_tally", ("factor", "measure", *PLACE), SUMS)
    op.create_table(
        "block",
        sa.Column("survey", sa.String(40), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("tallied", sa.String(40), nullable=False),
        sa.Column("items", sa.String(), nullable=False),
        sa.Column("places", sa.String(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("numbers", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("survey", "until", "since", "tallied"),
    )
