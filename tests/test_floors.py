"""The floors of the house, read from its imports.

surveys | hosts | qr_images | secret_files < web | serving < kiosk | aggregator < standalone.py,
and the rooms inside aggregator.
"""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
STANDARD = sys.stdlib_module_names

# Each room or file, and the parts of this house that it may import besides itself.
FLOORS = {
    "surveys": set(),
    "hosts.py": set(),
    "qr_images.py": set(),
    "secret_files.py": set(),
    "web.py": {"surveys", "hosts"},
    "serving.py": set(),
    "kiosk": {"surveys", "hosts", "qr_images", "secret_files", "web", "serving"},
    "aggregator": {"surveys", "hosts", "qr_images", "secret_files", "web", "serving"},
    "standalone.py": {
        *("surveys", "hosts", "qr_images", "secret_files", "web", "serving"),
        *("kiosk", "aggregator"),
    },
    "deploy": set(),
}
# The rooms of the aggregator from the ground up: each may import from those before it.
AGGREGATOR = (
    "settings",
    "wording",
    "statistics",
    "indices",
    "storage",
    "organisation",
    "intake",
    "figures",
    "alerts",
    "documents",
    "demo",
    "dashboard",
    "commands",
    "__main__",
)
OWN = {name.removesuffix(".py") for name in FLOORS} | {"tests"}

# The only files that may speak to a database. Those of deploy/ copy SQLite files and count rows.
DATABASE = {"alembic", "psycopg", "sqlalchemy", "sqlite3", "sqlmodel"}
MAY_QUERY = (
    "aggregator/storage/",
    "aggregator/figures/attitude.py",
    "aggregator/figures/respondents.py",
    "kiosk/code_rows.py",
    "kiosk/disk.py",
    "kiosk/drafts.py",
    "kiosk/floods.py",
    "kiosk/numbering.py",
    "kiosk/one_time.py",
    "kiosk/outbox.py",
    "kiosk/rescue.py",
    "deploy/backup.py",
    "deploy/drill.py",
    "deploy/restore.py",
)

# What anyone may hand on or catch: a row's type, an open database, its failure.
HARMLESS = {"sqlalchemy.Row", "sqlalchemy.Engine", "sqlalchemy.exc.SQLAlchemyError"}

# What a counter's small machine must not have to hold in memory.
HEAVY = {
    "altair",
    "numpy",
    "pandas",
    "scipy",
    "sqlalchemy",
    "sqlmodel",
    "statsmodels",
    "vl_convert",
}


def sources(name: str) -> list[Path]:
    path = ROOT / name
    return [path] if path.is_file() else sorted(path.rglob("*.py"))


def imports(source: str, package: str) -> Iterator[tuple[int, str]]:
    """Line and full name of every import, also those inside functions and TYPE_CHECKING."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")
            near = parents[: len(parents) - node.level + 1] if node.level else []
            module = [*near, *filter(None, [node.module])]
            yield from ((node.lineno, ".".join([*module, alias.name])) for alias in node.names)


def imports_of(file: Path) -> Iterator[tuple[str, str]]:
    """Place and imported name, for messages that can be clicked on."""
    relative = file.relative_to(ROOT)
    package = ".".join(relative.parent.parts)
    for line, name in imports(file.read_text("utf-8"), package):
        yield f"{relative}:{line}", name


def first(name: str) -> str:
    return name.partition(".")[0]


def test_relative_imports_are_read_as_what_they_mean() -> None:
    found = imports("from ..kiosk import x\nfrom .store import y\nimport a.b\n", "aggregator.pages")
    assert list(found) == [
        (1, "aggregator.kiosk.x"),
        (2, "aggregator.pages.store.y"),
        (3, "a.b"),
    ]


@pytest.mark.parametrize("part", FLOORS)
def test_a_room_imports_only_from_below(part: str) -> None:
    allowed = FLOORS[part] | {part.removesuffix(".py")}
    broken = [
        f"{place} imports {name}"
        for file in sources(part)
        for place, name in imports_of(file)
        if first(name) in OWN - allowed
    ]
    assert not broken


@pytest.mark.parametrize("room", AGGREGATOR)
def test_inside_the_aggregator_no_arrow_runs_up(room: str) -> None:
    above = set(AGGREGATOR[AGGREGATOR.index(room) + 1 :])
    path = ROOT / "aggregator" / room
    broken = [
        f"{place} imports {name}"
        for file in sources(f"aggregator/{room}" if path.is_dir() else f"aggregator/{room}.py")
        for place, name in imports_of(file)
        if first(name) == "aggregator" and name.split(".")[1] in above
    ]
    assert not broken


def test_every_room_of_the_aggregator_has_a_floor() -> None:
    found = {path.stem for path in (ROOT / "aggregator").iterdir() if path.stem != "__pycache__"}
    assert found - {"__init__", "lean_pandas"} == set(AGGREGATOR)


def test_statistics_and_indices_read_no_file_clock_or_request() -> None:
    """Indices are told their figures' wording; nothing else of the house is known to them."""
    outside = {"aggregator.storage", "aggregator.intake", "datetime", "os", "pathlib", "starlette"}
    broken = [
        f"{place} imports {name}"
        for room in ("statistics", "indices")
        for file in sources(f"aggregator/{room}")
        for place, name in imports_of(file)
        if any(f"{name}.".startswith(f"{one}.") for one in outside)
        and name not in ("datetime.date", "datetime.timedelta")
    ]
    assert not broken


