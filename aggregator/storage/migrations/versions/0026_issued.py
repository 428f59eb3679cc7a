"""What a centre writes into a period's report, and the reports that it has issued.

The database itself lets nobody change or delete any of it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0032"

KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")
MOMENT = sa.DateTime(timezone=True)
REFUSED = "issued reports are append-only"
KEYS = {
    "report_text": ("number",),
    "issued_report": ("number",),
    "issued_file": ("report", "format"),
}


def upgrade() -> None:
    op.create_table(
        "report_text",
        sa.Column("number", KEY, primary_key=True),
        sa.Column("survey", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("limits", sa.String(), nullable=False),
        sa.Column("causes", sa.String(), nullable=False),
        sa.Column("proposals", sa.String(), nullable=False),
    )
    op.create_index("report_text_of", "report_text", ["survey", "kind", "since"])
    op.create_table(
        "issued_report",
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor", sa.String(80), nullable=False),
        sa.Column("survey", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("organisation", sa.String(10), nullable=False),
        sa.Column("published", sa.Boolean(), nullable=False),
        sa.Column("language", sa.String(10), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("registered", sa.Integer(), nullable=False),
        sa.Column("symbol", sa.String(60), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("replaces", sa.Integer(), nullable=True),
        sa.Column("texts", sa.BigInteger(), nullable=False),
        sa.Column("basis", sa.String(64), nullable=False),
        sa.Column("figures", sa.String(), nullable=False),
        sa.Column("before", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.UniqueConstraint("year", "registered", name="issued_report_registered"),
    )
    op.create_index("issued_report_of", "issued_report", ["survey", "kind", "since"])
    op.create_table(
        "issued_file",
        sa.Column("report", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("format", sa.String(10), primary_key=True),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION issued_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ "
            f"BEGIN RAISE EXCEPTION '{REFUSED}'; END $$"
        )
        for table in KEYS:
            for events, level in (("UPDATE OR DELETE", "ROW"), ("TRUNCATE", "STATEMENT")):
                op.execute(
                    f"CREATE TRIGGER {table}_{level.lower()} BEFORE {events} ON {table} "
                    f"FOR EACH {level} EXECUTE FUNCTION issued_refuse()"
                )
        return
    refuse = f"BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END"
    for table, key in KEYS.items():
        for event in ("UPDATE", "DELETE"):
            name = f"{table}_{event.lower()}"
            op.execute(f"CREATE TRIGGER {name} BEFORE {event} ON {table} {refuse}")
        # INSERT OR REPLACE deletes without a trigger for DELETE.
        same = " AND ".join(f"{column} = NEW.{column}" for column in key)
        op.execute(
            f"CREATE TRIGGER {table}_replace BEFORE INSERT ON {table} "  # noqa: S608
            f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same}) {refuse}"
        )
