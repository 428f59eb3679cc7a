"""Copies the databases of a running centre into a folder, checked and dated, and from there to
another machine. See README.md here.

Standard library only: it must run even where the virtual environment is broken.
"""

import argparse
import json
import os
import re
import sqlite3
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description="Back up the databases of a centre, while it runs."
    )
    parser.add_argument("--to", type=Path, required=True, help="folder for the copies")
    parser.add_argument(
        "--also",
        default=os.environ.get("HAILONG_BACKUP_ALSO", ""),
        help="where all copies go besides: an rsync destination such as user@host:folder, or "
        "restic:REPOSITORY (default HAILONG_BACKUP_ALSO)",
    )
    parser.add_argument("--keep", type=int, default=30, help="copies kept of each (default 30)")
    parser.add_argument(
        "--var",
        type=Path,
        default=Path(os.environ.get("HAILONG_VAR", "var")),
        help="where to look when no SOURCE is given (default HAILONG_VAR)",
    )
    parser.add_argument(
        "source",
        nargs="*",
        help="an SQLite file or postgresql:// address; without one: every SQLite file "
        "under --var, and HAILONG_DATABASE_URL where that is PostgreSQL",
    )
    options = parser.parse_args(arguments)
    try:
        sources = {one: name_of(one) for one in options.source} or databases(options.var)
    except (OSError, ValueError) as error:
        print(f"HAILONG_PROVINCE: {error}", file=sys.stderr)
        return 1
    if not sources:
        print(f"{options.var}: no database found", file=sys.stderr)
        return 1
    options.to.mkdir(parents=True, exist_ok=True)
    failed = []
    for source, name in sources.items():
        try:
            copy = back_up(source, name, options.to)
            prune(copy, max(1, options.keep))
            print(f"{copy} {copy.stat().st_size} bytes")
        except (OSError, sqlite3.Error, subprocess.CalledProcessError) as error:
            # An address may hold a password, which does not belong in a log.
            failed.append(f"{re.sub('//.*@', '//', source)}: {reason_of(error)}")
    if options.also:
        try:
            send(options.to, options.also)
        except (OSError, subprocess.CalledProcessError) as error:
            failed.append(f"{re.sub('//.*@', '//', options.also)}: {reason_of(error)}")
    for problem in failed:
        print(problem, file=sys.stderr)
    note(options.to, "backup", not failed)
    return 1 if failed else 0


def reason_of(error: Exception) -> str:
    """What went wrong, without a command's words: an address among them may hold a password."""
    if isinstance(error, subprocess.CalledProcessError):
        return f"{Path(error.cmd[0]).name} ended with status {error.returncode}"
    return str(error)


def note(folder: Path, what: str, ok: bool) -> None:
    """Leave beside the copies how the last backup, or drill, went: the aggregator reads it."""
    told = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "ok": ok}
    draft = folder / f"{what}.partial"
    draft.write_text(json.dumps(told))
    draft.chmod(0o600)
    draft.replace(folder / f"{what}.json")


def send(folder: Path, destination: str) -> None:
    """Copy to another machine what is not there yet; what is there is never written over.

    Nor is anything deleted there: whoever breaks into this machine cannot take those copies along.
    """
    if destination.startswith("restic:"):
        repository = destination.removeprefix("restic:")
        command = ["restic", "--quiet", "--repo", repository, "backup", "--tag", "hailong"]
        command += [*("--exclude", "*.partial"), str(folder)]
    else:
        command = ["rsync", "--archive", "--ignore-existing", "--chmod=D700,F600"]
        command += [*("--exclude", "*.partial"), *("--exclude", "*.json")]
        command += [f"{folder}/", destination]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def databases(var: Path) -> dict[str, str]:
    """The databases to copy, each with its copy's name, which no other has.

    These are the SQLite files under ``var``, without the simulated ones of ``make demo`` in
    demo/, the PostgreSQL database of HAILONG_DATABASE_URL (see setting), and what the file
    HAILONG_PROVINCE names elsewhere. Raises OSError and ValueError for a file that cannot be read.
    """
    # What a kiosk has set aside because it was damaged (kiosk/rescue.py) could not be checked.
    found = (file for file in sorted(var.rglob("*")) if ".damaged-" not in file.name)
    files = [file for file in found if is_sqlite(file)]
    inside = {file: file.relative_to(var) for file in files}
    names = {
        str(file): "-".join(path.with_suffix("").parts)
        for file, path in inside.items()
        if path.parts[0] != "demo"
    }
    url = setting("HAILONG_DATABASE_URL")
    named = {url: name_of(url)} if url.startswith("postgresql") else {}
    province = os.environ.get("HAILONG_PROVINCE", "")
    for id, own in named_by(Path(province)) if province else ():
        if own not in named and Path(own).resolve() not in {file.resolve() for file in files}:
            named[own] = id
    return {**names, **named}


