"""Alerts of low ratings are told by which rule, and from which level."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

ALERT = sa.table(
    "alert",
    sa.column("number", sa.BigInteger),
    sa.column("rule", sa.String),
    sa.column("subject", sa.String),
    sa.column("details", sa.JSON),
)
# Below the middle of the five levels that every centre has asked until now.
LEVEL = {"level_vi": "Không hài lòng", "level_en": "Dissatisfied"}


def upgrade() -> None:
    """One that lives goes on as that of the rule which the former limit has become."""
    connection = op.get_bind()
    for row in connection.execute(sa.select(ALERT).where(ALERT.c.rule == "low_ratings")).all():
        subject, details = f"counter:{row.subject}:low_counter", {**row.details, **LEVEL}
        changed = sa.update(ALERT).where(ALERT.c.number == row.number)
        connection.execute(changed.values(subject=subject, details=details))
