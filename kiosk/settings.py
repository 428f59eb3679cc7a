"""The settings of a kiosk, read once from the environment."""

import socket
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from hosts import Hosts, WebAddress, host_names
from kiosk.staff_access import is_hash
from secret_files import credentials
from surveys.centre import IdleSeconds, RestSeconds, ThanksSeconds, TouchScreen


class TogetherSettings(BaseSettings):
    """Where ``make run`` serves the kiosk, beside an aggregator that has host and port."""

    model_config = SettingsConfigDict(env_prefix="HAILONG_", frozen=True, env_ignore_empty=True)

    kiosk_host: Hosts = Field(
        default="0.0.0.0",  # noqa: S104 - phones of the hall must reach the form
        description="With `make run`: address the kiosk listens on.",
    )
    kiosk_port: int = Field(
        default=8001, ge=0, le=65535, description="With `make run`: port the kiosk listens on."
    )

    @property
    def address(self) -> str:
        """What the QR codes of ``make run`` carry where no setting says otherwise."""
        return f"http://{lan_address(self.kiosk_host)}:{self.kiosk_port}"


def lan_address(host: str) -> str:
    """The address of a listening host as phones of the same network see it."""
    if host not in ("0.0.0.0", "::"):  # noqa: S104 - compared only
        return host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Nothing is sent: connecting a datagram socket only chooses the way out.
            probe.connect(("10.255.255.255", 1))
        except OSError:
            return "127.0.0.1"
        address: str = probe.getsockname()[0]
        return address


class Settings(BaseSettings):
    """The settings of one kiosk, from the environment with the prefix ``HAILONG_``."""

    model_config = SettingsConfigDict(
        env_prefix="HAILONG_",
        env_ignore_empty=True,
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,  # the token is one of them
    )

    centre: Path = Field(
        default=Path("deploy/lai_chau.toml"), description="The centre file (TOML)."
    )
    aggregator_url: WebAddress = Field(
        default="http://127.0.0.1:8000", description="Where the outbox is delivered to."
    )
    device_token: SecretStr = Field(
        default=SecretStr(""), description="Token of this kiosk, printed by `device add`."
    )
    surveys: Path | None = Field(
        default=None,
        description="Folder of the centre's own instruments (TOML), besides ours; empty: none.",
    )
    var: Path = Field(default=Path("var"), description="Folder for data made at run time.")
    outbox: Path | None = Field(
        default=None,
        description="The outbox file; by default `kiosk/outbox.sqlite3` in the folder for data.",
    )
    languages: Path | None = Field(
        default=None,
        description="Folder of the languages that the centre adds; by default `languages` beside "
        "the centre file.",
    )
    pictograms: Path | None = Field(
        default=None,
        description="Folder of the centre's own pictograms; by default `pictograms` beside the "
        "centre file.",
    )
    code_key: Path | None = Field(
        default=None,
        description="File of the key that signs the QR codes; by default `codes.key` beside the "
        "outbox.",
    )
    outbox_keys: Path | None = Field(
        default=None,
        description="File of the keys that encrypt what waits in the outbox, the newest first, "
        "made by `python -m kiosk outbox key`; empty: it is not encrypted.",
    )
    host: Hosts = Field(default="127.0.0.1", description="Address the kiosk listens on.")
    port: int = Field(default=8001, ge=0, le=65535, description="Port the kiosk listens on.")
    public_url: WebAddress = Field(
        default="",
        description="Address that QR codes carry; by default made from host and port.",
    )
    allowed_hosts: Hosts = Field(
        default="",
        description="More names and addresses under which browsers may ask for this kiosk, "
        "separated by commas.",
    )
    department: str = Field(
        default="", description="Department this kiosk belongs to; empty in the lobby."
    )
    counter: str = Field(
        default="", description="Counter this kiosk stands at; it implies the department."
    )
    idle_seconds: IdleSeconds | None = Field(
        default=None,
        description="Seconds without a touch until the screen starts anew; empty: those of the "
        "centre's document.",
    )
    thanks_seconds: ThanksSeconds | None = Field(
        default=None,
        description="Seconds until an untouched thank-you gives the screen back; empty: those of "
        "the centre's document.",
    )
    rest_seconds: RestSeconds | None = Field(
        default=None,
        description="Seconds without a touch until the start shows a moving picture, 0 for never; "
        "empty: those of the centre's document.",
    )
    touch_remote: bool = Field(
        default=True,
        description="Let other machines, such as a tablet, use the touch screen and posters.",
    )
    staff_pin: SecretStr = Field(
        default=SecretStr(""),
        description="Hash of the PIN of the staff corner, from `python -m kiosk pin`; empty: none.",
    )
    on_screen_keyboard: Literal["auto", "always", "never"] = Field(
        default="auto",
        description="Our own keyboard for a field that is touched: where the system brings none, "
        "always, or never.",
    )
    tablets: bool = Field(
        default=False,
        description="Let tablets install the touch screen, and keep answers while this server "
        "is away.",
    )
    demo: bool = Field(default=False, description="Mark every page as a demonstration.")

    @field_validator("device_token")
    @classmethod
    def _token(cls, token: SecretStr) -> SecretStr:
        text = token.get_secret_value().strip()
        if not all("!" <= character <= "~" for character in text):
            raise ValueError("must be printable ASCII without spaces")
        return SecretStr(text)

    @field_validator("staff_pin")
    @classmethod
    def _pin(cls, pin: SecretStr) -> SecretStr:
        if pin.get_secret_value() and not is_hash(pin.get_secret_value()):
            raise ValueError("must be what `python -m kiosk pin` prints")
        return pin

    @classmethod
    def from_env(cls) -> Self:
        """Read the environment, and what is not there in systemd's credentials.

        Raises pydantic's ValidationError, which names the setting.
        """
        return cls(_secrets_dir=credentials())

    @property
    def outbox_file(self) -> Path:
        """Where the outbox lies."""
        return self.outbox or self.var / "kiosk" / "outbox.sqlite3"

    @property
    def enrolment_file(self) -> Path:
        """Where the token and the place lie that this kiosk got for a one-time code."""
        return self.outbox_file.with_name("device.json")

    @property
    def code_key_file(self) -> Path:
        """Where the key lies that signs the QR codes, whether it was made or not."""
        return self.code_key or self.outbox_file.with_name("codes.key")

    @property
    def centre_copy(self) -> Path:
        """Where the aggregator's document of the centre lies, once it was fetched."""
        return self.outbox_file.with_name("centre.json")

    @property
    def languages_folder(self) -> Path:
        """Where the added languages lie, whether there are any or not."""
        return self.languages or self.centre.parent / "languages"

    @property
    def stand_ins(self) -> Path:
        """Where espeak-ng's voices lie, whether they were made or not."""
        return self.var / "voices"

    @property
    def pictograms_folder(self) -> Path:
        """Where the centre's own pictograms lie, whether there are any or not."""
        return self.pictograms or self.centre.parent / "pictograms"

    @property
    def deep_link(self) -> str:
        """The address that phones open, without a slash at its end."""
        return self.public_url or f"http://{lan_address(self.host)}:{self.port}"

    def waits(self, centre: TouchScreen) -> TouchScreen:
        """How long the screens wait: as this kiosk's environment says, else as the centre does."""
        own = {name: getattr(self, name) for name in TouchScreen.model_fields}
        return centre.model_copy(update={k: v for k, v in own.items() if v is not None})

    @property
    def hosts(self) -> frozenset[str]:
        """The names and addresses that a request may be addressed to; see web.Guard."""
        return host_names(self.allowed_hosts, self.host, self.public_url)