def test_the_shared_language_needs_only_the_standard_library_pydantic_and_orjson() -> None:
    allowed = STANDARD | {"surveys", "pydantic", "pydantic_core", "orjson"}
    broken = [
        f"{place} imports {name}"
        for file in sources("surveys")
        for place, name in imports_of(file)
        if first(name) not in allowed
    ]
    assert not broken


def test_web_knows_nothing_of_surveys_but_their_messages() -> None:
    own = {name for _, name in imports_of(ROOT / "web.py") if first(name) == "surveys"}
    assert {".".join(name.split(".")[:2]) for name in own} == {"surveys.messages"}


def test_only_standalone_joins_kiosk_and_aggregator() -> None:
    files = [file for part in FLOORS for file in sources(part)] + list(ROOT.glob("*.py"))
    joining = {
        str(file.relative_to(ROOT))
        for file in files
        if {"kiosk", "aggregator"} <= {first(name) for _, name in imports_of(file)}
    }
    assert joining <= {"standalone.py"}


def test_only_the_stores_speak_to_a_database() -> None:
    broken = [
        f"{place} imports {name}"
        for part in FLOORS
        for file in sources(part)
        for place, name in imports_of(file)
        if first(name) in DATABASE and name not in HARMLESS and not place.startswith(MAY_QUERY)
    ]
    assert not broken


def test_no_page_style_or_script_names_an_outside_host() -> None:
    """A centre may be offline, and a citizen's browser is nobody else's business."""
    # Names of XML namespaces look like addresses and are never fetched.
    outside = re.compile(
        r"https?://(?!www\.w3\.org/(?:2000/svg|1999/x(?:html|link)))[\w-]"
        r"|(?:src|href|action)\s*=\s*[\"']?//|url\(\s*[\"']?//"
    )
    files = [
        file
        for folder in (
            "kiosk/templates",
            "aggregator/dashboard/templates",
            "static/css",
            "static/js",
        )
        for file in (ROOT / folder).rglob("*")
        if file.is_file()
    ]
    broken = [
        f"{file.relative_to(ROOT)}:{number}: {line.strip()}"
        for file in files
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1)
        if outside.search(line)
    ]
    assert files
    assert not broken


def test_no_file_says_where_packages_are_fetched_from() -> None:
    """Where a province has a mirror of its own, its own pip and npm settings decide."""
    telling = re.compile(r"(?<!no-emit-)index-url|find-links|trusted-host|\"resolved\"\s*:")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git work tree")
    names = [name for name in listed.stdout.decode().split("\0") if name]
    broken = [
        name
        for name in names
        if (file := ROOT / name) != Path(__file__)
        and file.is_file()
        and telling.search(file.read_bytes().decode("utf-8", "ignore"))
    ]
    assert len(names) > 10
    assert not broken


def test_the_kiosk_starts_without_the_libraries_of_statistics() -> None:
    if not (ROOT / "kiosk" / "app.py").exists():
        pytest.skip("kiosk/app.py is not there yet")
    script = "import json, sys, kiosk.app; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert HEAVY.isdisjoint(map(first, json.loads(done.stdout)))
