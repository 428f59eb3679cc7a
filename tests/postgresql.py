"""A private PostgreSQL server, which a test may stop, start and fill."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from pwd import getpwnam
from typing import Any

import psycopg

from tests.programs import free_port

OLDEST = 15
WITHOUT_DISK = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"


class PostgresqlError(RuntimeError):
    """A program of the server failed; the text is the server's log."""


def programs() -> Path | None:
    """The folder of the newest server that is new enough; None where there is none."""
    folders = list(Path("/usr/lib/postgresql").glob("*/bin"))
    on_path = shutil.which("initdb")
    if on_path is not None:
        folders.append(Path(on_path).resolve().parent)
    found: list[tuple[int, Path]] = []
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            answer = subprocess.run(
                [folder / "postgres", "--version"], capture_output=True, text=True, check=True
            )
            major = answer.stdout.partition(")")[2].strip().partition(".")[0]
            found.append((int(major) if major.isdecimal() else 0, folder))
    fitting = [each for each in found if each[0] >= OLDEST]
    return max(fitting)[1] if fitting else None


def unprivileged(home: Path) -> dict[str, Any]:
    """Who a server runs as, who then owns ``home``: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    try:
        user = getpwnam("postgres")
    except KeyError:
        user = getpwnam("nobody")
    os.chown(home, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


class Postgresql:
    """A server whose data lie in ``home``, an empty folder that its user can enter."""

    def __init__(self, home: Path, options: str = WITHOUT_DISK) -> None:
        """Make the data; raises PostgresqlError where there is no such program."""
        found = programs()
        if found is None:
            raise PostgresqlError(f"no PostgreSQL {OLDEST} or later")
        self._programs, self._home = found, home
        self._log = home / "log"
        self._identity = unprivileged(home)
        self.port = free_port()
        self._options = (
            f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={home} "
            f"{options}"
        )
        self._call(
            "initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"
        )

    @property
    def url(self) -> str:
        """The address of its database ``postgres``."""
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        self._call("pg_ctl", "start", "-w", "-l", str(self._log), "-o", self._options)

    def stop(self) -> None:
        """Stop at once, as where the power fails: the next start recovers from the log."""
        self._call("pg_ctl", "stop", "-w", "-m", "immediate")

    def _call(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self._programs / program), "-D", str(self._home / "data"), *arguments],
            **self._identity,
            cwd=self._home,
            stdin=subprocess.DEVNULL,
            # The server inherits its output from pg_ctl: a pipe here would never end.
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        if done.returncode:
            said = self._log.read_text("utf-8") if self._log.exists() else "(no log)"
            raise PostgresqlError(f"{program} failed\n{said}")


@contextmanager
def database(server_url: str, name: str, template: str) -> Iterator[str]:
    """A PostgreSQL database copied from another one, dropped at the end; yields its address."""
    server = server_url.replace("+psycopg", "")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
    yield f"{server_url.rpartition('/')[0]}/{name}"
    with psycopg.connect(server, autocommit=True) as connection:
        # FORCE ends what a test left connected.
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
