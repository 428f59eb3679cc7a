"""Alerts, and the outbox of those that are sent."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "alert",
        sa.Column("number", KEY, primary_key=True),
        sa.Column("rule", sa.String(20), nullable=False),
        sa.Column("subject", sa.String(80), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("live", sa.Integer()),
        sa.Column("seen_at", sa.DateTime(timezone=True)),
        sa.Column("seen_by", sa.String(64)),
        sa.Column("note", sa.String()),
        sa.UniqueConstraint("rule", "subject", "live", name="alert_once"),
    )
    op.create_index("alert_begun_at", "alert", ["begun_at"])
    op.create_table(
        "alert_post",
        sa.Column("number", KEY, primary_key=True),
        sa.Column("alert", sa.BigInteger(), sa.ForeignKey("alert.number"), nullable=False),
        sa.Column("channel", sa.String(254), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True)),
        sa.Column("error", sa.String()),
        sa.UniqueConstraint("alert", "channel", name="alert_post_once"),
    )
    op.create_index("alert_post_due", "alert_post", ["sent_at", "due_at"])
