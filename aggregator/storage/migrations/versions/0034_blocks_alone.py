"""Tallies are blocks alone, made of the answers; an index for the answers of a survey by day."""

from alembic import op

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    for table in ("tally", "pooled_tally", "hour_tally"):
        op.drop_table(table)
    op.create_index("submission_survey_day", "submission", ["survey", "day"])
