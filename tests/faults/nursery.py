"""Starts kiosks and aggregators as processes of their own, in a fifth of a second each.

They are forked from a process that has imported them and then run ``serve`` as from the command
line. Only the kiosk's waits are shorter, so that a schedule takes a second instead of minutes.
"""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, NoReturn

ROOT = Path(__file__).parents[2]
Room = Literal["kiosk", "aggregator"]
# Debian's faketime: a process has its own system clock, as every library in it sees it.
FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)

KIOSK_PAUSE = 0.1  # seconds at most between two attempts to deliver, in place of five minutes
KIOSK_PATIENCE = 0.8  # seconds that it waits for receipts, in place of half a minute


class Nursery:
    """A process of one room's program, from which others are forked.

    Root's right to read and write any file is taken from it, so that a read-only file is one.
    """

    def __init__(self, room: Room, *, astray: bool = False) -> None:
        """``astray``: what it starts may have a clock of its own, which makes each start slower."""
        self._room = room
        self._astray: Nursery | None = None  # where those come from whose clock is wrong
        self._theirs: set[int] = set()
        command = [sys.executable, "-m", "tests.faults.nursery", room]
        if os.geteuid() == 0:
            command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *command]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("HAILONG_")}
        if astray:
            environment |= {"LD_PRELOAD": str(FAKETIME), "FAKETIME": "+0", "NO_FAKE_STAT": "1"}
            environment |= {"FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_NO_CACHE": "1"}
        # numpy's own threads would not live in what is forked.
        environment |= {"OPENBLAS_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
        self._lock = threading.Lock()
        self._mother = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for who runs the schedules
        )

    def start(self, log: Path, ahead: int = 0, **settings: object) -> int:
        """Fork a program with these settings, which writes to ``log``; returns its process id.

        Its clock is ``ahead`` by so many seconds; without faketime that of a kiosk alone.
        """
        if ahead and FAKETIME is not None:
            with self._lock:
                self._astray = self._astray or Nursery(self._room, astray=True)
            pid = self._astray.fork(log, ahead, settings)
            self._theirs.add(pid)
            return pid
        return self.fork(log, ahead, settings)

    def fork(self, log: Path, ahead: int, settings: Mapping[str, object]) -> int:
        """Fork a program from this very process."""
        given = {f"HAILONG_{name.upper()}": str(value) for name, value in settings.items()}
        return self._ask({"start": given, "log": str(log), "ahead": ahead})

    def wait(self, pid: int) -> int:
        """Wait for the end of a program; returns how it ended, as of os.waitpid."""
        if pid in self._theirs and self._astray is not None:
            self._theirs.discard(pid)
            return self._astray.wait(pid)
        return self._ask({"wait": pid})

    def close(self) -> None:
        """End it and all that still live of what it started."""
        if self._astray is not None:
            self._astray.close()
        if self._mother.stdin is not None and self._mother.stdout is not None:
            self._mother.stdin.close()
            self._mother.wait(30)
            self._mother.stdout.close()

    def _ask(self, order: dict[str, object]) -> int:
        with self._lock:
            assert self._mother.stdin is not None
            assert self._mother.stdout is not None
            self._mother.stdin.write(json.dumps(order) + "\n")
            self._mother.stdin.flush()
            answer = self._mother.stdout.readline()
        assert answer, f"the nursery ended with {self._mother.poll()}"
        return int(answer)


def main(room: str) -> None:
    """Do what is asked for on standard input, a line each; at its end kill what still lives."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # nothing that is imported may speak where the answers go
    serve = _prepared(room)
    living: set[int] = set()
    for line in sys.stdin:
        order = json.loads(line)
        if pid := order.get("wait"):
            _, answer = os.waitpid(pid, 0)
            living.discard(pid)
        else:
            answer = os.fork()
            if answer == 0:
                _run(serve, order)
            living.add(answer)
        print(answer, file=answers, flush=True)
    for pid in living:
        os.kill(pid, signal.SIGKILL)


def _prepared(room: str) -> Callable[[int], int]:
    """The command of the room, once everything that it needs has been imported."""
    program: Any = import_module(f"{room}.__main__")
    if room == "kiosk":
        uploader: Any = import_module("kiosk.uploader")
        uploader.LONGEST_PAUSE, uploader.REQUEST_SECONDS = KIOSK_PAUSE, KIOSK_PATIENCE
        uploader.release()
        _warm_up_kiosk()
    else:
        _warm_up_aggregator()

    def serve(ahead: int) -> int:
        if ahead and FAKETIME is None:
            return _serve_astray(timedelta(seconds=ahead))
        return int(program.main(["serve"]))

    return serve


def _serve_astray(ahead: timedelta) -> int:
    """A kiosk whose clock is wrong."""
    import serving
    from kiosk.app import create_app
    from kiosk.settings import Settings

    settings = Settings.from_env()
    app = create_app(settings, clock=lambda: datetime.now(UTC) + ahead)
    return serving.serve(app, settings.host, settings.port)


def _warm_up_kiosk() -> None:
    """Build a kiosk and a client once: what is imported late is there."""
    import httpx2

    from kiosk.app import create_app
    from kiosk.settings import Settings

    folder = tempfile.mkdtemp()
    create_app(Settings(var=Path(folder))).state.context.outbox.close()
    httpx2.Client(trust_env=False).close()
    shutil.rmtree(folder)


def _warm_up_aggregator() -> None:
    """Build an aggregator once: templates are compiled, and what is imported late is there."""
    from aggregator.commands.running import run_migrate  # noqa: F401
    from aggregator.dashboard.app import create_app
    from aggregator.settings import Settings

    folder = tempfile.mkdtemp()
    app = create_app(Settings(var=Path(folder)))
    app.state.context.pages.prepare()
    app.state.context.store.close()
    shutil.rmtree(folder)


def _run(serve: Callable[[int], int], order: dict[str, Any]) -> NoReturn:
    """In the child: become the program."""
    os.environ.update(order["start"])
    if ahead := order["ahead"]:
        os.environ["FAKETIME"] = f"{ahead:+d}"  # read by libfaketime at every look at the clock
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for target, source in ((0, nothing), (1, log), (2, log)):
        os.dup2(source, target)
    os.closerange(3, 64)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    status = 70
    try:
        status = serve(order["ahead"])
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(status)


if __name__ == "__main__":
    main(sys.argv[1])
