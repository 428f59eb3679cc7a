"""Which alerts a centre wants, and where they are sent; the rules by which ratings are watched."""

import re
from collections.abc import Mapping
from datetime import time
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import Field, field_validator, model_validator

from surveys.definition import Identifier, Model, Number
from surveys.refusals import CentreError

MOST_ADDRESSES = 20
MOST_RULES = 20
MOST_LAST = 500  # ratings that a rule looks at
# What people type as an address; whether it exists only its server knows.
ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


RuleKind = Literal["low_ratings", "falling"]
RULE_KINDS: tuple[RuleKind, ...] = get_args(RuleKind)
Unit = Literal["counter", "department", "centre"]
UNITS: tuple[Unit, ...] = get_args(Unit)


class AlertRule(Model):
    """What is told of the ratings of each ``unit``, or of each in one ``department``.

    ``low_ratings``: ``low`` of the ``last`` ratings have the code ``level`` or a worse one of
    the scale; without ``level`` they are below its middle. ``falling``: the share has fallen
    against the quarter before, by a test that may be read every day; it has no numbers.
    """

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,19}$")]  # short: alerts are found by it
    kind: RuleKind
    active: bool = True
    unit: Unit
    department: Identifier | None = None
    low: Annotated[int, Field(ge=1, le=MOST_LAST)] = 3
    last: Annotated[int, Field(ge=1, le=MOST_LAST)] = 10
    level: Number | None = None

    @model_validator(mode="after")
    def _sense(self) -> Self:
        if self.low > self.last:
            raise CentreError("more_than_window")
        if self.unit == "centre" and self.department is not None:
            raise CentreError("centre_of_department")
        return self

    @property
    def looks_at(self) -> tuple[object, ...]:
        """What it tells of; two rules that look at the same would tell it twice."""
        numbers = (self.low, self.last, self.level) if self.kind == "low_ratings" else ()
        return (self.kind, self.unit, self.department, *numbers)


# What a document has that says nothing of rules.
RULES = (
    AlertRule(id="low_counter", kind="low_ratings", unit="counter"),
    AlertRule(id="falling_department", kind="falling", unit="department"),
    AlertRule(id="falling_counter", kind="falling", unit="counter"),
)


def with_rules(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """A document of before there were rules in the present form.

    It had ``low_ratings`` (0: off) of the last ``of_last`` and ``falling`` among its alerts.
    """
    alerts = document.get("alerts")
    if "alert_rules" in document or not isinstance(alerts, Mapping):
        return document
    former = {"low_ratings": 3, "of_last": 10, "falling": True}
    if not former.keys() & alerts.keys():
        return document
    said = {name: alerts.get(name, value) for name, value in former.items()}
    rules: list[dict[str, Any]] = []
    for rule in RULES:
        if rule.kind == "falling":
            rules.append(rule.model_dump() | {"active": said["falling"]})
        elif said["low_ratings"]:
            rules.append(rule.model_dump() | {"low": said["low_ratings"], "last": said["of_last"]})
        else:
            rules.append(rule.model_dump() | {"active": False})
    kept = {name: value for name, value in alerts.items() if name not in former}
    return {**document, "alerts": kept, "alert_rules": rules}


class Alerts(Model):
    """The limits from which something else is told of; 0 turns one off.

    ``silent_minutes``: a device is not heard of for so long in opening hours.
    ``refused``: so many submissions of a device were refused. ``disk_percent``: so little of the
    disk is free. ``backup_hours``: the newest backup is that old. ``overdue``: an answer
    to a citizen is past its deadline. ``numbers``: numbers of a device are missing or double.

    ``emails`` get each alert, but not from ``quiet_from`` to ``quiet_until``, local times:
    what came up in between is sent at the end.
    """

    silent_minutes: Annotated[int, Field(ge=0, le=10_080)] = 30
    refused: Annotated[int, Field(ge=0, le=100_000)] = 1
    disk_percent: Annotated[int, Field(ge=0, le=90)] = 10
    backup_hours: Annotated[int, Field(ge=0, le=8_760)] = 48
    overdue: bool = True
    numbers: bool = True
    quiet_from: time | None = time(18, 0)
    quiet_until: time | None = time(7, 0)
    emails: tuple[str, ...] = Field(default=(), max_length=MOST_ADDRESSES)

    @field_validator("emails")
    @classmethod
    def _addresses(cls, addresses: tuple[str, ...]) -> tuple[str, ...]:
        for one in addresses:
            if not ADDRESS.fullmatch(one) or len(one) > 254 or not one.isascii():
                raise CentreError("no_address", address=one[:80])
        if len({one.lower() for one in addresses}) < len(addresses):
            raise CentreError("twice_address")
        return addresses

    @model_validator(mode="after")
    def _limits(self) -> Self:
        if (self.quiet_from is None) != (self.quiet_until is None):
            raise CentreError("half_quiet")
        if any(one and one.tzinfo for one in (self.quiet_from, self.quiet_until)):
            raise CentreError("hours_with_offset")
        return self

    def is_quiet(self, local: time) -> bool:
        """Whether nothing is sent at a local time; hours may go over midnight."""
        if self.quiet_from is None or self.quiet_until is None:
            return False
        if self.quiet_from <= self.quiet_until:
            return self.quiet_from <= local < self.quiet_until
        return local >= self.quiet_from or local < self.quiet_until
