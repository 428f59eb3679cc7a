"""Takes submissions exactly once: checks and stores them in one transaction."""

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, TypeGuard
from uuid import uuid4

from aggregator.storage.audit import Entry
from aggregator.storage.batches import NewBatch
from aggregator.storage.centres import OlderVersionError
from aggregator.storage.chains import Handed
from aggregator.storage.closings import is_as_said
from aggregator.storage.database import StorageError
from aggregator.storage.definitions import refuse_changed
from aggregator.storage.devices import Device
from aggregator.storage.store import Store
from aggregator.storage.writer import NewRow, StoredContent, Writer, utc_text
from surveys.centre import Centre
from surveys.chain import HEX_64
from surveys.definition import Survey
from surveys.messages import Language
from surveys.wire import (
    MAX_COMMENT,
    MESSAGES,
    UUID_FORM,
    Receipt,
    Refused,
    Submission,
    check_time,
    definition_of,
    read_submission,
)

MAX_GROUP = 3_000  # submissions in one transaction, so that nobody waits long for the lock
# Refusals of what a newer version of the centre's document may know.
UNKNOWN = {"unknown_department", "unknown_counter", "counter_elsewhere", "unknown_survey"}
UNKNOWN |= {"unknown_definition", "unknown_question", "unknown_code"}
GATHER_TURNS = 2  # of the event loop that a request takes from its arrival to GroupCommit.submit


@dataclass(frozen=True)
class Offer:
    """The raw items of one request; its receipts are in the same order and in ``language``.

    An item that could not be read is an Unreadable. ``device`` is the one that handed them in,
    ``sent`` what it said of itself.
    """

    items: Sequence[object]
    language: Language
    device: Device | None = None
    sent: "Sent | None" = None


@dataclass(frozen=True)
class Sent:
    """What a device says of itself with a batch.

    ``ahead`` is by how many seconds its clock is ahead, None where it does not say its time, and
    ``set_back`` by how many more it was when each of the items was answered, None where it does
    not know; nothing: all 0. ``chain`` and ``key`` are the name and the key of its chain, where
    it numbers its submissions.
    """

    ahead: int | None
    set_back: Sequence[int | None] = ()
    chain: str | None = None
    key: str = ""

    def offset(self, at: int) -> int | None:
        """By how many seconds the clock was ahead at an item; None where that is not known."""
        more = self.set_back[at] if self.set_back else 0
        return None if more is None or self.ahead is None else self.ahead + more


class Unreadable(NamedTuple):
    """An item with a flaw (strict_json.Flaw); ``item`` is what could be read, for its id."""

    item: object
    reason: Refused


class Candidate(NamedTuple):
    """A valid submission: its id as it was sent, and the row to store.

    ``receipt`` is the hash of the code by which its author asks for what became of the comment.
    ``untimely`` is why its time cannot be; where it is stored already, by what was known of the
    clock then, it is a duplicate.
    """

    sent_id: str
    row: NewRow
    receipt: str | None = None
    untimely: Receipt | None = None


