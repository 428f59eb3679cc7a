"""An index of comments by day and number: the newest comment of each day of a period."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"


def upgrade() -> None:
    commented = sa.text("comment IS NOT NULL")
    op.create_index(
        "submission_commented",
        "submission",
        ["day", "number"],
        sqlite_where=commented,
        postgresql_where=commented,
    )
