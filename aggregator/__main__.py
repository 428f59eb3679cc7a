"""The aggregator's command line: serve, migrate, import, export, rebuild, tokens, accounts."""

import argparse
import getpass
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvicorn
from pydantic import ValidationError
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from sqlalchemy import Row
from sqlalchemy.exc import SQLAlchemyError

from aggregator.accounts import ROLES, AccountError, Accounts
from aggregator.app import create_app
from aggregator.context import MESSAGES
from aggregator.credentials import TokenKind
from aggregator.database import StorageError
from aggregator.exchange import import_file
from aggregator.files import FileError, csv_lines, read_transactions
from aggregator.ingest import Ingest, rebuild
from aggregator.migrations import is_current, migrate
from aggregator.settings import Settings
from aggregator.store import Store
from surveys.centre import load_centre, load_definitions
from surveys.definition import DefinitionError, load_surveys
from surveys.messages import Language, choose_language

Advance = Callable[[int], None]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. 0: done; 1: done in part, or not at all, with the reason printed."""
    options = _parser().parse_args(arguments)
    try:
        result: int = options.run(options)
    except ValidationError as error:
        found = error.errors()[0]
        print(f"HAILONG_{str(found['loc'][0]).upper()}: {found['msg']}", file=sys.stderr)
    except (DefinitionError, StorageError, FileError, AccountError) as error:
        print(error, file=sys.stderr)
    else:
        return result
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m aggregator", description=__doc__)
    parser.add_argument("--lang", default="vi", help="language of messages: vi or en")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: object, text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text)
        made.set_defaults(run=run)
        return made

    command("serve", serve, "serve the dashboard and the JSON doors")
    command("migrate", run_migrate, "create the database's tables or bring them up to date")
    command("import", run_import, "take submissions from a CSV file").add_argument(
        "file", type=Path
    )
    command("export", run_export, "write all submissions to a CSV file").add_argument(
        "file", type=Path, help="the file to write, or - for standard output"
    )
    command("rebuild", run_rebuild, "make the tallies anew from the stored submissions")
    command("transactions", run_transactions, "take dossiers settled by day").add_argument(
        "file", type=Path, help="CSV: day, department (may be empty), dossiers"
    )
    for kind in ("device", "reader"):
        token = command(kind, run_token, f"{kind} tokens: add, list, remove")
        token.set_defaults(kind=kind)
        token.add_argument("action", choices=("add", "list", "remove"))
        token.add_argument("name", nargs="?", default="")
    user = command("user", run_user, "accounts: add, link, password, list, remove")
    user.add_argument("action", choices=("add", "link", "password", "list", "remove"))
    user.add_argument("name", nargs="?", default="")
    user.add_argument("--role", choices=ROLES, default="viewer", help="default: viewer")
    user.add_argument("--no-password", action="store_true", help="sign in by link only")
    return parser


@contextmanager
def _store(settings: Settings) -> Iterator[Store]:
    """The settings' store. Raises StorageError where its schema is not this version's."""
    store = Store(settings.database)
    try:
        if not is_current(store.engine):
            raise StorageError("the database is not ready: run “python -m aggregator migrate”")
        yield store
    finally:
        store.close()


@contextmanager
def _progress() -> Iterator[Advance]:
    """Submissions done, on standard error when it is a terminal; yields what counts them."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f}"), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=None)
        yield lambda steps: progress.advance(task, steps)


def serve(options: argparse.Namespace) -> int:
    settings = Settings.from_env()
    with _store(settings):
        app = create_app(settings)
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        access_log=False,  # an address beside an answer's time would be personal data
        server_header=False,
        log_level="warning",
    )
    return 0


def run_migrate(options: argparse.Namespace) -> int:
    store = Store(Settings.from_env().database)
    try:
        migrate(store.engine)
    except SQLAlchemyError as error:
        raise StorageError(str(getattr(error, "orig", error))) from error
    finally:
        store.close()
    return 0


