"""Statistics: pure functions from tallies to shares, intervals and comparisons.

They use no database, request or clock. SciPy supplies the distributions.
"""

from aggregator.statistics.change import changes, changes_daily, control_chart
from aggregator.statistics.comparison import PublishedShare, compare, compare_daily
from aggregator.statistics.days import DaySums, allowing_for_days
from aggregator.statistics.forms import FormSizes, form_sums, withhold_form
from aggregator.statistics.participation import nonresponse_bounds
from aggregator.statistics.pieces import Shown
from aggregator.statistics.pooled import pooled_shares
from aggregator.statistics.raking import Raked, Unweightable, rake
from aggregator.statistics.ranking import shrunk_ranking
from aggregator.statistics.shares import (
    SHARE_COLUMNS,
    Method,
    clopper_pearson,
    level_counts,
    shares,
    wilson,
)
from aggregator.statistics.standardisation import Standardised, direct_standardised
from aggregator.statistics.suppression import (
    Sum,
    audit,
    withhold,
    withhold_parts,
)

__all__ = [
    "SHARE_COLUMNS",
    "DaySums",
    "FormSizes",
    "Method",
    "PublishedShare",
    "Raked",
    "Shown",
    "Standardised",
    "Sum",
    "Unweightable",
    "allowing_for_days",
    "audit",
    "changes",
    "changes_daily",
    "clopper_pearson",
    "compare",
    "compare_daily",
    "control_chart",
    "direct_standardised",
    "form_sums",
    "level_counts",
    "nonresponse_bounds",
    "pooled_shares",
    "rake",
    "shares",
    "shrunk_ranking",
    "wilson",
    "withhold",
    "withhold_form",
    "withhold_parts",
]
