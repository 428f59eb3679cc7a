"""The aggregator's command line: what can be asked for; commands/ has what is then done."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from pydantic import ValidationError

from aggregator.commands import CommandError
from aggregator.credentials import ROLES
from aggregator.database import StorageError
from aggregator.files import FileError
from aggregator.messages import MESSAGES
from surveys.definition import DefinitionError
from surveys.messages import LANGUAGES, Language, choose_language


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. 0: done; 1: done in part, or not at all, with the reason printed."""
    language = _language(arguments)
    options = _parser(language).parse_args(arguments)
    options.lang = language
    module, function = options.run.split(".")
    try:
        # A command imports only what it needs: an export holds no library of statistics.
        result: int = getattr(import_module(f"aggregator.commands.{module}"), function)(options)
    except ValidationError as error:
        found = error.errors()[0]
        print(f"HAILONG_{str(found['loc'][0]).upper()}: {found['msg']}", file=sys.stderr)
    except CommandError as error:
        print(MESSAGES.get(language, error.key, **error.values), file=sys.stderr)
    except (DefinitionError, StorageError, FileError) as error:
        print(error, file=sys.stderr)
    else:
        return result
    return 1


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

    def command(name: str, run: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=say(name), description=say(name))
        made.set_defaults(run=run)
        return made

    command("serve", "running.serve")
    command("migrate", "running.run_migrate")
    command("import", "files.run_import").add_argument("file", type=Path)
    command("export", "export.run_export").add_argument("file", type=Path, help=say("export_file"))
    command("rebuild", "files.run_rebuild")
    for name, run in (
        ("transactions", "files.run_transactions"),
        ("dossiers", "files.run_dossiers"),
        ("handling-facts", "files.run_facts"),
    ):
        command(name, run).add_argument("file", type=Path, help=say(f"{name}_file"))
    for kind in ("device", "reader"):
        token = command(kind, "accounts.run_token")
        token.set_defaults(kind=kind)
        token.add_argument("action", choices=("add", "list", "remove"))
        token.add_argument("name", nargs="?", default="")
    user = command("user", "accounts.run_user")
    user.add_argument("action", choices=("add", "link", "password", "list", "remove"))
    user.add_argument("name", nargs="?", default="")
    user.add_argument("--role", choices=ROLES, default="viewer", help=say("role"))
    user.add_argument("--no-password", action="store_true", help=say("no_password"))
    return parser


if __name__ == "__main__":
    sys.exit(main())
