"""Signing in at the agency's OpenID Connect provider: code flow with PKCE, state and nonce.

Authlib is imported when somebody signs in this way: without a provider it costs no memory.
"""

import base64
import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

import httpx2

from aggregator.settings import Settings
from surveys.messages import MessageError

log = logging.getLogger("aggregator.oidc")

SECONDS = 10.0  # for each answer of the provider
LEEWAY = 60  # seconds that its clock may differ from ours
# Signatures with a key that only the provider has: never "none", never a shared secret.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]


class OidcError(MessageError):
    """A sign-in that did not succeed; nobody was signed in. What is wrong is in the log."""

    section = "oidc."


@dataclass(frozen=True)
class Attempt:
    """One way to the provider and back, made of one secret that the browser keeps meanwhile.

    Each value is a hash of its own, so that none tells another one.
    """

    secret: str

    def _derived(self, use: str) -> str:
        digest = hashlib.sha256(f"{use} {self.secret}".encode()).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    @property
    def state(self) -> str:
        return self._derived("state")

    @property
    def nonce(self) -> str:
        return self._derived("nonce")

    @property
    def verifier(self) -> str:
        return self._derived("verifier")


class Provider:
    """The provider that the settings name."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime]) -> None:
        self._issuer = settings.oidc_issuer
        self._client = settings.oidc_client_id
        self._secret = settings.oidc_client_secret.get_secret_value()
        self._back = f"{settings.address}/oidc/callback"
        self._clock = clock

    async def address(self, attempt: Attempt) -> str:
        """Where the browser is sent to sign in. Raises OidcError."""
        from authlib.oauth2.rfc7636 import (  # type: ignore[import-untyped]
            create_s256_code_challenge,
        )

        async with self._connection() as client:
            known = await self._discovered(client)
        asked = {
            "response_type": "code",
            "client_id": self._client,
            "redirect_uri": self._back,
            "scope": "openid",
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": create_s256_code_challenge(attempt.verifier),
            "code_challenge_method": "S256",
        }
        address = str(known["authorization_endpoint"])
        return f"{address}{'&' if '?' in address else '?'}{urlencode(asked)}"

    async def identity(self, attempt: Attempt, code: str) -> str:
        """Who signed in, as tables.User has it: issuer and subject. Raises OidcError."""
        async with self._connection() as client:
            known = await self._discovered(client)
            asked = {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": self._back,
                "code_verifier": attempt.verifier,
            }
            authority = (quote(self._client, safe=""), quote(self._secret, safe=""))
            tokens = await _json(
                client.post(str(known["token_endpoint"]), data=asked, auth=authority)
            )
            keys = await _json(client.get(str(known["jwks_uri"])))
        return f"{self._issuer} {self._subject(tokens, keys, attempt.nonce)}"

    def _subject(self, tokens: dict[str, Any], keys: dict[str, Any], nonce: str) -> str:
        """The subject of a verified ID token: signature, issuer, audience, times and nonce."""
        from authlib.oidc.core import CodeIDToken  # type: ignore[import-untyped]
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        required = {
            "iss": {"essential": True, "value": self._issuer},
            "aud": {"essential": True, "value": self._client},
            "nonce": {"essential": True, "value": nonce},
            "sub": {"essential": True},
            "exp": {"essential": True},
        }
        try:
            key_set = KeySet.import_key_set(keys)  # type: ignore[arg-type]
            token = jwt.decode(str(tokens.get("id_token")), key_set, algorithms=ALGORITHMS)
            claims = CodeIDToken(
                token.claims,
                token.header,
                required,
                {
                    "nonce": nonce,
                    "client_id": self._client,
                    "access_token": tokens.get("access_token"),
                },
            )
            claims.validate(now=int(self._clock().timestamp()), leeway=LEEWAY)
        except (JoseError, ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("the ID token was refused: %s", error)
            raise OidcError("refused") from None
        subject = claims["sub"]
        # Bounds of the specification: 255 characters of ASCII.
        if not (isinstance(subject, str) and subject.isascii() and 0 < len(subject) <= 255):
            raise OidcError("refused")
        return subject

    def _connection(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(timeout=SECONDS, follow_redirects=False)

    async def _discovered(self, client: httpx2.AsyncClient) -> dict[str, Any]:
        """What the provider says of itself. Raises OidcError."""
        known = await _json(client.get(f"{self._issuer}/.well-known/openid-configuration"))
        # Another issuer there could hand out tokens of its own (mix-up).
        if str(known.get("issuer")).rstrip("/") != self._issuer:
            log.warning("the provider calls itself %s", str(known.get("issuer"))[:200])
            raise OidcError("refused")
        if not {"authorization_endpoint", "token_endpoint", "jwks_uri"} <= known.keys():
            log.warning("the provider does not name all its addresses")
            raise OidcError("refused")
        return known


async def _json(asking: Any) -> dict[str, Any]:
    """The JSON object of an answer. Raises OidcError."""
    try:
        answer = await asking
        found = answer.json() if answer.status_code == 200 else None
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        log.warning("the provider does not answer: %s", type(error).__name__)
        raise OidcError("down") from None
    if not isinstance(found, dict):
        log.warning("the provider answers %s", answer.status_code)
        raise OidcError("refused" if 400 <= answer.status_code < 500 else "down")
    return found
