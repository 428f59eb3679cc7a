"""A small OpenID Connect provider with real keys, which can be told to do wrong.

As a program it serves until it is ended: ``python -m tests.oidc_provider PORT``.
"""

import base64
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlencode

import httpx2
import uvicorn
from authlib.oauth2.rfc7636 import (  # type: ignore[import-untyped]
    create_s256_code_challenge,
)
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.programs import free_port

ROOT = Path(__file__).resolve().parents[1]
CLIENT, SECRET = "hailong", "bí mật/của máy"


@contextmanager
def running() -> Iterator[str]:
    """The address of a provider that runs as a process of its own."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "tests.oidc_provider", str(port)], cwd=ROOT)
    address = f"http://127.0.0.1:{port}"
    transport = httpx2.HTTPTransport(retries=12)  # waits longer each time, until it listens
    try:
        with httpx2.Client(transport=transport) as client:
            assert client.get(f"{address}/keys").status_code == 200
        yield address
    finally:
        process.kill()
        process.wait()


def make_provider(issuer: str) -> Starlette:
    """Signs everybody in as the subject that was set by POST /set; so are the faults.

    Faults: ``nonce``, ``aud``, ``iss`` replace a claim, ``exp`` is in seconds from now,
    ``alien`` signs with a key that is not published, ``none`` does not sign at all.
    """
    key, alien = RSAKey.generate_key(2048), RSAKey.generate_key(2048)
    codes: dict[str, dict[str, str]] = {}
    wanted: dict[str, Any] = {"sub": "an"}

    async def configure(request: Request) -> Response:
        wanted.clear()
        wanted.update(await request.json())
        return Response()

    async def discovery(_: Request) -> Response:
        paths = {"authorization_endpoint": "authorize", "token_endpoint": "token"}
        addresses = {name: f"{issuer}/{path}" for name, path in paths.items()}
        return JSONResponse({"issuer": issuer, "jwks_uri": f"{issuer}/keys", **addresses})

    async def keys(_: Request) -> Response:
        return JSONResponse({"keys": [key.as_dict(private=False)]})

    async def authorize(request: Request) -> Response:
        asked = dict(request.query_params)
        if asked.get("client_id") != CLIENT or asked.get("code_challenge_method") != "S256":
            return Response(status_code=400)
        code = f"code-{len(codes)}"
        codes[code] = asked
        answer = urlencode({"code": code, "state": asked["state"]})
        return RedirectResponse(f"{asked['redirect_uri']}?{answer}", 302)

    async def token(request: Request) -> Response:
        body = parse_qs((await request.body()).decode())
        form = {name: values[0] for name, values in body.items()}
        asked = codes.pop(str(form.get("code")), None)  # a code works once
        verifier = str(form.get("code_verifier"))
        if (
            asked is None
            or request.headers.get("authorization") != _basic()
            or form.get("redirect_uri") != asked["redirect_uri"]
            or create_s256_code_challenge(verifier) != asked["code_challenge"]
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {
            "iss": wanted.get("iss", issuer),
            "aud": wanted.get("aud", CLIENT),
            "sub": wanted["sub"],
            "email": "quan_ly@example.vn",
            "preferred_username": "quan_ly",
            "nonce": wanted.get("nonce", asked["nonce"]),
            "iat": now - 5,
            "exp": now + wanted.get("exp", 300),
        }
        signed = jwt.encode({"alg": "RS256"}, claims, alien if wanted.get("alien") else key)
        if wanted.get("none"):
            header = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
            signed = f"{header}.{signed.split('.')[1]}."
        return JSONResponse({"id_token": signed, "access_token": "x", "token_type": "Bearer"})

    return Starlette(
        routes=[
            Route("/.well-known/openid-configuration", discovery),
            Route("/keys", keys),
            Route("/authorize", authorize),
            Route("/token", token, methods=["POST"]),
            Route("/set", configure, methods=["POST"]),
        ]
    )


def _basic() -> str:
    pair = f"{quote(CLIENT, safe='')}:{quote(SECRET, safe='')}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


if __name__ == "__main__":
    port = int(sys.argv[1])
    app = make_provider(f"http://127.0.0.1:{port}")
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")
