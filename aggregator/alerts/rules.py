"""What should be looked at now, by the limits and rules of surveys.alerts."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

from aggregator.figures.falling import Fall, falling
from aggregator.figures.flagged import flagged_by
from aggregator.settings import Settings
from aggregator.storage.alerts import Finding, Rated
from aggregator.storage.store import Selection, Store
from aggregator.storage.tables import DeviceRow
from surveys.alerts import AlertRule, Alerts
from surveys.centre import RATING, Centre
from surveys.definition import Survey

DRILL_EVERY = timedelta(days=40)  # its timer runs once a month
VERIFY_EVERY = timedelta(days=3)  # its timer runs each night
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

    @cached_property
    def rated(self) -> list[Rated]:
        """The ratings of LATELY up to now, the newest first."""
        since = self.centre.local_day(self.now - LATELY)
        return self.store.alerts.rated(self.rating.id, RATING, since, self.now)

    @cached_property
    def measure(self) -> str:
        """The measure of which a share may fall; '' where ratings have no share."""
        if not self.rating.has_total:
            return ""
        return next(iter(self.rating.measures_of(self.rating.measured[0])))

    @cached_property
    def fallen(self) -> list[Fall]:
        """What has fallen against the quarter before."""
        today = self.centre.local_day(self.now)
        return falling(self.store, self.rating, self.centre, self.measure, today)

    def concerns(self, rule: AlertRule, department: str | None) -> bool:
        """Whether a rule is about what belongs to a department, or to what it was merged into."""
        heirs = self.centre.department_heirs
        return rule.department is None or (
            department is not None
            and heirs.get(department, department) == heirs.get(rule.department, rule.department)
        )


def findings(scene: Scene) -> list[Finding]:
    """All that the rules find. Raises StorageError."""
    return [
        *(
            found
            for rule in scene.centre.alert_rules
            if rule.active
            for found in by_rule(scene, rule)
        ),
        *(found for limit in LIMITS for found in limit(scene)),
    ]


def by_rule(scene: Scene, rule: AlertRule) -> Iterator[Finding]:
    """What a rule finds in the ratings."""
    match rule.kind:
        case "low_ratings":
            return low_ratings(scene, rule)
        case "falling":
            return fallen(scene, rule)


def low_ratings(scene: Scene, rule: AlertRule) -> Iterator[Finding]:
    """Units of whose last ratings too many are low.

    A finding's subject is ``UNIT:KEY:RULE``; the key of the centre is ''.
    """
    scale = scene.rating.scale_of(scene.rating.questions[RATING])
    if scale is None:
        return
    middle = len(scale.codes) // 2 + 1
    low = scale.levels[middle if rule.level is None else scale.codes.index(rule.level) :]
    if not low:
        return
    codes = {level.code for level in low}
    last: dict[str, list[int]] = {}
    for one in scene.rated:
        key = "" if rule.unit == "centre" else getattr(one, rule.unit)
        if key is None or not scene.concerns(rule, one.department):
            continue
        found = last.setdefault(key, [])
        if len(found) < rule.last:
            found.append(one.code)
    level = {"level_vi": low[0].vi, "level_en": low[0].en}
    for key, found in last.items():
        if (k := sum(code in codes for code in found)) >= rule.low:
            told: dict[str, str | int] = {"k": k, "n": len(found), **level}
            yield Finding("low_ratings", f"{rule.unit}:{key}:{rule.id}", told)


def fallen(scene: Scene, rule: AlertRule) -> Iterator[Finding]:
    """Units whose share has fallen against the quarter before.

    Two rules that find the same unit find the same thing, so it is told once.
    """
    if not scene.measure:
        return
    for one in scene.fallen:
        if one.unit == rule.unit and scene.concerns(rule, one.department):
            shares = {"share": one.share, "before": one.before}
            key = "" if one.unit == "centre" else one.key
            yield Finding("falling", f"{one.unit}:{key}", {"measure": scene.measure, **shares})


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
    """A newest backup that is too old, or none; a backup, drill or verification that failed."""
    folder, hours = scene.settings.backups, scene.limits.backup_hours
    if folder is None or not hours:
        return
    newest = _newest(folder)
    if newest is None:
        yield Finding("backup_hours", "", {})
    elif scene.now - newest > timedelta(hours=hours):
        yield Finding("backup_hours", "", {"since": newest.isoformat(timespec="seconds")})
    for what, every in (("backup", None), ("drill", DRILL_EVERY), ("verify", VERIFY_EVERY)):
        if (outcome := _outcome(folder / f"{what}.json")) is None:
            continue
        at, ok = outcome
        if not ok:
            yield Finding("backup_hours", what, {"since": at.isoformat(timespec="seconds")})
        elif every is not None and scene.now - at > every:
            told = {"since": at.isoformat(timespec="seconds")}
            yield Finding("backup_hours", f"no_{what}", told)


def _outcome(file: Path) -> tuple[datetime, bool] | None:
    """When one of them ended, and whether all was well; None where nobody has said.

    What cannot be read is no proof of a backup: it counts as one that failed when it was written.
    """
    try:
        written = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    except OSError:
        return None
    try:
        told = json.loads(file.read_text("utf-8"))
        return datetime.fromisoformat(told["at"]).astimezone(UTC), told["ok"] is True
    except (OSError, ValueError, KeyError, TypeError):
        return written, False


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


def numbers(scene: Scene) -> Iterator[Finding]:
    """Devices of whose submissions numbers are missing, double, or do not follow each other.

    What is on its way comes in order, so a number that is missing for a minute was lost.
    """
    if not scene.limits.numbers:
        return
    standings = scene.store.chains.standings()
    for row in scene.devices:
        for one in standings.get(row.number or 0, ()):
            if one.missing or one.forks or one.broken:
                told: dict[str, str | int] = {"device": row.name, "missing": one.missing}
                told |= {"double": one.forks + one.broken, "highest": one.highest}
                yield Finding("numbers", f"{row.number}:{one.begun_at:%Y%m%d%H%M%S}", told)


def flagged(scene: Scene) -> Iterator[Finding]:
    """Places where many ratings of today have a flag. A finding's subject is ``UNIT:KEY``."""
    if not (least := scene.centre.flags.alert_from):
        return
    today = scene.centre.local_day(scene.now)
    selection = Selection(scene.rating.id, since=today, until=today)
    places = ("department", "counter")
    found = flagged_by(scene.store, scene.rating, scene.centre, selection, places)
    for (department, counter), one in found.items():
        if one.n >= least:
            unit = f"counter:{counter}" if counter else f"department:{department}"
            told: dict[str, str | int] = {"n": one.n, "flags": ",".join(one.rules)}
            yield Finding("flagged", unit if department else "centre:", told)


LIMITS = (silent, refused, disk, backup, overdue, numbers, flagged)
