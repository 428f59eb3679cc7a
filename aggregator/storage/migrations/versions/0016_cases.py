"""Cases of citizens, their events, receipt codes and contact details."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")
MOMENT = sa.DateTime(timezone=True)
REFUSED = "SELECT RAISE(ABORT, 'events of cases are append-only')"


def upgrade() -> None:
    op.create_table(
        "citizen_case",
        sa.Column("number", KEY, primary_key=True),
        sa.Column("submission", sa.String(36), nullable=True, unique=True),
        sa.Column("way", sa.String(10), nullable=False),
        sa.Column("department", sa.String(40), nullable=True),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("answered_at", MOMENT, nullable=True),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.Column("missed", sa.Boolean(), nullable=False),
        sa.Column("reopened", sa.Boolean(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
    )
    op.create_index("citizen_case_opened", "citizen_case", ["opened_at"])
    op.create_table(
        "case_event",
        sa.Column("number", KEY, primary_key=True),
        sa.Column("case_number", sa.BigInteger(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("actor", sa.String(64), nullable=True),
        sa.Column("department", sa.String(40), nullable=True),
        sa.Column("text", sa.String(), nullable=True),
    )
    op.create_index("ix_case_event_case_number", "case_event", ["case_number"])
    op.create_table(
        "receipt",
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("submission", sa.String(36), nullable=True, unique=True),
        sa.Column("case_number", sa.BigInteger(), nullable=True, unique=True),
        sa.Column("given_at", MOMENT, nullable=False),
    )
    op.create_table(
        "contact",
        sa.Column("receipt", sa.String(64), primary_key=True),
        sa.Column("sealed", sa.String(), nullable=False),
        sa.Column("left_at", MOMENT, nullable=False),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION case_event_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ "
            "BEGIN RAISE EXCEPTION 'events of cases are append-only'; END $$"
        )
        for events, level in (("UPDATE OR DELETE", "ROW"), ("TRUNCATE", "STATEMENT")):
            op.execute(
                f"CREATE TRIGGER case_event_{level.lower()} BEFORE {events} ON case_event "
                f"FOR EACH {level} EXECUTE FUNCTION case_event_refuse()"
            )
        return
    # INSERT OR REPLACE deletes without a trigger for DELETE, hence the third one.
    taken = "WHEN EXISTS (SELECT 1 FROM case_event WHERE number = NEW.number) "
    for name, event, when in (
        ("update", "UPDATE", ""),
        ("delete", "DELETE", ""),
        ("replace", "INSERT", taken),
    ):
        op.execute(
            f"CREATE TRIGGER case_event_{name} BEFORE {event} ON case_event {when}"
            f"BEGIN {REFUSED}; END"
        )
