"""The store that most commands work on, and the centre in force there."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from aggregator.commands import require_current
from aggregator.organisation.current import Organisation
from aggregator.settings import Settings
from aggregator.storage.store import Store
from surveys.centre import Centre
from surveys.definition import Survey


@contextmanager
def opened(settings: Settings) -> Iterator[Store]:
    """The settings' store. Raises MessageError where its schema is not this version's."""
    store = Store(settings.database)
    try:
        require_current(store.engine)
        yield store
    finally:
        store.close()


def centre_of(settings: Settings, store: Store, surveys: Mapping[str, Survey]) -> Centre:
    """The centre in force; where the database has none, that of the settings' file is stored.

    Raises DefinitionError, OrganisationError and StorageError.
    """
    organisation = Organisation(store, surveys)
    organisation.start(settings.centre)
    return organisation.centre
