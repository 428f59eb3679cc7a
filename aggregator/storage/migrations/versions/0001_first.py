"""Submissions, tallies, transactions, accounts and tokens."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

WHEN = sa.DateTime(timezone=True)
BIG = sa.BigInteger()


def short(name: str, length: int = 40) -> "sa.Column[str]":
    return sa.Column(name, sa.String(length), nullable=False)


def maybe(name: str, length: int = 40) -> "sa.Column[str]":
    return sa.Column(name, sa.String(length), nullable=True)


def cell() -> list["sa.Column[object]"]:
    places = [short("channel", 10), short("department"), short("counter")]
    return [sa.Column("day", sa.Date(), nullable=False), *places]  # type: ignore[list-item]


def upgrade() -> None:
    op.create_table(
        "submission",
        sa.Column("number", BIG.with_variant(sa.Integer, "sqlite"), primary_key=True),
        short("id", 36),
        short("survey"),
        maybe("fingerprint", 64),
        maybe("department"),
        maybe("counter"),
        short("channel", 10),
        maybe("visit", 64),
        sa.Column("answered_at", WHEN, nullable=False),
        maybe("language", 2),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.Column("comment", sa.String(), nullable=True),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("received_at", WHEN, nullable=False),
        short("digest", 64),
        sa.UniqueConstraint("id"),
    )
    op.create_index("submission_day", "submission", ["day"])
    op.create_table(
        "tally",
        short("survey"),
        short("question"),
        *cell(),
        sa.Column("code", sa.Integer(), nullable=False),
        sa.Column("n", BIG, nullable=False),
        sa.PrimaryKeyConstraint(
            "survey", "question", "day", "channel", "department", "counter", "code"
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "pooled_tally",
        short("survey"),
        short("factor"),
        short("measure"),
        *cell(),
        *(
            sa.Column(name, BIG, nullable=False)
            for name in ("respondents", "k", "m", "kk", "km", "mm")
        ),
        sa.PrimaryKeyConstraint(
            "survey", "factor", "measure", "day", "channel", "department", "counter"
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "transactions",
        sa.Column("day", sa.Date(), nullable=False),
        short("department"),
        sa.Column("dossiers", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "department"),
    )
    op.create_table(
        "account",
        short("name", 64),
        short("role", 10),
        sa.Column("password_hash", sa.String(), nullable=True),
        sa.Column("created_at", WHEN, nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "token",
        short("hash", 64),
        short("kind", 10),
        short("name", 64),
        sa.Column("created_at", WHEN, nullable=False),
        sa.Column("expires_at", WHEN, nullable=True),
        sa.PrimaryKeyConstraint("hash"),
    )
