"""What was published: frozen counts, the ledger of groups, and answers told to the public.

The database itself lets nobody change or delete any of it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"

KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")
MOMENT = sa.DateTime(timezone=True)
REFUSED = "what was published is append-only"


def upgrade() -> None:
    op.create_table(
        "frozen_block",
        sa.Column("survey", sa.String(40), primary_key=True),
        sa.Column("until", sa.Date(), primary_key=True),
        sa.Column("since", sa.Date(), primary_key=True),
        sa.Column("tallied", sa.String(40), primary_key=True),
        sa.Column("items", sa.String(), nullable=False),
        sa.Column("places", sa.String(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("numbers", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "published_group",
        sa.Column("number", KEY, primary_key=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor", sa.String(80), nullable=False),
        sa.Column("survey", sa.String(40), nullable=False),
        sa.Column("question", sa.String(40), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("channel", sa.String(10), nullable=False),
        sa.Column("places", sa.String(), nullable=False),
        sa.Column("key", sa.String(64), nullable=False, unique=True),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("department", sa.String(40), nullable=False),
        sa.Column("shown", sa.Boolean(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
    )
    op.create_index(
        "published_group_of", "published_group", ["survey", "question", "kind", "until"]
    )
    op.create_table(
        "public_answer",
        sa.Column("number", KEY, primary_key=True),
        sa.Column("case_number", sa.BigInteger(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("said", sa.String(), nullable=False),
        sa.Column("done", sa.String(), nullable=False),
    )
    op.create_index("public_answer_of", "public_answer", ["case_number"])
    keys = {
        "frozen_block": ("survey", "until", "since", "tallied"),
        "published_group": ("number",),
        "public_answer": ("number",),
    }
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION published_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ "
            f"BEGIN RAISE EXCEPTION '{REFUSED}'; END $$"
        )
        for table in keys:
            for events, level in (("UPDATE OR DELETE", "ROW"), ("TRUNCATE", "STATEMENT")):
                op.execute(
                    f"CREATE TRIGGER {table}_{level.lower()} BEFORE {events} ON {table} "
                    f"FOR EACH {level} EXECUTE FUNCTION published_refuse()"
                )
        return
    refuse = f"BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END"
    for table, key in keys.items():
        for event in ("UPDATE", "DELETE"):
            name = f"{table}_{event.lower()}"
            op.execute(f"CREATE TRIGGER {name} BEFORE {event} ON {table} {refuse}")
        # INSERT OR REPLACE deletes without a trigger for DELETE.
        same = " AND ".join(f"{column} = NEW.{column}" for column in key)
        op.execute(
            f"CREATE TRIGGER {table}_replace BEFORE INSERT ON {table} "  # noqa: S608
            f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same}) {refuse}"
        )
