"""How often the intervals of standardised, weighted and shrunk shares hold the true ones."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from aggregator.statistics import direct_standardised, rake, shrunk_ranking
from tests.simulation.coverage import SHARES, Measured

SIZES = (100, 300, 1_000, 3_483)
DOSSIERS = np.geomspace(1, 30, 17)
KEYS = [f"d{number:02}" for number in range(17)]
ALIKE = 40  # departments' shares are spread like those of beta distributions of this size
MARGINS = {
    "channel": {"kiosk": 0.6, "qr": 0.3, "paper": 0.1},
    "age": {"1": 0.15, "2": 0.2, "3": 0.3, "4": 0.2, "5": 0.15},
}
KEENER = {"kiosk": 1.0, "qr": 3.0, "paper": 8.0}


def of_departments(repeats: int, seed: int) -> Iterator[Measured]:
    """Seventeen departments, rated more or less often than they have dossiers."""
    rng = np.random.default_rng(seed)
    weights = dict(zip(KEYS, DOSSIERS, strict=True))
    for n in SIZES:
        for share in SHARES:
            direct, shrunk, ranks = [], [], []
            for _ in range(repeats):
                rated = rng.permutation(DOSSIERS) ** 0.5 * DOSSIERS**0.5
                counts = np.maximum(rng.multinomial(n, rated / rated.sum()), 1)
                true = rng.beta(ALIKE * share, ALIKE * (1 - share), 17)
                figures = pd.DataFrame({"key": KEYS, "k": rng.binomial(counts, true), "n": counts})
                found = direct_standardised(figures, weights)
                target = float(DOSSIERS @ true / DOSSIERS.sum())
                direct.append((found.low or 0) <= target <= (found.high or 0))
                ranked = shrunk_ranking(figures).sort_values("key")
                rank = 1 + np.argsort(np.argsort(-true))
                shrunk += list((ranked["low"] <= true) & (true <= ranked["high"]))
                ranks += list((ranked["rank_low"] <= rank) & (rank <= ranked["rank_high"]))
            for method, held, promised in (
                ("direct", direct, n >= 300),
                ("shrunk", shrunk, False),
                ("shrunk, rank", ranks, False),
            ):
                coverage = float(np.mean(held))
                error = float(np.sqrt(coverage * (1 - coverage) / repeats))
                yield Measured(method, "17 departments", n, share, coverage, error, promised)


def of_weighted_answers(repeats: int, seed: int) -> Iterator[Measured]:
    """Channels take part unlike, and their answers are alike or unlike."""
    rng = np.random.default_rng(seed)
    cells = [(channel, age) for channel in MARGINS["channel"] for age in MARGINS["age"]]
    mix = np.array([MARGINS["channel"][c] * MARGINS["age"][a] for c, a in cells])
    taking_part = mix * [KEENER[channel] for channel, _ in cells]
    taking_part /= taking_part.sum()
    lower = np.array([{"kiosk": -0.5, "qr": 0.5, "paper": 1.2}[channel] for channel, _ in cells])
    table = pd.DataFrame(cells, columns=["channel", "age"])
    for n in SIZES:
        for share in SHARES:
            for unlike in (0, 1):
                odds = share / (1 - share) * np.exp(-unlike * lower)
                true = odds / (1 + odds)
                held = []
                for counts in rng.multinomial(n, taking_part, repeats):
                    found = rake(table.assign(k=rng.binomial(counts, true), n=counts), MARGINS)
                    held.append(found.low <= mix @ true <= found.high)
                coverage = float(np.mean(held))
                error = float(np.sqrt(coverage * (1 - coverage) / repeats))
                answers = "channels unlike" if unlike else "channels alike"
                yield Measured("raked", answers, n, share, coverage, error, not unlike)
