"""A simulated quarter for trying the product: invented answers, marked as such on every page."""

from collections.abc import Mapping
from datetime import datetime
from itertools import groupby
from operator import itemgetter

from aggregator.demo.bad_day import bad_afternoon, fall_silent
from aggregator.demo.cases import add_cases
from aggregator.demo.firms import BUSINESS, Firms
from aggregator.demo.handled import Handled
from aggregator.demo.mergers import NONE, Mergers
from aggregator.demo.quarter import Quarter
from aggregator.demo.roster import Seating
from aggregator.intake.ingest import Ingest, Offer
from aggregator.storage.audit import COMMAND_LINE, entry
from aggregator.storage.comments import Search
from aggregator.storage.store import Store
from surveys.centre import Centre
from surveys.definition import Survey

# Words of comments, and the tag that they get in the demonstration.
TAGS = {"chờ": "thời gian chờ", "chỗ": "cơ sở vật chất", "thái độ": "thái độ phục vụ"}
TAGGED = 6  # comments a tag, at most
HIDDEN = "thái độ phục vụ"  # the words of one that is hidden


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
    made = [*quarter.batches(), *firms.batches(), bad_afternoon(centre, now)]
    batches = sorted(made, key=itemgetter(0))
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
    shifts = list(Seating(centre).shifts(centre, now))
    event = "roster.imported"
    store.roster.put(
        shifts,
        lambda n, gone: entry(now, COMMAND_LINE, event, file="demo", added=n, removed=gone),
    )
    add_cases(store, mergers.applied(centre) if mergers.into else centre, now)
    _tag(store, now)
    fall_silent(store, centre, now)
    return taken


def _tag(store: Store, now: datetime) -> None:
    """Tag some of the newest comments by what they are about, and hide one from the public."""
    log = store.comments
    for words, tag in TAGS.items():
        for one in log.found(Search(words), TAGGED):
            log.act(one.number, "tag", tag, entry(now, "", "comment.tagged", id=one.id, tag=tag))
    for one in log.found(Search(HIDDEN), 1):
        log.act(one.number, "hide", "", entry(now, "", "comment.hidden", id=one.id))
