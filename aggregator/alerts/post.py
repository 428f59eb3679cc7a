"""Sends alerts: by e-mail and to a webhook.

An alert is sent once where the other side says that it has it. Where we are cut off before we
could note that, it is sent again under the same name (``Message-ID``, ``Hailong-Alert``), by
which the receiver can tell.
"""

import hashlib
import hmac
import logging
import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

import httpx2
import orjson

from aggregator.alerts.words import moment, sentence
from aggregator.settings import LOCAL, SMTP_PORTS, Settings
from aggregator.storage.alerts import Due
from aggregator.wording.phrases import integer, say, verbatim
from surveys.centre import Centre

log = logging.getLogger("aggregator.alerts")

SECONDS = 20.0  # a server may take for each answer
WEBHOOK = "webhook"  # the channel; every other one is an e-mail address
UNREACHABLE = "unreachable"  # the reason where nobody answers; the log has the system's words


class PostError(Exception):
    """Why something could not be sent, in the words of the other side or the system."""


def channels(settings: Settings, centre: Centre) -> list[str]:
    """Where a new alert is to be sent."""
    found = list(centre.alerts.emails) if settings.smtp.get_secret_value() else []
    return [*found, WEBHOOK] if settings.webhook_url else found


@dataclass(frozen=True)
class Post:
    """Sends what is due, in the name of a centre."""

    settings: Settings
    centre: Centre

    def mail(self, to: str, due: Sequence[Due], now: datetime) -> None:
        """Send alerts to an address in one message. Raises PostError."""
        server = urlsplit(self.settings.smtp.get_secret_value())
        host, port = server.hostname or "", server.port or SMTP_PORTS[server.scheme]
        try:
            context = ssl.create_default_context()
            if server.scheme == "smtps":
                connection: smtplib.SMTP = smtplib.SMTP_SSL(
                    host, port, timeout=SECONDS, context=context
                )
            else:
                connection = smtplib.SMTP(host, port, timeout=SECONDS)
            with connection:
                if server.scheme == "smtp+starttls":
                    connection.starttls(context=context)
                if server.username:
                    connection.login(unquote(server.username), unquote(server.password or ""))
                connection.send_message(self._message(to, due, now))
        except (OSError, smtplib.SMTPException) as error:
            raise PostError(_told(error)) from error

    def _message(self, to: str, due: Sequence[Due], now: datetime) -> EmailMessage:
        name = self.centre.name.get("vi")
        message = EmailMessage()
        message["From"], message["To"] = self.settings.mail_from, to
        message["Subject"] = say("alert.subject", n=integer(len(due)), centre=verbatim(name)).get(
            "vi"
        )
        message["Date"] = format_datetime(now)
        numbers = "-".join(str(one.number) for one in due)
        named = hashlib.sha256(f"{self.centre.id} {numbers}".encode()).hexdigest()[:32]
        message["Message-ID"] = f"<{named}@{self.settings.mail_from.rpartition('@')[2]}>"
        lines = [name, "", *(f"- {self._line(one)}" for one in due), ""]
        lines.append(f"{self.settings.address}/alerts")
        message.set_content("\n".join(lines))
        return message

    def _line(self, due: Due) -> str:
        alert = due.alert
        since = say("alert.since", moment=moment(alert.begun_at, self.centre)).get("vi")
        parts = [sentence(alert, self.centre).get("vi"), since]
        if alert.ended_at is not None:
            ended = moment(alert.ended_at, self.centre)
            parts.append(say("alert.until", moment=ended).get("vi"))
        return " ".join(parts)

    def webhook(self, due: Due, now: datetime) -> None:
        """Post an alert as signed JSON. Raises PostError."""
        alert = due.alert
        said = sentence(alert, self.centre)
        name = f"{self.centre.id}-{alert.number}"
        ended = alert.ended_at and alert.ended_at.isoformat(timespec="seconds")
        body = orjson.dumps(
            {
                "id": name,
                "centre": self.centre.id,
                "rule": alert.rule,
                "text": {"vi": said.get("vi"), "en": said.get("en")},
                "begun_at": alert.begun_at.isoformat(timespec="seconds"),
                "ended_at": ended,
            }
        )
        headers = {
            "content-type": "application/json",
            "hailong-alert": name,
            "hailong-signature": signature(
                self.settings.webhook_secret.get_secret_value(), body, int(now.timestamp())
            ),
        }
        url = self.settings.webhook_url
        is_here = urlsplit(url).hostname in LOCAL
        try:
            with (
                httpx2.Client(timeout=SECONDS, trust_env=not is_here) as client,
                # Not read: what it answers may be without an end.
                client.stream("POST", url, content=body, headers=headers) as response,
            ):
                if not response.is_success:
                    raise PostError(f"HTTP {response.status_code}")
        except (httpx2.HTTPError, OSError) as error:
            raise PostError(_told(error)) from error


def signature(secret: str, body: bytes, at: int) -> str:
    """What proves that a body was sent by us at a time, in seconds since 1970.

    ``t=TIME,v1=HEX``: HMAC-SHA256 (RFC 2104) of the time, a full stop and the body.
    """
    made = hmac.new(secret.encode(), b"%d." % at + body, hashlib.sha256)
    return f"t={at},v1={made.hexdigest()}"


def _told(error: BaseException) -> str:
    """The other side's reason in one line, or UNREACHABLE where it gave none."""
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        words = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        return " ".join(f"{error.smtp_code} {words}".split())
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, reason = next(iter(error.recipients.values()))
        return " ".join(f"{code} {reason.decode('utf-8', 'replace')}".split())
    log.warning("alerts: %s %s", type(error).__name__, error)
    return UNREACHABLE