def run_import(options: argparse.Namespace) -> int:
    settings, language = Settings.from_env(), choose_language(options.lang)
    centre, surveys = load_definitions(settings.centre)
    with _store(settings) as store, _progress() as advance:
        ingest = Ingest(store, surveys, centre)
        outcome = import_file(options.file, ingest, surveys, language, advance)
    _report(outcome.problems, language)
    print(outcome.summary())
    return 1 if outcome.problems else 0


def run_export(options: argparse.Namespace) -> int:
    settings = Settings.from_env()
    centre, surveys = load_definitions(settings.centre)
    with _store(settings) as store, _progress() as advance:
        rows = _counted(store.submissions(None, None), advance)
        lines = csv_lines(rows, surveys, centre)
        if str(options.file) == "-":
            sys.stdout.writelines(lines)
            return 0
        # Written beside and moved, so that a broken export never looks like a whole one.
        part = options.file.with_name(options.file.name + ".part")
        try:
            with part.open("w", encoding="utf-8", newline="") as file:
                file.writelines(lines)
            part.replace(options.file)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise FileError(f"{options.file}: {error.strerror}") from error
    return 0


def _counted(rows: Iterator[Row[Any]], advance: Advance) -> Iterator[Row[Any]]:
    for number, row in enumerate(rows, 1):
        if number % 500 == 0:
            advance(500)
        yield row


def run_rebuild(options: argparse.Namespace) -> int:
    with _store(Settings.from_env()) as store, _progress() as advance:
        rebuild(store, load_surveys(), advance)
    return 0


def run_transactions(options: argparse.Namespace) -> int:
    settings, language = Settings.from_env(), choose_language(options.lang)
    rows, problems = read_transactions(options.file, load_centre(settings.centre), language)
    with _store(settings) as store:
        store.put_transactions(rows)
    _report(problems, language)
    print(f"accepted {len(rows)}, refused {len(problems)}")
    return 1 if problems else 0


def _report(problems: Sequence[tuple[int, str]], language: Language) -> None:
    for line, reason in problems:
        text = MESSAGES.get(language, "cli.line", line=line, reason=reason)
        print(text, file=sys.stderr)


def run_token(options: argparse.Namespace) -> int:
    kind: TokenKind = options.kind
    with _store(Settings.from_env()) as store:
        if options.action == "list":
            for name, created in store.credentials.tokens(kind):
                print(f"{name}\t{created:%Y-%m-%d %H:%M} UTC")
        elif not options.name or not options.name.isprintable() or len(options.name) > 64:
            raise AccountError("name: 1 to 64 printable characters")
        elif options.action == "remove":
            if not store.credentials.remove_tokens_of(options.name, kind):
                raise AccountError(f"name: there is no {kind} {options.name!r}")
        elif any(token.name == options.name for token in store.credentials.tokens(kind)):
            raise AccountError(f"name: there is a {kind} {options.name!r} already")
        else:
            print(_accounts(store).new_token(kind, options.name))
    return 0


def run_user(options: argparse.Namespace) -> int:
    settings = Settings.from_env()
    with _store(settings) as store:
        accounts = _accounts(store)
        if options.action == "list":
            for name, role, created in store.credentials.users():
                print(f"{name}\t{role}\t{created:%Y-%m-%d %H:%M} UTC")
            return 0
        if options.action == "add":
            password = None if options.no_password else _ask_password()
            accounts.add_user(options.name, options.role, password)
            if password is not None:
                return 0
        elif store.credentials.user(options.name) is None:
            raise AccountError(f"name: there is no account {options.name!r}")
        if options.action == "remove":
            store.credentials.remove_user(options.name)
        elif options.action == "password":
            accounts.set_password(options.name, _ask_password())
        else:
            print(accounts.new_link(options.name, settings.address))
    return 0


def _accounts(store: Store) -> Accounts:
    return Accounts(store, lambda: datetime.now(UTC))


def _ask_password() -> str:
    """From the terminal, twice and unseen; from a pipe, its first line."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != password:
        raise AccountError("password: the two entries differ")
    return password


if __name__ == "__main__":
    sys.exit(main())