def setting(name: str) -> str:
    """A setting of the environment, else of systemd's credentials."""
    given = os.environ.get(name, "")
    folder = os.environ.get("CREDENTIALS_DIRECTORY", "")
    if given or not folder or not (file := Path(folder) / name.lower()).is_file():
        return given
    return file.read_text("utf-8").strip()


def named_by(province: Path) -> Iterator[tuple[str, str]]:
    """The databases that a province's file names, each with its centre's id."""
    for centre in tomllib.loads(province.read_text("utf-8")).get("centres", []):
        if url := centre.get("database"):
            yield centre["id"], re.sub(r"^sqlite\S*?:///", "", url)


def name_of(source: str) -> str:
    is_url = source.startswith("postgresql")
    return urlsplit(source).path.strip("/") if is_url else Path(source).stem


def is_sqlite(file: Path) -> bool:
    if not file.is_file():
        return False
    with file.open("rb") as opened:
        return opened.read(16) == b"SQLite format 3\0"


def back_up(source: str, name: str, to: Path) -> Path:
    """Write one copy under a temporary name; rename it when it is complete and on disk."""
    is_url = source.startswith("postgresql")
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    target = to / f"{name}-{now}.{'dump' if is_url else 'db'}"
    partial = target.with_suffix(".partial")
    try:
        partial.touch(mode=0o600)
        if is_url:
            dump_postgresql(source, partial)
        else:
            copy_sqlite(Path(source), partial)
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        if target.exists():
            raise FileExistsError(f"{target} was written this very second")
        partial.rename(target)
    finally:
        partial.unlink(missing_ok=True)
    return target


def copy_sqlite(source: Path, target: Path) -> None:
    if not source.is_file():
        raise FileNotFoundError("no such file")
    # A plain copy would miss what still lies in the write-ahead log.
    live = sqlite3.connect(source, timeout=30)
    copy = sqlite3.connect(target)
    try:
        live.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
        verdict = copy.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if verdict != "ok":
            raise sqlite3.DatabaseError(f"damaged: {verdict}")
    finally:
        copy.close()
        live.close()


def dump_postgresql(url: str, target: Path) -> None:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    user = f"{parts.username}@" if parts.username else ""
    # All schemas are dumped; the one of a centre is no part of what PostgreSQL understands.
    query = re.sub(r"(^|&)schema=[^&]*", "", parts.query).lstrip("&")
    query = f"?{query}" if query else ""
    environment = dict(os.environ)
    if parts.password:
        # Not on the command line, where every user of the machine could read it.
        environment["PGPASSWORD"] = unquote(parts.password)
    address = f"postgresql://{user}{host}{parts.path}{query}"
    # Without wrong passwords of the last minutes, which stand with hashes of addresses.
    options = ["--no-unlogged-table-data", "--format=custom"]
    subprocess.run(
        ["pg_dump", *options, f"--file={target}", f"--dbname={address}"],  # noqa: S607
        env=environment,
        check=True,
    )


def prune(newest: Path, keep: int) -> None:
    stem, _, _ = newest.stem.rpartition("-")
    dated = re.compile(re.escape(stem) + r"-\d{8}T\d{6}Z" + re.escape(newest.suffix))
    copies = sorted(file for file in newest.parent.iterdir() if dated.fullmatch(file.name))
    for old in copies[:-keep]:
        old.unlink()


if __name__ == "__main__":
    sys.exit(main())
