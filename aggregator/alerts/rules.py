"""The rules: each finds what should be looked at now, by the limits of surveys.alerts.Alerts."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

from aggregator.figures.falling import falling
from aggregator.settings import Settings
from aggregator.storage.alerts import Finding
from aggregator.storage.store import Store
from aggregator.storage.tables import DeviceRow
from surveys.alerts import Alerts
from surveys.centre import RATING, Centre
from surveys.definition import Survey

LATELY = timedelta(days=7)  # ratings before it are none of the last


@dataclass(frozen=True)
class Scene:
    """What the rules look at: the centre with its instrument of ratings, at a moment."""

    store: Store
    settings: Settings
    centre: Centre
    rating: Survey
    now: datetime

    @property
    def limits(self) -> Alerts:
        return self.centre.alerts

    @cached_property
    def devices(self) -> list[DeviceRow]:
        """Those that may hand in answers."""
        return [row for row in self.store.devices.rows() if row.revoked_at is None]


def findings(scene: Scene) -> list[Finding]:
    """All that the rules find. Raises StorageError."""
    return [found for rule in RULES for found in rule(scene)]


def low_ratings(scene: Scene) -> Iterator[Finding]:
    """Counters of whose last ratings too many are below the middle of the scale."""
    least, window = scene.limits.low_ratings, scene.limits.of_last
    scale = scene.rating.scale_of(scene.rating.questions[RATING])
    if not least or scale is None:
        return
    low = frozenset(scale.codes[len(scale.codes) // 2 + 1 :])
    since = scene.centre.local_day(scene.now - LATELY)
    last = scene.store.alerts.last_codes(scene.rating.id, RATING, since, window)
    for counter, codes in last.items():
        if (k := sum(code in low for code in codes)) >= least:
            yield Finding("low_ratings", counter, {"k": k, "n": len(codes)})


def silent(scene: Scene) -> Iterator[Finding]:
    """Devices that were not heard of for too much of the opening hours."""
    if not (minutes := scene.limits.silent_minutes):
        return
    for row in scene.devices:
        if row.seen_at is None:
            continue
        missed = scene.centre.open_between(row.seen_at, scene.now)
        if missed >= timedelta(minutes=minutes):
            since = {"since": row.seen_at.isoformat(timespec="seconds")}
            yield Finding("silent_minutes", f"{row.number}", {"device": row.name, **since})


def refused(scene: Scene) -> Iterator[Finding]:
    """Devices that keep submissions which were refused."""
    if not (least := scene.limits.refused):
        return
    for row in scene.devices:
        if (row.refused or 0) >= least:
            told: dict[str, str | int] = {"device": row.name, "n": row.refused or 0}
            yield Finding("refused", f"{row.number}", told)


def disk(scene: Scene) -> Iterator[Finding]:
    """A disk, of the data or the backups, that is nearly full."""
    if not (least := scene.limits.disk_percent):
        return
    folders = {"data": scene.settings.var, "backups": scene.settings.backups}
    for name, folder in folders.items():
        if folder is None or not folder.exists():
            continue
        usage = shutil.disk_usage(folder)
        free = 100 * usage.free // usage.total
        if free < least:
            yield Finding("disk_percent", name, {"percent": free})


def backup(scene: Scene) -> Iterator[Finding]:
    """A newest backup that is too old, or none at all."""
    folder, hours = scene.settings.backups, scene.limits.backup_hours
    if folder is None or not hours:
        return
    newest = _newest(folder)
    if newest is None:
        yield Finding("backup_hours", "", {})
    elif scene.now - newest > timedelta(hours=hours):
        yield Finding("backup_hours", "", {"since": newest.isoformat(timespec="seconds")})


def _newest(folder: Path) -> datetime | None:
    """When the newest copy in a folder was complete; see deploy/backup.py for their names."""
    try:
        times = [
            file.stat().st_mtime for file in folder.iterdir() if file.suffix in (".db", ".dump")
        ]
    except OSError:
        return None
    return datetime.fromtimestamp(max(times), UTC) if times else None


def overdue(scene: Scene) -> Iterator[Finding]:
    """Cases whose answer to the citizen is past its deadline."""
    if not scene.limits.overdue:
        return
    for case in scene.store.cases.overdue(scene.now):
        due = {"since": case.due_at.isoformat(timespec="seconds")}
        yield Finding("overdue", f"{case.number}", {"number": case.number, **due})


def fallen(scene: Scene) -> Iterator[Finding]:
    """Departments and counters whose share has fallen against the quarter before."""
    if not scene.limits.falling or not scene.rating.has_total:
        return
    measure = next(iter(scene.rating.measures_of(scene.rating.measured[0])))
    today = scene.centre.local_day(scene.now)
    for one in falling(scene.store, scene.rating, scene.centre, measure, today):
        shares = {"share": one.share, "before": one.before}
        yield Finding("falling", f"{one.unit}:{one.key}", {"measure": measure, **shares})


RULES = (low_ratings, silent, refused, disk, backup, overdue, fallen)
