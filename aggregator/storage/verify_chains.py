"""Looks whether the numbers of devices are all there, once, and joined to each other."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select
from sqlmodel import col

from aggregator.storage.chains import Run
from aggregator.storage.closings import CHUNK
from aggregator.storage.findings import Finding, Numbers, finding
from aggregator.storage.tables import ChainNote, DeviceChain, DeviceRow, SubmissionRow
from aggregator.wording.phrases import Words, integer, verbatim
from surveys.chain import START, link


class _Came(NamedTuple):
    mac: str
    digest: str | None


def numbers(connection: Connection) -> Iterator[Finding]:
    """Numbers of devices that are missing, double, or do not follow the one before."""
    names = {
        row.number: row.name
        for row in connection.execute(select(col(DeviceRow.number), col(DeviceRow.name)))
    }
    chains = connection.execute(select(DeviceChain.__table__)).all()  # type: ignore[attr-defined]
    for chain in chains:
        name = verbatim(names.get(chain.device) or f"{chain.device}")
        notes: dict[int, set[tuple[str, str]]] = defaultdict(set)
        of = select(col(ChainNote.seq), col(ChainNote.mac), col(ChainNote.kind))
        for seq, mac, kind in connection.execute(of.where(col(ChainNote.chain) == chain.number)):
            notes[seq].add((mac, kind))
        yield from _chain(connection, chain, name, notes)
    yield from _unnumbered(connection, chains, names)


def _chain(
    connection: Connection, chain: Any, name: Words, notes: Mapping[int, set[tuple[str, str]]]
) -> Iterator[Finding]:
    runs = [Run(*run) for run in chain.runs]
    came_to = runs[-1].last if runs else 0
    seq, mac, digest = SubmissionRow.device_seq, SubmissionRow.device_mac, SubmissionRow.digest
    query = select(col(seq), col(mac), col(digest)).where(col(SubmissionRow.chain) == chain.number)
    streamed = connection.execution_options(stream_results=True, yield_per=CHUNK)
    rows = streamed.execute(query.order_by(col(seq), col(SubmissionRow.number)))
    beside = sorted(at for at, found in notes.items() if any(k == "not_stored" for _, k in found))
    expected, before, strange = 1, {START}, 0
    for at, stored in _merged(groupby(rows, key=lambda row: row[0]), beside):
        if at > expected:
            yield from _missing(chain, name, expected, at - 1)
            before = set()
        came = [_Came(row[1] or "", row[2]) for row in stored]
        known = notes.get(at, set())
        waited = [_Came(mac, None) for mac, kind in known if kind == "not_stored"]
        odd = sum((one.mac, "fork") in known for one in came)
        if len(came) - odd > 1:
            yield finding("verify.twice", device=name, number=integer(at))
        for one in came:
            links = {link(chain.key, mac, at, str(one.digest)) for mac in before}
            if (
                before
                and one.mac not in links
                and not {"fork", "broken"} & {kind for mac, kind in known if mac == one.mac}
            ):
                yield finding("verify.link", device=name, number=integer(at))
        before = {one.mac for one in (*came, *waited)}
        expected = at + 1
        while runs and runs[0].last < at:
            runs.pop(0)
        strange += not (runs and runs[0].first <= at)
    if strange:
        yield finding("verify.progress", device=name, n=integer(strange))
    if expected <= came_to:
        yield from _missing(chain, name, expected, came_to)


def _merged(
    stored: Iterable[tuple[int, Iterable[Any]]], beside: Sequence[int]
) -> Iterator[tuple[int, list[Any]]]:
    """Stored rows by number, and the numbers of what came and was not stored, in order."""
    waiting = list(reversed(beside))
    for at, rows in stored:
        while waiting and waiting[-1] < at:
            yield waiting.pop(), []
        if waiting and waiting[-1] == at:
            waiting.pop()
        yield at, list(rows)
    while waiting:
        yield waiting.pop(), []


def _missing(chain: Any, name: Words, first: int, last: int) -> Iterator[Finding]:
    """Numbers that are not here: those that came were deleted, the others never came."""
    runs, at = [Run(*run) for run in chain.runs], first
    while at <= last:
        run = next((run for run in runs if run.first <= at <= run.last), None)
        ends = [run.last] if run else [one.first - 1 for one in runs if one.first > at]
        end = min([*ends, last])
        told = {"device": name, "first": integer(at), "last": integer(end)}
        if run:
            yield finding("verify.number_deleted", **told)
        else:
            yield Finding("verify.number_missing", told, Numbers(chain.number, at, end))
        at = end + 1


def _unnumbered(
    connection: Connection, chains: Sequence[Any], names: Mapping[int | None, str]
) -> Iterator[Finding]:
    """More submissions without a number than came from a device that numbers.

    By the order of arrival, not by the server's clock, which may have been set.
    """
    oldest: dict[int, Any] = {}
    for chain in sorted(chains, key=lambda one: -one.number):
        oldest[chain.device] = chain
    number = col(SubmissionRow.number)
    for device, chain in oldest.items():
        begun = select(func.min(number)).where(col(SubmissionRow.chain) == chain.number)
        query = select(func.count()).where(
            col(SubmissionRow.device) == device,
            col(SubmissionRow.chain).is_(None),
            number > begun.scalar_subquery(),
        )
        n = connection.execute(query).scalar_one()
        if n > chain.unnumbered:
            name = verbatim(names.get(device) or f"{device}")
            yield finding("verify.unnumbered", device=name, n=integer(n - chain.unnumbered))
