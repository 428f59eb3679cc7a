"""Tallies keyed by place before question: the answers of a submission lie together."""

from aggregator.storage.migrations.rekey import rekey

revision = "0004"
down_revision = "0003"

SUMS = ("respondents", "k", "m", "kk", "km", "mm")
PLACE = ("channel", "department", "counter")


def upgrade() -> None:
    rekey("tally", (*PLACE, "question", "code"), ("n",))
    rekey("pooled_tally", (*PLACE, "factor", "measure"), SUMS)
