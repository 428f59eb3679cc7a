"""Restores the newest copies into an empty place and looks whether they are whole, once a month.

How it went lies beside the copies in ``drill.json``, from which the aggregator tells who should
know. Standard library only, but for the commands of the program that it calls.
"""

import argparse
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

if (HERE := str(Path(__file__).resolve().parents[1])) not in sys.path:
    sys.path.insert(0, HERE)

from deploy.backup import note, reason_of
from deploy.restore import RefusedError, restore_postgresql, restore_sqlite

ROOT = Path(__file__).parents[1]
DATED = re.compile(r"(.+)-\d{8}T\d{6}Z\.(db|dump)")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Try whether the backups can be restored.")
    parser.add_argument("folder", type=Path, help="folder of the copies")
    parser.add_argument(
        "--also",
        default=os.environ.get("HAILONG_BACKUP_ALSO", ""),
        help="where they went besides, and are fetched from (default HAILONG_BACKUP_ALSO)",
    )
    parser.add_argument(
        "--scratch",
        default=os.environ.get("HAILONG_DRILL_DATABASE", ""),
        help="address of an empty PostgreSQL database for dumps; without one they are read through",
    )
    options = parser.parse_args(arguments)
    failed = 0
    with TemporaryDirectory(prefix="hailong-drill-") as place:
        try:
            copies = newest(fetched(options.also, Path(place)) if options.also else options.folder)
            for copy in copies:
                try_out(copy, Path(place), options.scratch)
                print(f"{copy.name}: whole")
            if not copies:
                raise RefusedError("no copy was found")
        except (OSError, RefusedError, sqlite3.Error, subprocess.CalledProcessError) as error:
            print(f"{reason_of(error)}", file=sys.stderr)
            failed = 1
    note(options.folder, "drill", not failed)
    return failed


def fetched(destination: str, place: Path) -> Path:
    """A folder with the copies that lie on the other machine."""
    folder = place / "fetched"
    if destination.startswith("restic:"):
        repository = destination.removeprefix("restic:")
        command = ["restic", "--quiet", "--repo", repository, "restore", "latest"]
        command += ["--tag", "hailong", "--target", str(folder)]
    else:
        command = ["rsync", "--archive", f"{destination.rstrip('/')}/", f"{folder}/"]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return folder


def newest(folder: Path) -> list[Path]:
    """The newest copy of each database, wherever in the folder it lies."""
    found: dict[str, Path] = {}
    for file in sorted(folder.rglob("*"), key=lambda file: file.name):
        if dated := DATED.fullmatch(file.name):
            found[dated[1]] = file
    return list(found.values())


def try_out(copy: Path, place: Path, scratch: str) -> None:
    """Restore one copy. Raises RefusedError, sqlite3.Error or CalledProcessError."""
    if copy.suffix == ".dump":
        if scratch:
            restore_postgresql(copy, scratch)
            look_through(scratch)
        else:
            subprocess.run(["pg_restore", "--file", os.devnull, copy], check=True)  # noqa: S607
        return
    target = place / f"{copy.stem}.sqlite3"
    restore_sqlite(copy, target, instead=False)
    with closing(sqlite3.connect(target)) as opened:
        tables = {name for (name,) in opened.execute("SELECT name FROM sqlite_schema")}
    if "submission" not in tables:  # an outbox, or the people of a province
        return
    look_through(f"sqlite:///{target}")


def look_through(url: str) -> None:
    """Let the program look at a restored database: ``verify``, and count it again."""
    environment = os.environ | {"HAILONG_DATABASE_URL": url}
    environment.pop("HAILONG_PROVINCE", None)
    python = str(ROOT / ".venv" / "bin" / "python")
    for command in ("migrate", "verify", "rebuild"):
        subprocess.run(
            [python, "-m", "aggregator", command],
            check=True,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
        )


if __name__ == "__main__":
    sys.exit(main())
