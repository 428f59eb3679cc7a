"""Batches of the data desk, the submissions they brought in, and those that were withdrawn."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")
FIXED = {"batch": "number", "withdrawal": "submission"}  # tables that nobody may change, and keys


def upgrade() -> None:
    op.create_table(
        "batch",
        sa.Column("number", KEY, primary_key=True),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("survey", sa.String(40)),
        sa.Column("file", sa.String(120), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("cells", sa.JSON()),
        sa.UniqueConstraint("name", "version", name="batch_version"),
    )
    op.create_table(
        "batch_submission",
        sa.Column("submission", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("batch", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_batch_submission_batch", "batch_submission", ["batch"])
    op.create_table(
        "withdrawal",
        sa.Column("submission", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("batch", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "desk_file",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("survey", sa.String(40)),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(64), nullable=False),
    )
    op.create_table(
        "desk_columns",
        sa.Column("header", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(60), primary_key=True),
        sa.Column("columns", sa.JSON(), nullable=False),
    )
    for table, key in FIXED.items():
        if op.get_bind().dialect.name == "postgresql":
            _fix_in_postgresql(table)
        else:
            _fix_in_sqlite(table, key)


def _fix_in_postgresql(table: str) -> None:
    op.execute(
        f"CREATE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ "
        f"BEGIN RAISE EXCEPTION '{table} is append-only'; END $$"
    )
    for events, level in (("UPDATE OR DELETE", "ROW"), ("TRUNCATE", "STATEMENT")):
        op.execute(
            f"CREATE TRIGGER {table}_{level.lower()} BEFORE {events} ON {table} "
            f"FOR EACH {level} EXECUTE FUNCTION {table}_refuse()"
        )


def _fix_in_sqlite(table: str, key: str) -> None:
    # INSERT OR REPLACE deletes without a trigger for DELETE, hence the third one.
    there = f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {key} = NEW.{key})"  # noqa: S608
    for name, event, when in (
        ("update", "UPDATE", ""),
        ("delete", "DELETE", ""),
        ("replace", "INSERT", there),
    ):
        op.execute(
            f"CREATE TRIGGER {table}_{name} BEFORE {event} ON {table} {when} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )
