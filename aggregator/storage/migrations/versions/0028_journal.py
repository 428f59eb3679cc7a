"""The journal of what figures are made of besides submissions, and restores answered for."""

import sqlalchemy as sa
from alembic import op

from aggregator.storage import journal

revision = "0028"
down_revision = "0026"

MOMENT = sa.DateTime(timezone=True)
# INSERT OR REPLACE deletes without a trigger for DELETE, hence the third one.
SQLITE = (
    "CREATE TRIGGER {0}_update BEFORE UPDATE ON {0} BEGIN {1}; END",
    "CREATE TRIGGER {0}_delete BEFORE DELETE ON {0} BEGIN {1}; END",
    "CREATE TRIGGER {0}_replace BEFORE INSERT ON {0} "
    "WHEN EXISTS (SELECT 1 FROM {0} WHERE number = NEW.number) BEGIN {1}; END",
)


def upgrade() -> None:
    op.create_table(
        "journal",
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("before", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    op.create_index("journal_key", "journal", ["kind", "key"])
    op.create_table(
        "restore",
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("restored", sa.Date(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("missing", sa.JSON(), nullable=False),
    )
    connection = op.get_bind()
    journal.note_all(connection)
    for table in ("journal", "restore"):
        _keep(table, postgresql=connection.dialect.name == "postgresql")


def _keep(table: str, *, postgresql: bool) -> None:
    """Let the database refuse to change or delete rows of a table."""
    refused = f"the {table} is append-only"
    if not postgresql:
        for trigger in SQLITE:
            op.execute(trigger.format(table, f"SELECT RAISE(ABORT, '{refused}')"))
        return
    op.execute(
        f"CREATE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ "
        f"BEGIN RAISE EXCEPTION '{refused}'; END $$"
    )
    for events, level in (("UPDATE OR DELETE", "ROW"), ("TRUNCATE", "STATEMENT")):
        op.execute(
            f"CREATE TRIGGER {table}_{level.lower()} BEFORE {events} ON {table} "
            f"FOR EACH {level} EXECUTE FUNCTION {table}_refuse()"
        )
