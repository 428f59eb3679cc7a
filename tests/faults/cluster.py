"""Two PostgreSQL servers, of which Patroni makes the second one the primary when the first dies.

etcd and Patroni are those of Debian; a commit is acknowledged once both servers have it.
"""

import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from shutil import which
from typing import Any

import httpx2

from tests.postgresql import programs, unprivileged
from tests.programs import free_port

PATRONI = Path("/usr/bin/patroni")
PATIENCE = 60.0  # seconds


def is_installed() -> bool:
    return PATRONI.exists() and which("etcd") is not None and programs() is not None


class Node:
    """One server with its Patroni."""

    def __init__(self, home: Path, name: str, etcd: int, start: "Start") -> None:
        self.port, self.api = free_port(), free_port()
        self._data = home / name
        local = "127.0.0.1"
        trusted = [f"host {what} all {local}/32 trust" for what in ("all", "replication")]
        parameters = {"unix_socket_directories": str(home), "fsync": "off", "max_wal_senders": 5}
        settings: dict[str, Any] = {
            "scope": "hailong",
            "name": name,
            "restapi": {"listen": f"{local}:{self.api}", "connect_address": f"{local}:{self.api}"},
            "etcd3": {"hosts": [f"{local}:{etcd}"]},
            "bootstrap": {
                "dcs": {
                    "ttl": 20,
                    "loop_wait": 1,
                    "retry_timeout": 3,
                    "synchronous_mode": True,
                    "primary_start_timeout": 0,  # never wait for the dead one
                    "postgresql": {"use_pg_rewind": True, "parameters": {"wal_log_hints": "on"}},
                },
                "initdb": [{"encoding": "UTF8"}, {"locale": "C"}, "no-sync"],
            },
            "postgresql": {
                "listen": f"{local}:{self.port}",
                "connect_address": f"{local}:{self.port}",
                "data_dir": str(self._data),
                "bin_dir": str(programs()),
                "pgpass": str(home / f"{name}.pass"),
                "pg_hba": trusted,
                "parameters": parameters,
                "authentication": {
                    who: {"username": user, "password": "x"}
                    for who, user in (
                        ("superuser", "postgres"),
                        ("replication", "replicator"),
                        ("rewind", "rewinder"),
                    )
                },
            },
        }
        file = home / f"{name}.yml"
        file.write_text(json.dumps(settings))  # JSON is YAML, too
        file.chmod(0o644)
        start(name, [str(PATRONI), str(file)])

    def says(self, path: str) -> bool:
        """Whether Patroni answers 200, such as at ``primary`` or ``synchronous``."""
        with suppress(httpx2.TransportError):
            url = f"http://127.0.0.1:{self.api}/{path}"
            return httpx2.get(url, trust_env=False, timeout=5).status_code == 200
        return False

    def kill(self) -> None:
        """SIGKILL the server; its Patroni notices, and brings it back as a standby."""
        pid = int((self._data / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGKILL)


Start = Callable[[str, list[str]], None]


class Cluster:
    """The two nodes and etcd, whose files lie in ``home``."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._identity = unprivileged(home)
        self._running: list[subprocess.Popen[bytes]] = []
        client, peer = free_port(), free_port()
        urls = {"client": f"http://127.0.0.1:{client}", "peer": f"http://127.0.0.1:{peer}"}
        etcd = [
            *("etcd", "--name", "etcd", "--data-dir", str(home / "etcd")),
            *("--listen-client-urls", urls["client"], "--advertise-client-urls", urls["client"]),
            *("--listen-peer-urls", urls["peer"], "--initial-advertise-peer-urls", urls["peer"]),
            *("--initial-cluster", f"etcd={urls['peer']}"),
        ]
        try:
            self._start("etcd", etcd)
            self.nodes = [Node(home, name, client, self._start) for name in ("one", "two")]
            self.until_whole()
        except BaseException:
            self.close()
            raise

    @property
    def url(self) -> str:
        """The address of the database ``postgres`` at whichever node is the primary."""
        hosts = "&".join(f"host=127.0.0.1:{node.port}" for node in self.nodes)
        return (
            f"postgresql+psycopg://postgres@/postgres?{hosts}"
            "&target_session_attrs=read-write&connect_timeout=3"
        )

    def fail_over(self) -> None:
        """Kill the primary, and wait until the other one is it."""
        first = next(node for node in self.nodes if node.says("primary"))
        [other] = [node for node in self.nodes if node is not first]
        first.kill()
        self._until(lambda: other.says("primary"), "no failover")

    def until_whole(self) -> None:
        """Wait until one node is the primary and the other has all that is committed."""

        def is_whole() -> bool:
            return any(a.says("primary") and b.says("synchronous") for a, b in self._pairs())

        self._until(is_whole, "no synchronous standby")

    def close(self) -> None:
        for program in reversed(self._running):
            program.send_signal(signal.SIGTERM)
        for program in reversed(self._running):
            with suppress(subprocess.TimeoutExpired):
                program.wait(15)
            program.kill()
            program.wait()

    def _pairs(self) -> list[tuple[Node, Node]]:
        one, two = self.nodes
        return [(one, two), (two, one)]

    def _start(self, name: str, command: list[str]) -> None:
        with (self._home / f"{name}.log").open("wb") as log:
            started = subprocess.Popen(
                command,
                **self._identity,
                cwd=self._home,
                env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._running.append(started)

    def _until(self, holds: Callable[[], bool], problem: str) -> None:
        for _ in range(int(PATIENCE / 0.2)):
            if holds():
                return
            threading.Event().wait(0.2)
        logs = sorted(self._home.glob("*.log"))
        said = "\n".join(f"--- {log.name}\n{log.read_text('utf-8')[-3000:]}" for log in logs)
        raise AssertionError(f"{problem}\n{said}")
