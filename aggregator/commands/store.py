"""The store that most commands work on."""

from collections.abc import Iterator
from contextlib import contextmanager

from aggregator.commands import require_current
from aggregator.settings import Settings
from aggregator.storage.store import Store


@contextmanager
def opened(settings: Settings) -> Iterator[Store]:
    """The settings' store. Raises MessageError where its schema is not this version's."""
    store = Store(settings.database)
    try:
        require_current(store.engine)
        yield store
    finally:
        store.close()
