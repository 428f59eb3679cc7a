"""The real programs as real processes: start, read what they say, stop or kill."""

import os
import random
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

ROOT = Path(__file__).parents[1]
PATIENCE = 60.0  # seconds until a silent program is given up


def free_port() -> int:
    """A port that nobody listens on.

    It lies below the ports that a system gives to outgoing connections (32768 and up on Linux),
    so that none of those takes it before the program that it is for.
    """
    while True:
        port = random.SystemRandom().randrange(15_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("0.0.0.0", port))
            except OSError:
                continue
            return port


@contextmanager
def no_file_grows_beyond(file: Path) -> Iterator[None]:
    """The operating system lets no file become larger than this one is, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


class Program:
    """A running program of ours; all its output is kept, to be shown when a test fails."""

    def __init__(self, *arguments: str, **settings: object) -> None:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("HAILONG_")}
        given = {f"HAILONG_{name.upper()}": str(value) for name, value in settings.items()}
        self.said: list[str] = []
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", *arguments],
            cwd=ROOT,
            env=inherited | given | {"PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )

    def until(self, pattern: str) -> str:
        """Read on until a line has the pattern; returns its first group."""
        assert self._process.stdout is not None
        patience = threading.Timer(PATIENCE, self._process.kill)
        patience.start()
        try:
            for line in self._process.stdout:
                self.said.append(line)
                if found := re.search(pattern, line):
                    return found[1] if found.groups() else found[0]
        finally:
            patience.cancel()
        pytest.fail(f"never said {pattern!r}:\n{''.join(self.said)}", pytrace=False)

    def interrupt(self) -> int:
        """Ctrl-C; returns the exit status."""
        self._process.send_signal(signal.SIGINT)
        return self.wait()

    def kill(self) -> None:
        """SIGKILL: no chance to tidy up."""
        self._process.kill()
        self.wait()

    def wait(self) -> int:
        rest, _ = self._process.communicate(timeout=PATIENCE)
        self.said.append(rest or "")
        return self._process.returncode

    def end(self) -> None:
        if self._process.poll() is None:
            self.kill()
        elif self._process.stdout is not None:
            self._process.stdout.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def output(self) -> str:
        return "".join(self.said)


def hidden(html: str, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    assert found, f"no hidden field {name}"
    return found[1]


def tap(kiosk: str, rating: int, department: str = "so_tu_phap", *, leave: bool = True) -> None:
    """One rating at the lobby's touch screen, as a browser without JavaScript sends it.

    Without ``leave`` the citizen still stands at the thank-you.
    """
    with httpx2.Client(base_url=kiosk, trust_env=False, follow_redirects=True) as client:
        page = client.get(f"/rate/{department}").text
        fields = {name: hidden(page, name) for name in ("visit", "fingerprint", "department")}
        answer = client.post("/rate", data=fields | {"rating": str(rating)})
        assert answer.status_code == 200, answer.text
        assert "Xin cảm ơn" in answer.text
        if leave:
            client.post("/follow-up", data=fields | {"then": "done"})