class Ingest:
    """Reads raw items and stores them; one call is one transaction."""

    def __init__(
        self,
        store: Store,
        surveys: Mapping[str, Survey],
        centre: Centre,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        newer: Callable[[], Centre] | None = None,
    ) -> None:
        """``surveys`` are the instruments besides the centre's own.

        ``newer`` gives the centre's newest version, asked where a place or an instrument is
        unknown, or answered for the first time. So nothing has to be looked up while all is well:
        a later version knows every place of an earlier one, and every instrument that was asked.
        """
        self._store = store
        self._files = surveys
        self._clock = clock
        self._newer = newer
        self._earlier: dict[str, Survey] = {}
        self._chains: dict[tuple[str, int], int] = {}  # numbers by name and device
        self._looked_up = self._renewed = False
        self._take(centre)

    def _take(self, centre: Centre) -> None:
        """Read what comes by this version of the centre from now on."""
        self._centre = centre
        self._surveys = centre.instruments_with(self._files)
        self._know({})

    def learn(self, definitions: Mapping[str, Survey]) -> None:
        """Take answers by these definitions too, given by their fingerprints.

        Raises definitions.ChangedDefinitionError where one is asked in another form now.
        """
        refuse_changed(definitions.values(), self._surveys)
        self._know(definitions)

    def questions(self) -> set[str]:
        """The ids of all questions that may be answered. Raises database.StorageError."""
        self.look_up()
        return {
            q for one in (*self._surveys.values(), *self._earlier.values()) for q in one.questions
        }

    def definition(self, survey: str, fingerprint: str | None) -> Survey:
        """The definition that answers were given by. Raises Refused, and StorageError."""
        return definition_of(survey, fingerprint, self._surveys, self._given)

    def _given(self, fingerprint: str) -> Survey | None:
        """A definition that has answers here; what is not known is looked up once a call."""
        if fingerprint not in self._earlier and not self._looked_up:
            self._looked_up = True
            self.look_up()
        return self._earlier.get(fingerprint)

    def look_up(self) -> None:
        """Know every definition that has answers, or is on paper."""
        kept = self._store.definitions.kept()
        self._know({one: found.survey for one, found in kept.items()})

    def _know(self, definitions: Mapping[str, Survey]) -> None:
        self._earlier |= definitions

    def _by_print(self, fingerprint: str) -> Survey:
        """The definition of answers that are the first ones by it, which a version may lose.

        So may their places, before anything has been counted. Raises OlderVersionError where
        there is a newer version, which is taken.
        """
        if self._newer is not None and (newest := self._newer()) is not self._centre:
            self._take(newest)
            raise OlderVersionError
        asked = (one for one in self._surveys.values() if one.fingerprint == fingerprint)
        return next(asked, None) or self._earlier[fingerprint]

    def accept(
        self, offers: Sequence[Offer], received_at: datetime | None = None, *, keep: bool = True
    ) -> list[list[Receipt]]:
        """The receipts of each offer's items, once the commit is on disk.

        Without ``keep`` everything is written and undone in the same transaction. Raises
        database.StorageError when the database cannot take them; then none is stored.
        """
        now = (received_at or self._clock()).astimezone(UTC)
        for offer in offers:
            self._register(offer, now)
        for _ in range(2):
            with suppress(OlderVersionError):  # then they are read anew, by the newest
                return self._accept(offers, now, keep=keep)
        raise StorageError("the centre is being changed")

    def _accept(self, offers: Sequence[Offer], now: datetime, *, keep: bool) -> list[list[Receipt]]:
        received = utc_text(now)
        self._looked_up = self._renewed = False
        read = [
            [self._read(at, offer, now, received) for at in range(len(offer.items))]
            for offer in offers
        ]
        with self._store.writing() as writer, nullcontext() if keep else writer.undone():
            # Nearly always every id is new: try that first, and look ids up only where not.
            odd = [one.row.id for items in read for one in items if _is_untimely(one)]
            plan = Plan(offers, read, writer.stored(odd) if odd else {})
            rows = plan.rows
            writer.keep([row.fingerprint for row in rows], self._by_print, now)
            if rows and not writer.add_submissions(rows):
                plan = Plan(offers, read, writer.stored([*(row.id for row in rows), *odd]))
                rows = plan.rows
                if rows and not writer.add_submissions(rows):
                    raise StorageError("an id appeared while the write lock was held")
            if rows:
                writer.drop_blocks_of({(row.survey, row.day) for row in rows})
                writer.add_receipts(plan.given(now))
                writer.index_comments(rows)
            self._note_numbers(writer, offers, read, plan, now)
        return plan.receipts

    def _register(self, offer: Offer, now: datetime) -> None:
        """Know the chain of an offer by its number."""
        device, sent = offer.device, offer.sent
        if device is None or sent is None or sent.chain is None:
            return
        if (sent.chain, device.number) not in self._chains:
            number = self._store.chains.number(sent.chain, sent.key, device.number, now)
            self._chains[sent.chain, device.number] = number

    def _chain(self, offer: Offer) -> int | None:
        if offer.device is None or offer.sent is None or offer.sent.chain is None:
            return None
        return self._chains[offer.sent.chain, offer.device.number]

    def _note_numbers(
        self,
        writer: Writer,
        offers: Sequence[Offer],
        read: Sequence[Sequence[Receipt | Candidate]],
        plan: "Plan",
        now: datetime,
    ) -> None:
        """Note the numbers that came, whatever became of the submissions that had them."""
        handed: list[Handed] = []
        unnumbered: Counter[int] = Counter()
        for offer, items, receipts in zip(offers, read, plan.receipts, strict=True):
            if offer.device is None:
                continue
            chain = self._chain(offer)
            for item, one, receipt in zip(offer.items, items, receipts, strict=True):
                stored = receipt.status == "accepted"
                if isinstance(one, Receipt):
                    seq, mac = _number_of(item)
                    digest = None
                else:
                    row = one.row
                    seq, mac, digest = row.device_seq, row.device_mac, row.digest
                if chain is not None and seq is not None and mac is not None:
                    handed.append(Handed(chain, seq, mac, digest, stored))
                elif stored:
                    unnumbered[offer.device.number] += 1
        try:
            writer.note_numbers(handed, now)
        except StorageError:
            self._chains.clear()  # another database: they are registered again
            raise
        writer.note_unnumbered(unnumbered)

    def read(
        self, items: Sequence[object], language: Language, now: datetime
    ) -> list[Receipt | Candidate]:
        """Each item as it would be stored, or its refusal; nothing is written."""
        self._looked_up = self._renewed = False
        offer, received = Offer(items, language), utc_text(now.astimezone(UTC))
        read = [self._read(place, offer, now, received) for place in range(len(items))]
        return [
            one.untimely if isinstance(one, Candidate) and one.untimely else one for one in read
        ]

    def replace_batch(
        self,
        new: NewBatch,
        expected: int,
        added: Sequence[Candidate],
        gone: Collection[str],
        told: Entry,
    ) -> None:
        """Store the next version of a batch, and withdraw what it lacks, in one transaction.

        ``expected`` is the number of its versions until now. Raises BatchChangedError where
        there is another one, and StorageError.
        """
        self.look_up()
        with self._store.writing() as writer:
            number = writer.add_version(new, expected)
            self.exchange(writer, number, added, gone, new.at)
            writer.record(told)

    def exchange(
        self,
        writer: Writer,
        number: int,
        added: Sequence[Candidate],
        gone: Collection[str],
        at: datetime,
    ) -> None:
        """Store and withdraw submissions of a batch within a transaction, by a version's number.

        ``look_up`` has to come before it. Raises StorageError.
        """
        rows = [one.row for one in added]
        writer.keep([row.fingerprint for row in rows], self._by_print, at)
        if rows and not writer.add_submissions(rows):
            raise StorageError("an id of a batch is stored already")
        writer.index_comments(rows)
        withdrawn = writer.exchange(number, [row.id for row in rows], gone)
        answered = {(row.survey, row.day) for row in rows}
        writer.drop_blocks_of(answered | {(row.survey, str(row.day)) for row in withdrawn})

    def try_out(self) -> Receipt:
        """The receipt that a rating would get now; it is written and undone, not stored.

        It has the longest comment allowed, so that a full disk is noticed before a citizen's
        rating is refused. Raises database.StorageError.
        """
        survey = self._surveys[self._centre.instruments.rating]
        scale = survey.scale_of(survey.questions["rating"])
        rating = {
            "id": str(uuid4()),
            "survey": survey.id,
            "channel": "kiosk",
            "answered_at": self._clock(),
            "answers": {"rating": scale.codes[0]} if scale else {},
            "comment": "ộ" * MAX_COMMENT if survey.comment else None,
        }
        [[receipt]] = self.accept([Offer([rating], "en")], keep=False)
        return receipt

    def stored(self, ids: Collection[str]) -> set[str]:
        """Which of some ids are stored already. Raises database.StorageError."""
        if not ids:
            return set()
        return self._store.stored_ids(ids)

    def _read(self, place: int, offer: Offer, now: datetime, received: str) -> Receipt | Candidate:
        """The item at a place of an offer, checked by the time at which it was answered.

        That is what the sender says, but for a clock that is known to be too far off.
        """
        language, device, item = offer.language, offer.device, offer.items[place]
        if isinstance(item, Unreadable):
            return Receipt(_id_of(item.item), "refused", item.reason.reason(language))
        offset = None if offer.sent is None else offer.sent.offset(place)
        wrong = offset is not None and abs(offset) > 60 * self._centre.clock_minutes
        ahead = timedelta(seconds=offset or 0) if wrong else timedelta(0)
        try:
            submission = self._known(item)
            read_by = self.definition(submission.survey, submission.fingerprint)
            if device is not None:
                if submission.channel not in device.channels:
                    raise Refused("channel", "not_of_device", value=submission.channel)
                self._refuse_elsewhere(device, submission)
        except Refused as error:
            return Receipt(_id_of(item), "refused", error.reason(language))
        untimely, at = None, now
        try:
            check_time(submission, now, ahead)
            at = submission.answered_at - ahead
            if device is not None and device.since is not None and at < device.since:
                raise Refused("answered_at", "before_device", earliest=device.since.date())
        except Refused as error:
            untimely = Receipt(submission.id, "refused", error.reason(language))
        row = NewRow.of(
            submission,
            self._centre.local_day(at).isoformat(),
            received,
            read_by.fingerprint,
            device.number if device is not None else None,
            chain=self._chain(offer) if submission.device_seq is not None else None,
            clock_offset=offset,
            answered_at=at if wrong else None,
        )
        receipt = submission.receipt if submission.comment else None
        return Candidate(submission.id, row, receipt, untimely)

    def _refuse_elsewhere(self, device: Device, submission: Submission) -> None:
        """Raise Refused where a bound device hands in what was answered at another place.

        Answers of a counter or department that was merged are those of the one it went to.
        """
        if device.counter is None and device.department is None:
            return
        counters, departments = self._centre.counter_heirs, self._centre.department_heirs
        for department, counter in device.places(submission.answered_at):
            if same(counter, submission.counter, counters) and same(
                department, submission.department, departments
            ):
                return
        field = "counter" if device.counter else "department"
        raise Refused(field, "device_elsewhere", value=device.counter or device.department)

    def _known(self, item: object) -> Submission:
        """The submission, also where only a newer version of the centre knows what it names."""
        try:
            return read_submission(item, self._surveys, self._centre, None, self._given)
        except Refused as error:
            # At most one look for each call, however much of it nobody knows.
            if self._newer is None or self._renewed or error.key not in UNKNOWN:
                raise
            self._renewed = True
            if (newest := self._newer()) is self._centre:
                raise
            self._take(newest)
            return read_submission(item, self._surveys, self._centre, None, self._given)


