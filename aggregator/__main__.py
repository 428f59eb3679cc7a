"""The aggregator's command line: serve, migrate, import, export, rebuild, tokens, accounts."""

import argparse
import getpass
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from sqlalchemy import Row
from sqlalchemy.exc import SQLAlchemyError

import serving
from aggregator.accounts import ROLES, AccountError, Accounts
from aggregator.app import create_app
from aggregator.context import MESSAGES
from aggregator.credentials import TokenKind
from aggregator.database import StorageError
from aggregator.exchange import import_file
from aggregator.files import FileError, csv_lines, read_transactions
from aggregator.handling_files import read_dossiers, read_facts
from aggregator.ingest import Ingest, rebuild
from aggregator.migrations import is_current, migrate
from aggregator.settings import Settings
from aggregator.store import Store
from surveys.centre import load_centre, load_definitions
from surveys.definition import DefinitionError, load_surveys
from surveys.messages import LANGUAGES, Language, choose_language

Advance = Callable[[int], None]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. 0: done; 1: done in part, or not at all, with the reason printed."""
    language = _language(arguments)
    options = _parser(language).parse_args(arguments)
    options.lang = language
    try:
        result: int = options.run(options)
    except ValidationError as error:
        found = error.errors()[0]
        print(f"HAILONG_{str(found['loc'][0]).upper()}: {found['msg']}", file=sys.stderr)
    except AccountError as error:
        text = MESSAGES.get(language, f"account_error.{error.key}", **error.values)
        print(text, file=sys.stderr)
    except NotReadyError:
        print(MESSAGES.get(language, "cli.not_ready"), file=sys.stderr)
    except (DefinitionError, StorageError, FileError) as error:
        print(error, file=sys.stderr)
    else:
        return result
    return 1


class NotReadyError(StorageError):
    """The database lacks this version's schema: it wants ``migrate``."""


def _language(arguments: Sequence[str] | None) -> Language:
    """The language asked for, known before the texts of the parser itself are made."""
    first = argparse.ArgumentParser(add_help=False)
    first.add_argument("--lang", default="vi")
    return choose_language(first.parse_known_args(arguments)[0].lang)


def _parser(language: Language) -> argparse.ArgumentParser:
    def say(key: str) -> str:
        return MESSAGES.get(language, f"help.{key}")

    parser = argparse.ArgumentParser(prog="python -m aggregator", description=say("aggregator"))
    parser.add_argument("--lang", choices=LANGUAGES, default=language, help=say("lang"))
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: object) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=say(name), description=say(name))
        made.set_defaults(run=run)
        return made

    command("serve", serve)
    command("migrate", run_migrate)
    command("import", run_import).add_argument("file", type=Path)
    command("export", run_export).add_argument("file", type=Path, help=say("export_file"))
    command("rebuild", run_rebuild)
    for name, run in (
        ("transactions", run_transactions),
        ("dossiers", run_dossiers),
        ("handling-facts", run_facts),
    ):
        command(name, run).add_argument("file", type=Path, help=say(f"{name}_file"))
    for kind in ("device", "reader"):
        token = command(kind, run_token)
        token.set_defaults(kind=kind)
        token.add_argument("action", choices=("add", "list", "remove"))
        token.add_argument("name", nargs="?", default="")
    user = command("user", run_user)
    user.add_argument("action", choices=("add", "link", "password", "list", "remove"))
    user.add_argument("name", nargs="?", default="")
    user.add_argument("--role", choices=ROLES, default="viewer", help=say("role"))
    user.add_argument("--no-password", action="store_true", help=say("no_password"))
    return parser


@contextmanager
def _store(settings: Settings) -> Iterator[Store]:
    """The settings' store. Raises StorageError where its schema is not this version's."""
    store = Store(settings.database)
    try:
        if not is_current(store.engine):
            raise NotReadyError("run migrate")
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
    return serving.serve(app, settings.host, settings.port)


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
    settings, language = Settings.from_env(), options.lang
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
        counter = Counter[str]()
        rows = _counted(store.submissions(None, None), counter, advance)
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
    _tell(options, counter["rows"])
    return 0


def _counted(
    rows: Iterator[Row[Any]], counter: Counter[str], advance: Advance
) -> Iterator[Row[Any]]:
    for row in rows:
        counter["rows"] += 1
        advance(1)
        yield row


def run_rebuild(options: argparse.Namespace) -> int:
    with _store(Settings.from_env()) as store, _progress() as advance:
        counted = rebuild(store, load_surveys(), advance)
    _tell(options, counted)
    return 0


def _tell(options: argparse.Namespace, n: int) -> None:
    """How many it were, on standard error: standard output may be the export itself."""
    print(MESSAGES.get(options.lang, "cli.done", n=n), file=sys.stderr)


def run_transactions(options: argparse.Namespace) -> int:
    settings, language = Settings.from_env(), options.lang
    rows, problems = read_transactions(options.file, load_centre(settings.centre), language)
    with _store(settings) as store:
        store.put_transactions(rows)
    return _settled(len(rows), problems, language)


def run_dossiers(options: argparse.Namespace) -> int:
    settings = Settings.from_env()
    centre = load_centre(settings.centre)
    today = centre.local_day(datetime.now(UTC))
    cells, taken, problems = read_dossiers(options.file, centre, today, options.lang)
    with _store(settings) as store:
        store.handling.set_dossiers(cells)
    return _settled(taken, problems, options.lang)


def run_facts(options: argparse.Namespace) -> int:
    settings = Settings.from_env()
    centre = load_centre(settings.centre)
    today = centre.local_day(datetime.now(UTC))
    cells, problems = read_facts(options.file, centre, today, options.lang)
    with _store(settings) as store:
        store.handling.set_facts(cells)
    return _settled(len(cells), problems, options.lang)


def _settled(taken: int, problems: Sequence[tuple[int, str]], language: Language) -> int:
    _report(problems, language)
    print(f"accepted {taken}, refused {len(problems)}")
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
            raise AccountError("bad_name")
        elif options.action == "remove":
            if not store.credentials.remove_tokens_of(options.name, kind):
                raise AccountError("unknown_name", name=options.name)
        elif any(token.name == options.name for token in store.credentials.tokens(kind)):
            raise AccountError("name_taken", name=options.name)
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
            raise AccountError("unknown_name", name=options.name)
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
        raise AccountError("passwords_differ")
    return password


if __name__ == "__main__":
    sys.exit(main())
