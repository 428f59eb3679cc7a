"""The script that opens the touch screen's browser waits for the kiosk's own word."""

import os
import subprocess
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.conftest import Servers
from tests.programs import ROOT

SCRIPT = ROOT / "deploy" / "kiosk-browser.sh"


@pytest.mark.parametrize("last", [200, 503])
def test_the_browser_is_opened_when_the_kiosk_has_said_its_status(
    serve: Servers, tmp_path: Path, last: int
) -> None:
    answers = iter([502, 404, last])
    given: list[int] = []

    async def status(request: Request) -> Response:
        given.append(next(answers))
        return Response(status_code=given[-1])

    address = serve(Starlette(routes=[Route("/status", status)])) + "/"
    chromium = tmp_path / "bin" / "chromium"
    chromium.parent.mkdir()
    chromium.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    chromium.chmod(0o755)
    done = subprocess.run(
        ["sh", SCRIPT],
        env={
            "PATH": f"{chromium.parent}:{os.environ['PATH']}",
            "RUNTIME_DIRECTORY": str(tmp_path),
            "HAILONG_KIOSK_URL": address,
            "no_proxy": "*",
        },
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert given == [502, 404, last]
    assert done.stdout.splitlines()[-1] == address
    assert "--kiosk" in done.stdout.splitlines()
