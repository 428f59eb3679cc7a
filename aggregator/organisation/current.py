"""The document of the centre that is in force, where it comes from, and how the next is saved."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from aggregator.organisation.acts import checked
from aggregator.organisation.changes import (
    OrganisationError,
    changes,
    refuse_future,
    refuse_unshown,
)
from aggregator.storage.audit import COMMAND_LINE, Entry, entry
from aggregator.storage.centres import AtWork, Centres, OlderVersionError, Stored, Version
from aggregator.storage.database import StorageError
from aggregator.storage.definitions import refuse_changed
from aggregator.wording.phrases import Words, integer, joined, say, verbatim
from surveys.centre import Centre, check_definitions, load_centre
from surveys.definition import DefinitionError, Survey
from surveys.text import UNSAFE
from surveys.units import Unit

MOST_NAMED = 5  # places without a unit that an error names
# The kind of an audit entry about fields of the document; what is not here is a setting.
KIND = {"departments": "organisation", "instruments": "survey", "surveys": "survey"}
KIND |= dict.fromkeys(("references", "series_breaks", "margins", "laws", "published"), "reference")
LONGEST_REASON = 500  # characters


class OvertakenError(OrganisationError):
    """Somebody else has saved in the meantime; ``changes`` say what."""

    def __init__(self, by: str, found: Sequence[Words]) -> None:
        super().__init__("overtaken", by=by)
        self.changes = found


class Held(NamedTuple):
    """A version as it is held: its number, the document as stored and as figures use it."""

    number: int
    stored: Centre
    centre: Centre
    surveys: Mapping[str, Survey]


def now_utc() -> datetime:
    return datetime.now(UTC)


class Organisation:
    """The newest version of the centre's document, remembered until a newer one is saved."""

    def __init__(
        self,
        centres: Centres,
        files: Mapping[str, Survey],
        clock: Callable[[], datetime] = now_utc,
        finish: Callable[[Centre], Centre] = lambda centre: centre,
    ) -> None:
        """``files`` are the instruments besides the document's own.

        ``finish`` adds to each document what is not stored with it.
        """
        self._centres = centres
        self.files = files
        self._clock = clock
        self._finish = finish
        self._held: Held | None = None
        self._asked: set[str] = set()  # instruments of the versions until _looked_at
        self._looked_at = 0
        self.notice: Words | None = None  # what start has to say of the file

    @property
    def number(self) -> int:
        """The number of the version that is held; 0 before the first."""
        return self._held.number if self._held else 0

    @property
    def stored(self) -> Centre:
        """The document as it is stored, from which the next one is made."""
        return self.in_force.stored

    @property
    def centre(self) -> Centre:
        """The document as figures use it."""
        return self.in_force.centre

    @property
    def surveys(self) -> Mapping[str, Survey]:
        """Every instrument by id, those of the document in place of the files'."""
        return self.in_force.surveys

    @property
    def in_force(self) -> Held:
        """The newest version as it is held, its number and what it says together."""
        return self._held or self._refreshed()

    def _hold(self, number: int, stored: Centre) -> Held:
        surveys = stored.instruments_with(self.files)
        self._held = Held(number, stored, self._finish(stored), surveys)
        return self._held

    def refreshed(self) -> Centre:
        """The centre, after a look whether another process has saved a version.

        Raises StorageError, and DefinitionError where there is no version or it cannot be read.
        """
        if self._held is None or self._centres.newest_number() != self._held.number:
            self._refreshed()
        return self.centre

    def _refreshed(self) -> Held:
        found = self._centres.versions(after=max(0, self._centres.newest_number() - 1))
        if not found:
            raise DefinitionError("the database has no version of the centre yet")
        return self._hold(found[-1].number, read_version(found[-1]))

    def start(self, file: Path) -> None:
        """Take the document in force; where there is none, that of the file as the first one.

        While the database cannot be asked, the file's document is held. Raises DefinitionError
        and OrganisationError.
        """
        given = load_centre(file)
        try:
            if not self._centres.newest_number():
                self._add_first(given, file.name)
            self.refreshed()
        except StorageError:
            self._hold(0, given)
        check_definitions(self.stored, self.files, f"centre version {self.number}")
        if given != self.stored:
            self.notice = self._difference(given, file.name)

    def _add_first(self, given: Centre, name: str) -> None:
        first = self._version(1, given, COMMAND_LINE, name)
        told = entry(first.saved_at, COMMAND_LINE, "organisation.first", file=name)

        def check(stored: Stored) -> list[Entry]:
            self._may_follow(stored, None, given, name)
            return [told]

        with suppress(OlderVersionError):  # another process was first
            self._centres.add(first, check)

    def _difference(self, given: Centre, name: str) -> Words:
        """What to say of a file that is not the document in force."""
        older = [one.number for one in self._centres.versions() if read_version(one) == given]
        key = "older" if older else "differs"
        older_number = older[-1] if older else ""
        return say(f"organisation.notice_{key}", file=name, number=self.number, older=older_number)

    def preview(self, new: Centre) -> list[Words]:
        """What would change; raises OrganisationError and DefinitionError where it may not."""
        return self._may_follow(self._centres.stored(self._clock()), self.stored, new, "centre")

    def document(self, number: int) -> Centre | None:
        """The document of a version; None where there is none such."""
        found = [one for one in self._centres.versions(number - 1) if one.number == number]
        return read_version(found[0]) if found else None

    def save(
        self,
        new: Centre,
        by: str,
        reason: str,
        after: int,
    ) -> list[Words]:
        """Save the document as the version after ``after``; returns what changed.

        The audit log has an entry of each kind of which something changed, so that who looks for
        one kind finds it.

        Raises OvertakenError where somebody else did so first, OrganisationError where it may
        not follow, DefinitionError and StorageError. Then nothing is stored.
        """
        self.refreshed()
        if after != self.number:
            raise self.overtaken(after)
        if UNSAFE.search(reason) or len(reason) > LONGEST_REASON:
            raise OrganisationError("bad_reason", most=LONGEST_REASON)
        made, old, found = self._version(after + 1, new, by, reason), self.stored, list[Words]()

        def check(stored: Stored) -> list[Entry]:
            found.extend(self._may_follow(stored, old, new, "centre"))
            if not found:
                raise OrganisationError("nothing_changed")
            words = " ".join(one.get("vi") for one in found)
            told: dict[str, str | int] = {"number": made.number, "changes": words}
            return [Entry(made.saved_at, by, event, told) for event in _events(old, new)]

        try:
            self._centres.add(made, check)
        except OlderVersionError:
            raise self.overtaken(after) from None
        self.refreshed()
        return found

    def import_file(self, file: Path, reason: str) -> list[Words]:
        """Save a file's document as the next version; what save raises."""
        if not self._centres.newest_number():
            self.start(file)
            return []
        self.refreshed()
        return self.save(load_centre(file), COMMAND_LINE, reason or file.name, self.number)

    def history(self) -> list[tuple[Version, list[Words]]]:
        """Every version with what it changed, the newest first; the first one changed nothing."""
        found = self._centres.versions()
        documents = [read_version(version) for version in found]
        told = [[], *(self._told(*pair) for pair in pairwise(documents))]
        return list(zip(found, told, strict=True))[::-1]

    def _told(self, old: Centre, new: Centre) -> list[Words]:
        """What changed between stored versions, also where it was allowed before any answer."""
        try:
            return changes(old, new, self.files)
        except OrganisationError:
            return [say("organisation.changed_wholly")]

    def overtaken(self, after: int) -> OvertakenError:
        """What to say to whoever has seen the version ``after``, which is no longer in force."""
        found = [version for version in self._centres.versions() if version.number >= after]
        if len(found) < 2:
            return OvertakenError("", [])
        return OvertakenError(
            found[-1].saved_by, self._told(read_version(found[0]), read_version(found[-1]))
        )

    def _may_follow(
        self, stored: Stored, old: Centre | None, new: Centre, name: str
    ) -> list[Words]:
        """What changes; refuses what must not. Before anything was counted all may change."""
        check_definitions(new, self.files, name)
        refuse_future(new, new.local_day(self._clock()))
        refuse_unshown(old, new)
        _refuse_orphans(stored.counted, new)
        if old is None:
            return []
        _refuse_abandoned(stored.devices, old, new)
        if stored.counted:
            found = changes(old, new, self.files)
        else:
            found = [] if old == new else self._told(old, new)
        self._refuse_changed(stored, old, new)
        return found

    def fixed(self) -> set[str]:
        """The ids of instruments that are not edited any more: they were asked, or have answers.

        Before anything has been counted only answers count. Raises StorageError.
        """
        stored = self._centres.stored(self._clock())
        kept = {one.survey.id for one in stored.definitions.values()}
        return kept | (self._ever_asked() if stored.counted else set())

    def _ever_asked(self) -> set[str]:
        """The ids of the instruments that any version asks, whose answers may be on their way."""
        for version in self._centres.versions(after=self._looked_at):
            self._asked.update(id for _, id in read_version(version).instruments)
            self._looked_at = version.number
        return self._asked

    def _refuse_changed(self, stored: Stored, old: Centre, new: Centre) -> None:
        """Raise ChangedDefinitionError where an instrument is edited under its answers.

        Once something was counted also where it was asked: a kiosk may hold answers for days.
        """
        before, after = old.instruments_with(self.files), new.instruments_with(self.files)
        kept = [one.survey for one in stored.definitions.values()]
        ids = self._ever_asked() if stored.counted else set()
        refuse_changed([*kept, *(before[id] for id in sorted(ids & before.keys()))], after)

    def _version(self, number: int, centre: Centre, by: str, reason: str) -> Version:
        document = centre.model_dump_json(exclude_defaults=True)
        return Version(number, self._clock(), by, reason, document)


