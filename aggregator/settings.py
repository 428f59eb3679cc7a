"""The aggregator's settings, read once from the environment and handed down."""

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from hosts import Hosts, WebAddress, host_names
from secret_files import credentials
from surveys.alerts import ADDRESS

SMTP_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
LOCAL = ("localhost", "127.0.0.1", "::1")


class Settings(BaseSettings):
    """Each setting is the environment variable ``HAILONG_`` and its name in capitals."""

    model_config = SettingsConfigDict(
        env_prefix="HAILONG_",
        frozen=True,
        env_ignore_empty=True,
        hide_input_in_errors=True,  # secrets are among them
    )

    centre: Path = Field(
        default=Path("deploy/lai_chau.toml"),
        description="The centre file: departments, counters, published figures.",
    )
    province: Path | None = Field(
        default=None,
        description="The file of a province, whose centres this aggregator serves, each under its "
        "own path; empty: one centre.",
    )
    surveys: Path | None = Field(
        default=None,
        description="Folder of the centre's own instruments (TOML), besides ours; empty: none.",
    )
    var: Path = Field(default=Path("var"), description="Folder of all data made at run time.")
    database_url: str = Field(
        default="",
        description="SQLAlchemy address of the database, SQLite or PostgreSQL 15 or later; "
        "empty: a SQLite file in the var folder.",
    )
    contact_key: Path | None = Field(
        default=None,
        description="File of the key by which contact details are encrypted; it is made where "
        "there is none. Empty: `aggregator/contact.key` in the var folder.",
    )
    host: Hosts = Field(default="127.0.0.1", description="Address the server listens on.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port the aggregator listens on.")
    dashboard_url: WebAddress = Field(
        default="",
        description="Address of the dashboard as managers type it, used in sign-in links; "
        "empty: the host and port listened on.",
    )
    allowed_hosts: Hosts = Field(
        default="",
        description="More names and addresses under which browsers and kiosks may ask for this "
        "server, separated by commas.",
    )
    secure_cookies: bool = Field(
        default=False, description="Send cookies over TLS only; set it behind a TLS proxy."
    )
    demo: bool = Field(default=False, description="Mark every page as a demonstration.")
    backups: Path | None = Field(
        default=None,
        description="Folder of the backups, whose newest tells whether they are made; "
        "empty: nobody is told.",
    )
    mail_from: str = Field(
        default="", max_length=254, description="Address from which alerts are sent by e-mail."
    )
    smtp: SecretStr = Field(
        default=SecretStr(""),
        description="Mail server for alerts: smtp://host:25, smtps://name:password@host:465 or "
        "smtp+starttls://name:password@host:587; empty: no e-mail.",
    )
    webhook_secret: SecretStr = Field(
        default=SecretStr(""),
        description="The secret by which what is sent to the webhook is signed: 16 characters or "
        "more.",
    )
    webhook_url: WebAddress = Field(
        default="",
        description="Address to which alerts are posted as JSON, such as that of a bridge to a "
        "messenger; empty: none.",
    )
    oidc_client_id: str = Field(
        default="", max_length=255, description="What the provider calls this dashboard."
    )
    oidc_client_secret: SecretStr = Field(
        default=SecretStr(""), description="The secret that the provider gave for it."
    )
    oidc_issuer: WebAddress = Field(
        default="",
        description="Address of an OpenID Connect provider at which people may sign in, too; "
        "empty: none.",
    )
    ddci: Path | None = Field(
        default=None,
        description="The DDCI file: components and weights by which firms rank the departments; "
        "empty: no such ranking.",
    )

    @field_validator("oidc_issuer")
    @classmethod
    def _usable_provider(cls, issuer: str, info: ValidationInfo) -> str:
        if issuer and not info.data.get("oidc_client_id"):
            raise ValueError("needs HAILONG_OIDC_CLIENT_ID, too")
        host = urlsplit(issuer).hostname
        if issuer.startswith("http:") and host not in LOCAL:
            raise ValueError("must begin with https://")
        return issuer

    @field_validator("smtp")
    @classmethod
    def _usable_mail_server(cls, smtp: SecretStr, info: ValidationInfo) -> SecretStr:
        """Raises ValueError, which does not repeat the address: it may hold a password."""
        if not smtp.get_secret_value():
            return smtp
        try:
            server = urlsplit(smtp.get_secret_value())
            usable = bool(server.hostname) and (server.port is None or server.port > 0)
        except ValueError:
            usable = False
        if not usable or server.scheme not in SMTP_PORTS or server.path.strip("/") or server.query:
            raise ValueError("must be like smtp+starttls://name:password@host:587")
        if server.scheme == "smtp" and server.password and server.hostname not in LOCAL:
            raise ValueError("would send its password unprotected: smtp+starttls:// or smtps://")
        if not ADDRESS.fullmatch(info.data.get("mail_from", "")):
            raise ValueError("needs an address in HAILONG_MAIL_FROM, too")
        return smtp

    @field_validator("webhook_url")
    @classmethod
    def _usable_webhook(cls, url: str, info: ValidationInfo) -> str:
        if url and len(info.data.get("webhook_secret", SecretStr("")).get_secret_value()) < 16:
            raise ValueError("needs HAILONG_WEBHOOK_SECRET of 16 characters or more, too")
        return url

    @classmethod
    def from_env(cls) -> "Settings":
        """From the environment, and what is not there from systemd's credentials.

        Raises pydantic.ValidationError, which names the setting and the reason.
        """
        return cls(_secrets_dir=credentials())

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.var / 'aggregator' / 'hailong.sqlite3'}"

    @property
    def contact_key_file(self) -> Path:
        return self.contact_key or self.var / "aggregator" / "contact.key"

    @property
    def address(self) -> str:
        return self.dashboard_url or f"http://{self.host}:{self.port}"

    @property
    def hosts(self) -> frozenset[str]:
        """The names and addresses that a request may be addressed to; see web.Guard."""
        return host_names(self.allowed_hosts, self.host, self.dashboard_url)
