"""A province of a hundred centres: its own page, and a page of one centre against it alone."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from urllib.request import Request, build_opener
from uuid import uuid4

from aggregator.intake.ingest import Ingest, Offer
from aggregator.storage.store import Store
from surveys.centre import load_centre
from surveys.definition import load_surveys
from tests.bench.bench_page import alternate, fill, sign_in
from tests.bench.load import median
from tests.bench.report import Row
from tests.bench.servers import (
    ACCOUNT,
    CENTRE,
    MANAGER,
    ROOT,
    Aggregator,
    aggregator,
    command,
    environment_of,
    processor,
    wait_for,
)
from tests.programs import free_port

CENTRES = 100
RATINGS = 10_000  # of each centre
ROUNDS = 20
FIRST = "c00"


def rows() -> Iterator[Row]:
    with tempfile.TemporaryDirectory(dir=ROOT / "var") as folder:
        home = Path(folder)
        alone = home / "alone"
        fill(alone, load_centre(CENTRE), RATINGS)
        province = _province(home, alone)
        with aggregator(alone) as small, _serving(home, province) as large:
            inside = replace(large, url=f"{large.url}/{FIRST}")
            cookie = sign_in(large)
            opening = _timed(large.url, cookie)
            yield Row(f"province page, {CENTRES} centres, the first, opens them", opening, "s")
            base, page = alternate(small, inside, "/?period=month")
            pairs = [one / other for one, other in zip(page, base, strict=True)]
            yield Row("a centre's page, alone", median(base) * 1000, "ms")
            yield Row(f"… one among {CENTRES}, against it", median(pairs), "ratio", 1.2, "max")
            seconds = [_timed(large.url, cookie) for _ in range(ROUNDS)]
            yield Row("province page", median(seconds) * 1000, "ms", 300, "max")
            spent = -processor(large.pid)
            for _ in range(ROUNDS):
                _timed(large.url, cookie)
            spent += processor(large.pid)
            yield Row("… of which the processor works", spent / ROUNDS * 1000, "ms")
            take = _answers(home)
            seconds = [_timed(large.url, cookie, take) for _ in range(5)]
            yield Row("… after an answer at every centre", median(seconds) * 1000, "ms")
            yield Row("aggregator of the province, resident", large.resident, "MB")


def _province(home: Path, alone: Path) -> Path:
    """A file of centres that have the data of one of them, under names of their own."""
    text = CENTRE.read_text("utf-8").replace("published =", "# published =")
    written = ['name = { vi = "Tỉnh", en = "Province" }']
    vi, en = load_centre(CENTRE).name.vi, load_centre(CENTRE).name.en
    for number in range(CENTRES):
        id = f"c{number:02}"
        (home / f"{id}.toml").write_text(text.replace(vi, f"{vi} {id}").replace(en, f"{en} {id}"))
        written.append(f'[[centres]]\nid = "{id}"\ncentre = "{id}.toml"')
        shutil.copytree(alone, home / id)
    sample = (ROOT / "deploy" / "province.toml").read_text("utf-8")
    written.append(sample[sample.index("[[references]]") :])
    file = home / "province.toml"
    file.write_text("\n".join(written), "utf-8")
    return file


@contextmanager
def _serving(home: Path, province: Path) -> Iterator[Aggregator]:
    port = free_port()
    environment = environment_of(home, port) | {"HAILONG_PROVINCE": str(province)}
    command(environment, "aggregator", "migrate")
    for at in ((), ("--at", FIRST)):
        command(environment, "aggregator", *at, "user", "add", ACCOUNT, *MANAGER)
    process = subprocess.Popen(
        [sys.executable, "-m", "aggregator", "serve"], cwd=ROOT, env=environment
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/metrics")
        yield _Province(f"http://127.0.0.1:{port}", "", process.pid, home)
    finally:
        process.terminate()
        process.wait(30)


class _Province(Aggregator):
    def sign_in_link(self) -> str:
        """The path, below the address, of a link to the province or to the first centre."""
        root, _, at = self.url.partition(f"/{FIRST}")
        environment = environment_of(self.var, int(root.rpartition(":")[2]))
        environment["HAILONG_PROVINCE"] = str(self.var / "province.toml")
        words = ("--at", FIRST) if self.url.endswith(FIRST) else ()
        link = command(environment, "aggregator", *words, "user", "link", ACCOUNT)
        return "/sign-in/" + link.rpartition("/")[2] + at


def _timed(url: str, cookie: str, before: Callable[[], None] | None = None) -> float:
    """Seconds of the province's page, asked for after something was done."""
    if before:
        before()
    began = perf_counter()
    asked = Request(url + "/?period=month", headers={"Cookie": cookie})
    with build_opener().open(asked) as answer:
        if answer.read().count(b"<tr") < 2 * CENTRES:
            raise RuntimeError("not the page of all centres")
    return perf_counter() - began


def _answers(home: Path) -> Callable[[], None]:
    """A function that hands one answer in at each centre."""
    surveys, centre = load_surveys(), load_centre(CENTRE)
    stores = [Store(f"sqlite:///{path}") for path in sorted(home.glob("c*/aggregator/*.sqlite3"))]

    def take() -> None:
        for store in stores:
            item = {
                "id": str(uuid4()),
                "survey": "in_centre",
                "channel": "kiosk",
                "answered_at": datetime.now(UTC).isoformat(),
                "answers": {"rating": 5},
            }
            Ingest(store, surveys, centre).accept([Offer([item], "en")])

    return take
