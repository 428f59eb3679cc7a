"""Puts a copy of a database back in its place, checked; what is there is kept. See README.md here.

Standard library only: it must run even where the virtual environment is broken.
"""

import argparse
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

if (HERE := str(Path(__file__).resolve().parents[1])) not in sys.path:
    sys.path.insert(0, HERE)

from deploy.backup import reason_of


class RefusedError(Exception):
    """What keeps a copy from being put back; nothing was changed."""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Put a copy of a database back.")
    parser.add_argument("copy", type=Path, help="a file of backup.py, .db or .dump")
    parser.add_argument(
        "target", help="the SQLite file, or the postgresql:// address of an empty database"
    )
    parser.add_argument(
        "--instead", action="store_true", help="put it in the place of a file that is there"
    )
    options = parser.parse_args(arguments)
    try:
        if options.copy.suffix == ".dump":
            restore_postgresql(options.copy, options.target)
            kept = None
        else:
            kept = restore_sqlite(options.copy, Path(options.target), instead=options.instead)
    except (OSError, RefusedError, sqlite3.Error, subprocess.CalledProcessError) as error:
        print(f"{options.copy}: {reason_of(error)}", file=sys.stderr)
        return 1
    print(f"{options.copy} is restored" + (f"; what was there is {kept}" if kept else ""))
    return 0


def restore_sqlite(copy: Path, target: Path, *, instead: bool) -> Path | None:
    """Put a copy in the place of a file; returns where what was there is now.

    Raises RefusedError where a file is there and ``instead`` is not said, where somebody has it
    open, or where the copy is damaged.
    """
    with closing(sqlite3.connect(f"file:{copy}?mode=ro&immutable=1", uri=True)) as opened:
        verdict = opened.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if verdict != "ok":
        raise RefusedError(f"damaged: {verdict}")
    if target.exists() and not instead:
        raise RefusedError(f"{target} is there; to put the copy in its place say --instead")
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f"{target.name}.restoring")
    shutil.copyfile(copy, draft)
    draft.chmod(0o600)
    kept = None
    try:
        if target.exists():
            like = target.stat()
            shutil.chown(draft, like.st_uid, like.st_gid)
            refuse_in_use(target)
            now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
            names = (f"{target.name}.before-{now}{more}" for more in ("", "-2", "-3", "-4"))
            kept = next(one for one in map(target.with_name, names) if not one.exists())
            # The log belongs to the old file: beside the new one it would damage it.
            for end in ("-wal", "-shm", ""):
                if (old := target.with_name(target.name + end)).exists():
                    old.rename(kept.with_name(kept.name + end))
        draft.rename(target)
    finally:
        draft.unlink(missing_ok=True)
    return kept


def refuse_in_use(target: Path) -> None:
    """Raise RefusedError where another process has a SQLite file open."""
    try:
        with closing(sqlite3.connect(target, timeout=1, isolation_level=None)) as own:
            own.execute("PRAGMA locking_mode = EXCLUSIVE")
            own.execute("BEGIN EXCLUSIVE")
            own.execute("ROLLBACK")
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise RefusedError(f"{target} is in use: stop its service first") from error
        # It is damaged, which is why a copy is put back.


def restore_postgresql(copy: Path, url: str) -> None:
    """Fill an empty database with a dump, all or nothing. Raises RefusedError for another one."""
    url = re.sub(r"^postgresql\+psycopg:", "postgresql:", url)
    count = "SELECT count(*) FROM pg_tables WHERE schemaname !~ '^(pg_|information_schema)'"
    asked = subprocess.run(
        ["psql", "--no-psqlrc", "--tuples-only", "--command", count, url],  # noqa: S607
        check=True,
        capture_output=True,
        text=True,
    )
    if asked.stdout.strip() != "0":
        raise RefusedError(f"the database has {asked.stdout.strip()} tables; give an empty one")
    options = ["--no-owner", "--exit-on-error", "--single-transaction", f"--dbname={url}"]
    subprocess.run(["pg_restore", *options, copy], check=True)  # noqa: S607


if __name__ == "__main__":
    sys.exit(main())
