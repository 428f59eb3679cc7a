"""A kiosk process killed between send and receipt: every rating counts once."""

import asyncio
import os
import subprocess
import sys
import threading
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest
from starlette.requests import Request
from starlette.responses import Response

from surveys.definition import load_surveys
from tests.conftest import Servers
from tests.kiosk.conftest import CENTRE, ROOT, StandIn
from tests.programs import free_port


class Silent(StandIn):
    """Takes the first batch and never answers."""

    def __init__(self) -> None:
        super().__init__()
        self.took = threading.Event()
        self.killed = threading.Event()
        self.silent = True

    async def submissions(self, request: Request) -> Response:
        answer = await super().submissions(request)
        if self.silent:
            self.took.set()
            await asyncio.to_thread(self.killed.wait, 30)
        return answer


@pytest.mark.skipif(os.name != "posix", reason="kills a process")
def test_a_kill_between_send_and_receipt_counts_once(serve: Servers, tmp_path: Path) -> None:
    aggregator, port = Silent(), free_port()
    environment = os.environ | {
        "HAILONG_CENTRE": str(CENTRE),
        "HAILONG_VAR": str(tmp_path),
        "HAILONG_AGGREGATOR_URL": serve(aggregator.app),
        "HAILONG_COUNTER": "q05",
        "HAILONG_PORT": str(port),
    }
    command = [sys.executable, "-m", "kiosk", "serve"]
    address = f"http://127.0.0.1:{port}"
    fields = {"fingerprint": load_surveys()["in_centre"].fingerprint, "visit": str(uuid4())}
    transport = httpx2.HTTPTransport(retries=20)  # with growing pauses: the server is starting
    with httpx2.Client(transport=transport) as client:
        for run in (1, 2):
            process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True
            )
            try:
                assert client.get(f"{address}/").status_code == 200
                if run == 1:
                    answer = client.post(f"{address}/rate", data={**fields, "rating": "4"})
                    assert answer.status_code == 303
                    client.post(f"{address}/follow-up", data={**fields, "then": "done"})
                    assert aggregator.took.wait(20)
                    process.kill()
                    aggregator.killed.set()
                else:
                    standings = (client.get(f"{address}/status").json() for _ in range(5000))
                    assert any(one["pending"] == 0 for one in standings)
                    # And the same tap once more, as a browser with a lost answer would.
                    client.post(f"{address}/rate", data={**fields, "rating": "4"})
                    assert client.get(f"{address}/status").json()["pending"] == 0
                    process.terminate()
                process.communicate(timeout=20)
            finally:
                process.kill()
                process.communicate()
            aggregator.silent = False
    assert aggregator.calls == 2
    assert len(aggregator.taken) == 1
