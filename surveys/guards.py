"""What guards the figures: how often a phone form may be sent, and which ratings get a flag."""

from datetime import date
from typing import Annotated

from pydantic import Field

from surveys.definition import Model


class PhoneForm(Model):
    """What the form behind the QR codes asks of whoever sends it. Numbers are our choice.

    ``unsigned_until``: the last day on which codes of posters are taken that were printed before
    codes were signed; None: not any more. ``forms_an_hour`` of one code, and
    ``network_an_hour`` of one code and one network, may be sent for each counter that the code
    stands for; further ones are taken once the phone has solved a small puzzle of ``effort``
    thousand steps on average. 0 turns a limit off.
    """

    unsigned_until: date | None = None
    forms_an_hour: Annotated[int, Field(ge=0, le=10_000)] = 30
    network_an_hour: Annotated[int, Field(ge=0, le=10_000)] = 15
    effort: Annotated[int, Field(ge=1, le=500)] = 20


class Flags(Model):
    """Which ratings and forms get a flag; they are counted, and figures stand beside without them.

    Every number is our choice, and 0 or false turns a rule off. No rule looks at which face was
    tapped, but ``run``, which treats all faces alike:

    - ``burst``: ``burst_ratings`` at one place, by one device and way, within ``burst_seconds``:
      faster than people follow one another.
    - ``run``: ``run_ratings`` of the same face one after the other there, within ``run_minutes``;
      of a form of many questions those with the same answers.
    - ``closed``: on a touch screen, ``outside_minutes`` or more from the opening hours.
    - ``unserved``: the department settled no dossier on that day, as its figures say.
    - ``taps``: all ratings of a touch screen's place on a day on which more than ``touch_a_day``
      were given for each counter, or, where the dossiers of that day are known, more than as many
      visits as they mean.
    - ``network``: a form of which the kiosk says that too many had come from its network, see
      PhoneForm.
    - ``code``: all forms of one code on a day on which more than ``phone_a_day`` came for each
      counter that it stands for; or, where the dossiers of that day are known, more than as many
      visits as they mean; or, where they are not, more than ``phone_usual`` times as many as on a
      usual day of the code (0: that is not looked at).

    ``alert_from`` ratings with a flag on one day at one place managers are told.
    """

    burst_ratings: Annotated[int, Field(ge=0, le=100)] = 5
    burst_seconds: Annotated[int, Field(ge=1, le=3_600)] = 20
    run_ratings: Annotated[int, Field(ge=0, le=1_000)] = 15
    run_minutes: Annotated[int, Field(ge=1, le=600)] = 10
    outside_hours: bool = True
    outside_minutes: Annotated[int, Field(ge=0, le=720)] = 30
    nobody_served: bool = True
    touch_a_day: Annotated[int, Field(ge=0, le=10_000)] = 120
    phone_a_day: Annotated[int, Field(ge=0, le=10_000)] = 40
    phone_usual: Annotated[int, Field(ge=0, le=1_000)] = 3
    same_network: bool = True
    alert_from: Annotated[int, Field(ge=0, le=10_000)] = 10
