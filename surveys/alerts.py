"""Which alerts a centre wants, and where they are sent."""

import re
from datetime import time
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from surveys.definition import Model
from surveys.refusals import CentreError

MOST_ADDRESSES = 20
# What people type as an address; whether it exists only its server knows.
ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


class Alerts(Model):
    """The limits from which something is told of; 0 turns a rule off.

    ``low_ratings`` of the last ``of_last`` ratings at a counter are below the middle of the
    scale. ``silent_minutes``: a device is not heard of for so long in opening hours.
    ``refused``: so many submissions of a device were refused. ``disk_percent``: so little of the
    disk is free. ``backup_hours``: the newest backup is that old. ``overdue``: an answer
    to a citizen is past its deadline. ``falling``: the share of a department or counter has
    fallen against the quarter before, by a test that may be read every day.

    ``emails`` get each alert, but not from ``quiet_from`` to ``quiet_until``, local times:
    what came up in between is sent at the end.
    """

    low_ratings: Annotated[int, Field(ge=0, le=50)] = 3
    of_last: Annotated[int, Field(ge=1, le=50)] = 10
    silent_minutes: Annotated[int, Field(ge=0, le=10_080)] = 30
    refused: Annotated[int, Field(ge=0, le=100_000)] = 1
    disk_percent: Annotated[int, Field(ge=0, le=90)] = 10
    backup_hours: Annotated[int, Field(ge=0, le=8_760)] = 48
    overdue: bool = True
    falling: bool = True
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
        if self.low_ratings > self.of_last:
            raise CentreError("more_than_window")
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