class Plan:
    """Decides the receipt of each item of a group, given what is stored under their ids."""

    def __init__(
        self,
        offers: Sequence[Offer],
        read: Sequence[Sequence[Receipt | Candidate]],
        stored: Mapping[str, StoredContent],
    ) -> None:
        self._known: dict[str, StoredContent | NewRow] = dict(stored)
        self._taken: list[Candidate] = []
        self.receipts = [
            [self._settle(one, offer.language) for one in items]
            for offer, items in zip(offers, read, strict=True)
        ]

    @property
    def rows(self) -> list[NewRow]:
        return [taken.row for taken in self._taken]

    def given(self, at: datetime) -> list[dict[str, object]]:
        """The receipt codes of what is taken, as rows of tables.ReceiptRow."""
        return [
            {"hash": taken.receipt, "submission": taken.row.id, "given_at": at}
            for taken in self._taken
            if taken.receipt is not None
        ]

    def _settle(self, read: Receipt | Candidate, language: Language) -> Receipt:
        """The receipt of an item: take it if its id is neither stored nor in this group yet."""
        if isinstance(read, Receipt):
            return read
        row = read.row
        known = self._known.get(row.id)
        if known is None and read.untimely is not None:
            return read.untimely
        if known is None:
            self._known[row.id] = row
            self._taken.append(read)
            return Receipt(read.sent_id, "accepted")
        if row.is_content_of(known):
            return Receipt(read.sent_id, "duplicate")
        reason = f"id: {MESSAGES.get(language, 'refused.conflict')}"
        return Receipt(read.sent_id, "conflict", reason)


