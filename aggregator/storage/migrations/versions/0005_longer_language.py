"""Codes of languages have up to three letters, such as hmn: a centre's own languages."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    with op.batch_alter_table("submission") as table:  # SQLite copies it, PostgreSQL need not
        table.alter_column("language", existing_type=sa.String(2), type_=sa.String(3))
