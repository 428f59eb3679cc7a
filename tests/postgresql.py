"""A private PostgreSQL server, which a test may stop, start and fill."""

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
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

    def __init__(self, home: Path, options: str = WITHOUT_DISK, segment: int = 16) -> None:
        """Make the data, with a log in files of ``segment`` MB.

        Raises PostgresqlError where there is no such program.
        """
        found = programs()
        if found is None:
            raise PostgresqlError(f"no PostgreSQL {OLDEST} or later")
        self._programs, self._home = found, home
        self._log = home / "log"
        self._identity = unprivileged(home)
        self.port = free_port()
        self.small = False  # whether its folder is a disk of its own that can be filled
        self._options = (
            f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={home} "
            f"{options}"
        )
        how = ("-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        self._call("initdb", *how, f"--wal-segsize={segment}")

    @property
    def url(self) -> str:
        """The address of its database ``postgres``."""
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        self._call("pg_ctl", "start", "-w", "-l", str(self._log), "-o", self._options)

    def stop(self) -> None:
        """Stop at once, as where the power fails: the next start recovers from the log."""
        self._call("pg_ctl", "stop", "-w", "-m", "immediate")

    @contextmanager
    def full(self) -> Iterator[None]:
        """Its disk, which is ``small``, has no room left."""
        ballast = self._home / "ballast"
        try:
            with suppress(OSError), ballast.open("wb", buffering=0) as file:
                while file.write(bytes(65_536)):
                    pass
            yield
        finally:
            ballast.unlink(missing_ok=True)

    def use_up_log(self) -> None:
        """Write so much into its log as there is room for; then it ends."""
        with suppress(psycopg.Error), psycopg.connect(self.url.replace("+psycopg", "")) as other:
            other.autocommit = True
            for _ in range(200):
                other.execute("SELECT pg_logical_emit_message(false, 'x', 'x'), pg_switch_wal()")

    def revive(self) -> None:
        """Start it where it has ended by itself; one that recovers is waited for."""
        if (self._home / "data" / "postmaster.pid").exists():
            try:
                self._call("pg_ctl", "status")
            except PostgresqlError:
                pass
            else:
                self._until_open()
                return
        self.start()

    def _until_open(self) -> None:
        for _ in range(300):
            with suppress(psycopg.OperationalError):
                psycopg.connect(self.url.replace("+psycopg", "")).close()
                return
            threading.Event().wait(0.1)
        raise PostgresqlError("it does not open")

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


@contextmanager
def reused(server_url: str, template: str, emptied: list[str], name: str) -> Iterator[str]:
    """The address of a copy of ``template``: one of ``emptied``, or else a new one of this name.

    The template has no rows but that of its version. Emptying a database takes a small part of
    the time that a copy does. One whose schema a test has changed is dropped.
    """
    server = server_url.replace("+psycopg", "").rpartition("/")[0]
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        if emptied:
            name = emptied.pop()
        else:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
    yield f"{server_url.rpartition('/')[0]}/{name}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
        )
        if _is_emptied(f"{server}/{name}", f"{server}/{template}"):
            emptied.append(name)
        else:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def _is_emptied(left: str, template: str) -> bool:
    """Empty a database that a test has left; False where it has not the template's schema."""
    with psycopg.connect(left) as connection:
        if connection.execute(SCHEMA).fetchall() != _schema_of(template):
            return False
        names = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            " AND tablename <> 'alembic_version'"
        ).fetchall()
        connection.execute("SET session_replication_role = replica")  # past what is append-only
        connection.execute("; ".join(f"DELETE FROM {table}" for (table,) in names).encode())
        sequences = connection.execute("SELECT sequencename FROM pg_sequences").fetchall()
        restart = "; ".join(f"ALTER SEQUENCE {each} RESTART" for (each,) in sequences)
        connection.execute(restart.encode())
    return True


@cache
def _schema_of(template: str) -> list[Any]:
    with psycopg.connect(template) as connection:
        return connection.execute(SCHEMA).fetchall()


# Everything that a test may change of a database but its rows, in one order.
SCHEMA = """
SELECT 'schema', nspname, '', '' FROM pg_namespace WHERE nspname NOT LIKE 'pg_%'
UNION ALL SELECT 'role', setrole::text, setconfig::text, '' FROM pg_db_role_setting
    WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
UNION ALL SELECT 'relation', relname, relkind::text, relnatts::text
    FROM pg_class WHERE relnamespace = 'public'::regnamespace
UNION ALL SELECT 'column', attrelid::regclass::text, attname, atttypid::text || attnotnull
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    WHERE relnamespace = 'public'::regnamespace AND attnum > 0
UNION ALL SELECT 'trigger', tgrelid::regclass::text, tgname, tgenabled::text
    FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT 'function', proname, md5(prosrc), '' FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace
ORDER BY 1, 2, 3, 4
"""
