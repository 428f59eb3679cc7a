"""One-time codes that wait for the kiosk that serves them, and where phones reach kiosks."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0025"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "one_time_code",
        sa.Column("number", NUMBER, primary_key=True),
        sa.Column("device", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False, unique=True),
        sa.Column("department", sa.String(40)),
        sa.Column("counter", sa.String(40)),
        sa.Column("until", sa.Date(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("one_time_code_device", "one_time_code", ["device", "number"])
    op.create_table(
        "code_server",
        sa.Column("device", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("address", sa.String(200), nullable=False),
    )
