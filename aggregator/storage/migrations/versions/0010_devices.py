"""Devices, one for each name that has a device token, and which of them sent a submission."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "device",
        sa.Column("number", KEY, primary_key=True),
        sa.Column("name", sa.String(64), nullable=False, unique=True),
        sa.Column("department", sa.String(40), nullable=True),
        sa.Column("counter", sa.String(40), nullable=True),
        sa.Column("enrolled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pending", sa.BigInteger(), nullable=True),
        sa.Column("refused", sa.BigInteger(), nullable=True),
        sa.Column("drift", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.String(40), nullable=True),
    )
    op.execute(
        "INSERT INTO device (name, enrolled_at) SELECT name, MIN(created_at) FROM token "
        "WHERE kind = 'device' GROUP BY name ORDER BY MIN(created_at), name"
    )
    op.add_column("submission", sa.Column("device", sa.BigInteger(), nullable=True))
