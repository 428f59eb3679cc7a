"""Real processes to measure: an aggregator on a fresh database, its memory, its token."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

from tests.programs import free_port

ACCOUNT = "bench"
ROOT = Path(__file__).resolve().parents[2]
MANAGER = ("--role", "manager", "--no-password")
CENTRE = ROOT / "deploy" / "lai_chau.toml"

# Runs a command from a small process: the peak memory that the system reports of a child
# includes what its parent held when it forked.
MEASURE = """
import resource, subprocess, sys, time
began = time.perf_counter()
status = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
held = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e6
print(time.perf_counter() - began, held)
sys.exit(status)
"""


@dataclass(frozen=True)
class Aggregator:
    url: str
    token: str
    pid: int
    var: Path
    root: Path = ROOT  # of the files that it runs from

    @property
    def database(self) -> Path:
        return self.var / "aggregator" / "hailong.sqlite3"

    def sign_in_link(self) -> str:
        """The path of a link that signs a manager in, once."""
        environment = environment_of(self.var, urlsplit(self.url).port or 0)
        link = command(environment, "aggregator", "user", "link", ACCOUNT, root=self.root)
        return urlsplit(link).path

    @property
    def resident(self) -> float:
        """Resident memory in MB (10^6 bytes)."""
        return resident(self.pid)


def resident(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def processor(pid: int) -> float:
    """Seconds that a process has had a processor, whatever else the machine has to do."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def command(environment: dict[str, str], *words: str, root: Path = ROOT) -> str:
    """The last line that ``python -m WORDS`` prints, run from the files in ``root``."""
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=root,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return (done.stdout.splitlines() or [""])[-1]


def measured(environment: dict[str, str], *words: str) -> tuple[float, float]:
    """Seconds of ``python -m WORDS`` from start to end, and MB (10^6 bytes) at its peak."""
    line = [sys.executable, "-c", MEASURE, sys.executable, "-m", *words]
    done = subprocess.run(
        line, cwd=ROOT, env=environment, check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr}")
    seconds, held = map(float, done.stdout.split())
    return seconds, held


def environment_of(
    var: Path, port: int, centre: Path | None = None, root: Path = ROOT
) -> dict[str, str]:
    """The settings of a server; without a ``centre`` file the sample one."""
    return {
        **os.environ,
        "HAILONG_VAR": str(var),
        "HAILONG_PORT": str(port),
        "HAILONG_DATABASE_URL": "",
        "HAILONG_CENTRE": str(centre or root / CENTRE.relative_to(ROOT)),
        "HAILONG_DDCI": str(root / "deploy" / "ddci.toml"),
    }


@contextmanager
def kiosk(var: Path, counting: Aggregator) -> Iterator[tuple[int, int]]:
    """A kiosk at a counter, a process that delivers to an aggregator: its port and its pid."""
    port = free_port()
    environment = environment_of(var, port) | {
        "HAILONG_AGGREGATOR_URL": counting.url,
        "HAILONG_DEVICE_TOKEN": counting.token,
        "HAILONG_COUNTER": "q05",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "kiosk", "serve"],
        cwd=ROOT,
        env=environment,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/status")
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def aggregator(
    folder: Path | None = None, centre: Path | None = None, root: Path = ROOT
) -> Iterator[Aggregator]:
    """A served aggregator; on the database of a folder, or on an empty one that is removed.

    ``root`` has the files that it runs from.
    """
    with tempfile.TemporaryDirectory(dir=ROOT / "var") as fresh:
        var, port = folder or Path(fresh), free_port()
        environment = environment_of(var, port, centre, root)
        command(environment, "aggregator", "migrate", root=root)
        token = command(environment, "aggregator", "device", "add", f"bench {port}", root=root)
        command(environment, "aggregator", "user", "add", ACCOUNT, *MANAGER, root=root)
        process = subprocess.Popen(
            [sys.executable, "-m", "aggregator", "serve"], cwd=root, env=environment
        )
        try:
            url = f"http://127.0.0.1:{port}"
            wait_for(f"{url}/health")
            yield Aggregator(url, token, process.pid, var, root)
        finally:
            process.terminate()
            process.wait(30)


@contextmanager
def bare_starlette() -> Iterator[str]:
    """The address of a served tests/bench/bare.py."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "tests.bench.bare", str(port)], cwd=ROOT)
    try:
        wait_for(f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def wait_for(address: str, seconds: float = 30) -> None:
    """Until a server answers. Raises TimeoutError."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            with urlopen(address):
                return
        except (URLError, ConnectionError):
            time.sleep(0.05)
    raise TimeoutError(address)
