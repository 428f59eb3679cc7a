"""Comments: an index of their words and facets, and what was done about them.

The index of days has the visit, too, so that the parts of a visit are found by it.
"""

import sqlalchemy as sa
from alembic import op

from aggregator.storage.comments import index_all

revision = "0017"
down_revision = "0016"

KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")
REFUSED = "events of comments are append-only"
REFUSE = f"SELECT RAISE(ABORT, '{REFUSED}')"


def upgrade() -> None:
    postgresql = op.get_bind().dialect.name == "postgresql"
    op.drop_index("submission_day", "submission")
    op.create_index("submission_day", "submission", ["day", "visit"])
    op.create_table(
        "comment_event",
        sa.Column("number", KEY, primary_key=True),
        sa.Column("comment", sa.BigInteger(), sa.ForeignKey("submission.number"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("value", sa.String(40), nullable=False),
    )
    op.create_index("comment_event_of", "comment_event", ["comment"])
    if postgresql:
        op.execute(
            "CREATE TABLE comment_words (number BIGINT PRIMARY KEY, lexemes TSVECTOR NOT NULL)"
        )
        op.execute("CREATE INDEX comment_words_lexemes ON comment_words USING gin (lexemes)")
        op.execute(
            "CREATE FUNCTION comment_event_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ "
            f"BEGIN RAISE EXCEPTION '{REFUSED}'; END $$"
        )
        for events, level in (("UPDATE OR DELETE", "ROW"), ("TRUNCATE", "STATEMENT")):
            op.execute(
                f"CREATE TRIGGER comment_event_{level.lower()} BEFORE {events} ON comment_event "
                f"FOR EACH {level} EXECUTE FUNCTION comment_event_refuse()"
            )
    else:
        # Every character of a lexeme is one of a word: they hold no other ASCII sign than these.
        op.execute(
            "CREATE VIRTUAL TABLE comment_words USING "
            "fts5(words, detail=none, tokenize=\"ascii tokenchars '_:-'\")"
        )
        for event in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER comment_event_{event.lower()} BEFORE {event} ON comment_event "
                f"BEGIN {REFUSE}; END"
            )
        op.execute(
            "CREATE TRIGGER comment_event_replace BEFORE INSERT ON comment_event "  # noqa: S608
            "WHEN EXISTS (SELECT 1 FROM comment_event WHERE number = NEW.number) "
            f"BEGIN {REFUSE}; END"
        )
    index_all(op.get_bind(), sa.true())  # nothing could be withdrawn yet
