"""How many took part: ratings over dossiers settled, on the days where both are known."""

from dataclasses import dataclass

import pandas as pd

CENTRE = ""  # the department of a row that counts for the whole centre


@dataclass(frozen=True)
class Participation:
    """n ratings on ``days`` days with ``dossiers`` dossiers; ``share`` is None for none."""

    n: int
    dossiers: int
    days: int

    @property
    def share(self) -> float | None:
        return self.n / self.dossiers if self.dossiers else None


def participation(ratings: pd.DataFrame, dossiers: pd.DataFrame) -> dict[str, Participation]:
    """Participation by department, and of the whole centre under ''.

    ``ratings`` has columns day, department, n; ``dossiers`` day, department, dossiers. A day
    without dossiers leaves out its ratings too: half a month's dossiers under a whole month's
    ratings would make twice the share. Where the centre has a figure of its own, its days and
    all ratings of them count; otherwise the departments' add up.
    """
    known = dossiers.merge(ratings, how="left", on=["day", "department"]).fillna({"n": 0})
    found = {
        str(department): Participation(int(rows["n"].sum()), int(rows["dossiers"].sum()), len(rows))
        for department, rows in known.groupby("department")
    }
    own = dossiers[dossiers["department"] == CENTRE]
    if not own.empty:
        n = ratings[ratings["day"].isin(own["day"])]["n"].sum()
        found[CENTRE] = Participation(int(n), int(own["dossiers"].sum()), len(own))
    elif found:
        n, settled = known["n"].sum(), known["dossiers"].sum()
        found[CENTRE] = Participation(int(n), int(settled), known["day"].nunique())
    return found