def same(own: str | None, said: str | None, heirs: Mapping[str, str]) -> bool:
    """Whether what is said of a place is the own one, or any where there is none."""
    return own is None or heirs.get(said or "", said) == heirs.get(own, own)


def _is_untimely(one: Receipt | Candidate) -> TypeGuard[Candidate]:
    return isinstance(one, Candidate) and one.untimely is not None


def _number_of(item: object) -> tuple[int | None, str | None]:
    """The number and link of an item that was refused, where they are well-formed."""
    item = item.item if isinstance(item, Unreadable) else item
    found = item if isinstance(item, dict) else {}
    seq, mac = found.get("device_seq"), found.get("device_mac")
    whole = type(seq) is int and 1 <= seq <= 2**53
    written = isinstance(mac, str) and re.fullmatch(HEX_64, mac)
    return (seq, mac) if whole and written else (None, None)


def _id_of(item: object) -> str | None:
    """The item's id for its receipt, or None where it is no well-formed id."""
    sent = item.get("id") if isinstance(item, dict) else None
    return sent if isinstance(sent, str) and re.fullmatch(UUID_FORM, sent) else None


def rebuild(store: Store, progress: Callable[[int], None]) -> tuple[int, int]:
    """Drop all kept tallies, which are made again when they are read, and index all comments
    again, in one transaction; returns how many submissions there are, and how many are not what
    came in.

    Raises definitions.UndefinedAnswersError where stored answers have no definition; then nothing
    is changed. ``progress`` is called with the number of submissions in each chunk.
    """
    counted = altered = 0
    with store.writing() as writer:
        writer.refuse_undefined()
        writer.clear_blocks()
        for rows in writer.submissions():
            altered += sum(not is_as_said(row) for row in rows)
            counted += len(rows)
            progress(len(rows))
        writer.index_all_comments()
    return counted, altered


