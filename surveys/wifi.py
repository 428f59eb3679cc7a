"""The centre's Wi-Fi for visitors, as posters name it."""

import re
from typing import Self

from pydantic import Field, field_validator, model_validator

from surveys.definition import Model

LONGEST_NAME = 32  # bytes: IEEE 802.11
PASSPHRASE = re.compile(r"[ -~]{8,63}|[0-9a-fA-F]{64}")  # WPA: printable ASCII, or the key itself


class Wifi(Model):
    """A Wi-Fi's ``name`` and ``password``, both printed. Without a password only it is named.

    ``open`` says that the network asks for none.
    """

    name: str = Field(min_length=1)
    password: str | None = None
    open: bool = False

    @field_validator("name")
    @classmethod
    def _name(cls, name: str) -> str:
        if len(name.encode()) > LONGEST_NAME:
            raise ValueError(f"longer than the {LONGEST_NAME} bytes that a Wi-Fi's name may have")
        if not name.isprintable():
            raise ValueError("has characters that cannot be seen")
        return name

    @field_validator("password")
    @classmethod
    def _password(cls, password: str | None) -> str | None:
        if password is not None and not PASSPHRASE.fullmatch(password):
            # The password itself is not repeated: this ends in a log.
            raise ValueError("must be 8 to 63 letters, digits and signs of ASCII, or 64 hex digits")
        return password

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.open and self.password is not None:
            raise ValueError("an open Wi-Fi has no password")
        return self

    @property
    def joining(self) -> str | None:
        """What a QR code holds for a phone to join by, in ZXing's form; None where it could not."""
        if self.open:
            return f"WIFI:T:nopass;S:{_escaped(self.name)};;"
        if self.password is None:
            return None
        return f"WIFI:T:WPA;S:{_escaped(self.name)};P:{_escaped(self.password)};;"


def _escaped(text: str) -> str:
    return re.sub(r'([\\;,:"])', r"\\\1", text)
