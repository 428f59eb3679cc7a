"""By how much a device's clock was wrong, and the numbers and links of what it hands in."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"

KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    for column in (
        sa.Column("clock_offset", sa.BigInteger()),
        sa.Column("told_at", MOMENT),
        sa.Column("chain", sa.BigInteger()),
        sa.Column("device_seq", sa.BigInteger()),
        sa.Column("device_mac", sa.String(64)),
        sa.Column("comment_salt", sa.String(32)),
        sa.Column("comment_seal", sa.String(64)),
    ):
        op.add_column("submission", column)
    op.add_column("device", sa.Column("channels", sa.JSON()))
    op.create_table(
        "device_chain",
        sa.Column("number", KEY, primary_key=True),
        sa.Column("name", sa.String(32), nullable=False, unique=True),
        sa.Column("device", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("begun_at", MOMENT, nullable=False),
        sa.Column("runs", sa.JSON(), nullable=False),
        sa.Column("lost", sa.BigInteger(), nullable=False),
        sa.Column("unnumbered", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "chain_note",
        sa.Column("number", KEY, primary_key=True),
        sa.Column("chain", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("mac", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
    )
    op.create_index("chain_note_of", "chain_note", ["chain", "seq"])