class GroupCommit:
    """Stores all requests that wait at the same moment in one transaction.

    A commit flushes the disk once, however much it holds. While one runs the next group
    gathers, so that many clients share few flushes.
    """

    def __init__(self, ingest: Ingest) -> None:
        self._ingest = ingest
        self._waiting: list[tuple[Offer, asyncio.Future[list[Receipt]]]] = []
        self._arrived = asyncio.Event()
        self._coming = 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ingest")
        self._closing = False
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "GroupCommit":
        self._task = asyncio.create_task(self._run(), name="group commit")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop once every request already taken is committed."""
        self._closing = True
        self._arrived.set()
        if self._task is not None:
            await self._task
        self._thread.shutdown()

    @contextmanager
    def coming(self) -> Iterator[None]:
        """While a large request is read: what waits is committed together with it."""
        self._coming += 1
        try:
            yield
        finally:
            self._coming -= 1
            self._arrived.set()

    async def submit(self, offer: Offer) -> list[Receipt]:
        """Receipts of one request's items, once they are on disk. Raises database.StorageError."""
        future: asyncio.Future[list[Receipt]] = asyncio.get_running_loop().create_future()
        self._waiting.append((offer, future))
        self._arrived.set()
        return await future

    async def try_out(self) -> Receipt:
        """Run Ingest.try_out on the committing thread. Raises database.StorageError."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._ingest.try_out)

    async def _run(self) -> None:
        while self._waiting or not self._closing:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                await self._gather()
                await self._commit_next()

    async def _gather(self) -> None:
        """Wait while large requests are read, and while more requests keep coming in.

        Clients that are answered together send their next requests together. Without waiting,
        the first of them would have a commit of its own every second time. Large ones are few at
        once, so that nobody waits long for them.
        """
        while self._coming:
            self._arrived.clear()
            await self._arrived.wait()
        seen = 0
        while seen < len(self._waiting) < MAX_GROUP:
            seen = len(self._waiting)
            for _ in range(GATHER_TURNS):
                await asyncio.sleep(0)

    async def _commit_next(self) -> None:
        size = 0
        group: list[tuple[Offer, asyncio.Future[list[Receipt]]]] = []
        while self._waiting and (not group or size + len(self._waiting[0][0].items) <= MAX_GROUP):
            size += len(self._waiting[0][0].items)
            group.append(self._waiting.pop(0))
        loop = asyncio.get_running_loop()
        offers = [offer for offer, _ in group]
        try:
            receipts = await loop.run_in_executor(self._thread, self._ingest.accept, offers)
        except Exception as error:
            for _, future in group:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), answer in zip(group, receipts, strict=True):
            if not future.done():
                future.set_result(answer)
