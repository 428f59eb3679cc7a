"""Paper ballots that are printed here, and what clerks typed of them."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0029"

KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")
MOMENT = sa.DateTime(timezone=True)
SQLITE = (
    "CREATE TRIGGER ballot_entry_update BEFORE UPDATE ON ballot_entry BEGIN {0}; END",
    "CREATE TRIGGER ballot_entry_delete BEFORE DELETE ON ballot_entry BEGIN {0}; END",
    # INSERT OR REPLACE deletes without a trigger for DELETE.
    "CREATE TRIGGER ballot_entry_replace BEFORE INSERT ON ballot_entry WHEN EXISTS "
    "(SELECT 1 FROM ballot_entry WHERE number = NEW.number OR id = NEW.id "
    "OR (batch = NEW.batch AND serial = NEW.serial AND turn = NEW.turn)) BEGIN {0}; END",
)
ABORT = "SELECT RAISE(ABORT, 'ballot_entry is append-only')"
POSTGRESQL = """
CREATE FUNCTION ballot_entry_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'ballot_entry is append-only'; END $$
"""


def upgrade() -> None:
    op.create_table(
        "ballot_batch",
        sa.Column("number", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("name", sa.String(80), nullable=False, unique=True),
        sa.Column("survey", sa.String(40), nullable=False),
        sa.Column("fingerprint", sa.String(16), nullable=False),
        sa.Column("department", sa.String(40)),
        sa.Column("counter", sa.String(40)),
        sa.Column("places", sa.JSON(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("printed", sa.Integer(), nullable=False),
        sa.Column("seed", sa.String(64), nullable=False),
        sa.Column("handed_out", sa.Integer()),
        sa.Column("returned", sa.Integer()),
    )
    op.create_table(
        "ballot_entry",
        sa.Column("number", KEY, primary_key=True),
        sa.Column("id", sa.String(36), nullable=False, unique=True),
        sa.Column("batch", sa.BigInteger(), nullable=False),
        sa.Column("serial", sa.Integer(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("outcome", sa.String(10), nullable=False),
        sa.Column("department", sa.String(40)),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.Column("submission", sa.String(36)),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.UniqueConstraint("batch", "serial", "turn", name="ballot_turn"),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(POSTGRESQL)
        for events, level in (("UPDATE OR DELETE", "ROW"), ("TRUNCATE", "STATEMENT")):
            op.execute(
                f"CREATE TRIGGER ballot_entry_{level.lower()} BEFORE {events} ON ballot_entry "
                f"FOR EACH {level} EXECUTE FUNCTION ballot_entry_refuse()"
            )
    else:
        for trigger in SQLITE:
            op.execute(trigger.format(ABORT))
