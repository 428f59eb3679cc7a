"""A simulated quarter for trying the product: invented answers, marked as such on every page."""

from collections.abc import Mapping
from datetime import datetime
from itertools import groupby
from operator import itemgetter

from aggregator.demo.cases import add_cases
from aggregator.demo.firms import BUSINESS, Firms
from aggregator.demo.handled import Handled
from aggregator.demo.mergers import NONE, Mergers
from aggregator.demo.quarter import Quarter
from aggregator.intake.ingest import Ingest, Offer
from aggregator.storage.store import Store
from surveys.centre import Centre
from surveys.definition import Survey


def simulate(
    store: Store,
    ingest: Ingest,
    centre: Centre,
    surveys: Mapping[str, Survey],
    now: datetime,
    mergers: Mergers = NONE,
) -> int:
    """Fill an empty store with a quarter up to now; returns the number of submissions.

    ``centre`` is the one before the ``mergers``. The same centre and day give the same quarter.
    """
    quarter, firms = Quarter(centre, surveys, now), Firms(centre, surveys[BUSINESS], now)
    batches = sorted([*quarter.batches(), *firms.batches()], key=itemgetter(0))
    taken = 0
    for received, group in groupby(batches, key=itemgetter(0)):
        offers = [Offer(mergers.moved(items), "vi") for _, items in group if items]
        if offers and received <= now:  # one commit for all that was delivered at once
            receipts = ingest.accept(offers, received)
            taken += sum(one.status == "accepted" for batch in receipts for one in batch)
    settled = mergers.added_up(quarter.transactions)
    store.put_transactions(settled)
    handled = Handled(centre, now)
    store.handling.set_dossiers(handled.dossiers(settled))
    facts = handled.facts().items()
    kept = {(day, id): one for (day, id), one in facts if mergers.at(id, day) == id}
    store.handling.set_facts(kept)
    add_cases(store, mergers.applied(centre) if mergers.into else centre, now)
    return taken
