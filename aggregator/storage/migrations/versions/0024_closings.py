"""The entries of closed days, and a salt for each comment there is.

Without a salt whoever has the digest of a deleted comment could find a short text by trying.
"""

import secrets
from typing import Any

import sqlalchemy as sa
from alembic import op

from surveys.chain import digest_of, sealed

revision = "0024"
down_revision = "0023"

MOMENT = sa.DateTime(timezone=True)
# INSERT OR REPLACE deletes without a trigger for DELETE, hence the third one.
SQLITE = (
    "CREATE TRIGGER closing_update BEFORE UPDATE ON closing BEGIN {0}; END",
    "CREATE TRIGGER closing_delete BEFORE DELETE ON closing BEGIN {0}; END",
    "CREATE TRIGGER closing_replace BEFORE INSERT ON closing "
    "WHEN EXISTS (SELECT 1 FROM closing WHERE number = NEW.number) BEGIN {0}; END",
)
ABORT = "SELECT RAISE(ABORT, 'the closings are append-only')"
POSTGRESQL = """
CREATE FUNCTION closing_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'the closings are append-only'; END $$
"""
AT_ONCE = 500  # rows


def upgrade() -> None:
    op.create_table(
        "closing",
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.String(64), nullable=False),
        sa.Column("closed_at", MOMENT, nullable=False),
        sa.Column("before", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    op.create_index("closing_day", "closing", ["day"])
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        op.execute(POSTGRESQL)
        for events, level in (("UPDATE OR DELETE", "ROW"), ("TRUNCATE", "STATEMENT")):
            op.execute(
                f"CREATE TRIGGER closing_{level.lower()} BEFORE {events} ON closing "
                f"FOR EACH {level} EXECUTE FUNCTION closing_refuse()"
            )
    else:
        for trigger in SQLITE:
            op.execute(trigger.format(ABORT))
    _salt(connection)


def _salt(connection: sa.Connection) -> None:
    """Give the comments a salt; a row that is no longer what its digest was made of stays."""
    names = ("id", "survey", "fingerprint", "department", "counter", "channel", "visit")
    texts = (*names, "language", "comment", "digest", "comment_salt")
    submission = sa.table(
        "submission",
        sa.column("number", sa.BigInteger()),
        sa.column("answered_at", MOMENT),
        sa.column("answers", sa.Text()),
        *(sa.column(name, sa.Text()) for name in texts),
    )
    of, last = submission.c, 0
    answers = sa.cast(of.answers, sa.Text())
    said = (*(of[name] for name in names), of.answered_at, of.language, answers, of.comment)
    query = sa.select(of.number, of.digest, *said).where(
        of.comment.is_not(None), of.comment_salt.is_(None)
    )
    change = sa.update(submission).where(of.number == sa.bindparam("of_number"))
    while rows := connection.execute(
        query.where(of.number > last).order_by(of.number).limit(AT_ONCE)
    ).all():
        last = rows[-1].number
        salted = [new for row in rows if (new := _salted(row))]
        if salted:
            connection.execute(change, salted)


def _salted(row: sa.Row[Any]) -> dict[str, object] | None:
    number, digest, *content = tuple(row)
    at = content[7]
    # SQLite gives no offset back: moments are stored in UTC.
    content[7] = str(at) if getattr(at, "tzinfo", None) else f"{at}+00:00"
    said = tuple(content)
    nameless = (*said[:2], None, *said[3:])
    if digest not in (digest_of(said), digest_of(nameless)):
        return None
    salt = secrets.token_hex(16)
    seal = sealed(str(said[-1]), salt)
    salted = digest_of(said, seal)
    return {"of_number": number, "comment_salt": salt, "digest": salted}
