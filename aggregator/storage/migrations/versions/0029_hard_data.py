"""By what a batch is known again, its sheet, and numbers from records beside business feedback."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0027"


def upgrade() -> None:
    op.add_column("batch", sa.Column("sheet", sa.String(80), nullable=False, server_default=""))
    op.add_column("batch", sa.Column("sketch", sa.JSON()))
    op.create_table(
        "hard_data",
        sa.Column("year", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("department", sa.String(64), primary_key=True),
        sa.Column("indicator", sa.String(120), primary_key=True),
        sa.Column("sub_index", sa.String(64), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("unit", sa.String(40), nullable=False),
        sa.Column("source", sa.String(200), nullable=False),
    )