def _refuse_orphans(counted: Mapping[tuple[str, str], int], centre: Centre) -> None:
    """Raise OrganisationError where something is counted under an id that is not there."""
    missing = {
        (department, counter): n
        for (department, counter), n in counted.items()
        if (department and department not in centre.department)
        or (counter and (counter, department) not in centre.stood)
    }
    if missing:
        named = [
            joined(verbatim(" / ".join(filter(None, (department, counter)))), integer(n), by=": ")
            for (department, counter), n in sorted(missing.items())[:MOST_NAMED]
        ]
        n = integer(sum(missing.values()))
        raise OrganisationError("orphans", n=n, places=joined(*named, by="; "))


def _refuse_abandoned(devices: Sequence[AtWork], old: Centre, new: Centre) -> None:
    """Raise OrganisationError where a unit closes at which a device is at work, or comes back.

    One of a unit that is merged goes on at its successor, by itself.
    """
    for one in devices:
        before, after = (_stands_at(seen, one.department, one.counter) for seen in (old, new))
        if after and after.closed and not (before and before.closed):
            key = "device_says" if one.says_so else "device_there"
            key = "device_awaited" if one.awaited else key
            raise OrganisationError(key, unit=after.name, device=one.name)


def centre_in_force(centres: Centres, file: Path, files: Mapping[str, Survey]) -> Centre:
    """The centre in force; where the database has none, that of the file is stored.

    Raises what Organisation.start raises.
    """
    organisation = Organisation(centres, files)
    organisation.start(file)
    return organisation.centre


def _events(old: Centre, new: Centre) -> list[str]:
    """What the audit log calls a change, by the fields of the document that it touches."""
    touched = [one for one in Centre.model_fields if getattr(old, one) != getattr(new, one)]
    return [f"{kind}.saved" for kind in dict.fromkeys(KIND.get(one, "settings") for one in touched)]


def _stands_at(centre: Centre, department: str | None, counter: str | None) -> Unit | None:
    """What a place is today; None where the document does not know it."""
    if counter is not None:
        return centre.counter.get(centre.counter_heirs.get(counter, counter))
    id = department or ""
    return centre.department.get(centre.department_heirs.get(id, id))


def read_version(version: Version) -> Centre:
    """The document of a version. Raises DefinitionError where it cannot be read any more."""
    try:
        return checked(lambda: Centre.model_validate_json(version.document))
    except ValueError as error:
        raise DefinitionError(f"centre version {version.number}: {error}") from error
