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
