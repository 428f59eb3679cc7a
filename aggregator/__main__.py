"""The aggregator's command line: its commands and options; commands/ has what they do."""

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import get_args

from pydantic import ValidationError

from aggregator.documents.exports.joined import EXPORT_FORMATS, ROW_KINDS
from aggregator.documents.papers import PAPERS
from aggregator.documents.reports import model
from aggregator.intake.desk.kinds import KINDS
from aggregator.intake.files import FileError
from aggregator.organisation.seen import SEEN, THEN
from aggregator.storage.audit import COMMAND_LINE
from aggregator.storage.credentials import ROLES
from aggregator.storage.database import StorageError
from aggregator.wording.messages import MESSAGES
from surveys.definition import Channel, DefinitionError
from surveys.messages import LANGUAGES, Language, MessageError
from surveys.text import composed

PROGRAM = "python -m aggregator"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns 0 where all was done, else 1, with the reason printed."""
    language, at, others = _common(arguments)
    options = _parser(language).parse_args(others)
    options.lang, options.at = language, at
    module, function = options.run.split(".")
    try:
        # A command imports only what it needs: an export holds no library of statistics.
        result: int = getattr(import_module(f"aggregator.commands.{module}"), function)(options)
    except ValidationError as error:
        found = error.errors()[0]
        print(f"HAILONG_{str(found['loc'][0]).upper()}: {found['msg']}", file=sys.stderr)
    except MessageError as error:
        print(error.text(MESSAGES, language), file=sys.stderr)
    except (DefinitionError, StorageError, FileError) as error:
        print(error, file=sys.stderr)
    else:
        return result
    return 1


def _common(arguments: Sequence[str] | None) -> tuple[Language, str | None, list[str]]:
    """The values of ``--lang`` and ``--at``, wherever they stand, and the other arguments.

    They are read first: the parser's own texts are in this language.
    """
    first = argparse.ArgumentParser(prog=PROGRAM, add_help=False, allow_abbrev=False)
    first.add_argument("--lang", choices=LANGUAGES, default="vi")
    first.add_argument("--at")
    known, others = first.parse_known_args(arguments)
    return known.lang, known.at, others


def _parser(language: Language) -> argparse.ArgumentParser:
    def say(key: str) -> str:
        return MESSAGES.get(language, f"help.{key}")

    parser = argparse.ArgumentParser(prog=PROGRAM, description=say("aggregator"))
    parser.add_argument("--lang", choices=LANGUAGES, default=language, help=say("lang"))
    parser.add_argument("--at", metavar="ID", help=say("at"))
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=say(name), description=say(name))
        made.set_defaults(run=run)
        return made

    command("serve", "running.serve")
    command("migrate", "running.run_migrate")
    command("import", "files.run_import").add_argument("file", type=Path)
    day = _days(language)
    _export_options(command("export", "export.run_export"), say, day)
    _report_options(command("report", "report.run_report"), say, day)
    issued = command("issued", "report.run_issued")
    issued.add_argument("number", nargs="?", type=int, help=say("issued_number"))
    issued.add_argument("file", nargs="?", type=Path, help=say("issued_file"))
    issued.add_argument("--format", choices=model.REPORT_FORMATS, help=say("report_format"))
    _actor(issued)
    _desk_options(command("desk", "desk.run_desk"), say, day)
    _ballot_options(command("ballots", "ballots.run_ballots"), say, day)
    roster = command("roster", "roster.run_roster")
    roster.add_argument("action", choices=("import",))
    roster.add_argument("file", type=Path, help=say("roster_file"))
    attitude = command("attitude", "roster.run_attitude")
    attitude.add_argument("file", type=Path, help=say("report_file"))
    attitude.add_argument("--format", choices=model.REPORT_FORMATS, help=say("report_format"))
    attitude.add_argument("--date", type=day, metavar="DAY", help=say("report_date"))
    _actor(attitude)
    command("publish", "board.run_publish")
    command("rebuild", "files.run_rebuild")
    verify = command("verify", "verify.run_verify")
    verify.add_argument("--root", action="append", default=[], help=say("verify_root"))
    verify.add_argument("--note", type=Path, metavar="FOLDER", help=say("verify_note"))
    command("proof", "verify.run_proof").add_argument("code", help=say("proof_code"))
    command("define", "files.run_define").add_argument("file", type=Path, help=say("define_file"))
    for name, run in (
        ("transactions", "files.run_transactions"),
        ("dossiers", "files.run_dossiers"),
        ("handling-facts", "files.run_facts"),
    ):
        command(name, run).add_argument("file", type=Path, help=say(f"{name}_file"))
    centre = command("centre", "centre.run_centre")
    centre.add_argument("action", choices=("import", "export", "list"))
    centre.add_argument("file", nargs="?", type=Path, help=say("centre_file"))
    centre.add_argument("--reason", default="", type=composed, help=say("centre_reason"))
    for name, kind in (("device", "device"), ("reader", "reader"), ("one-stop", "one_stop")):
        token = command(name, "accounts.run_token")
        token.set_defaults(kind=kind)
        renewed = ("renew",) if kind == "device" else ()
        token.add_argument("action", choices=("add", "list", *renewed, "remove"))
        token.add_argument("name", nargs="?", default="", type=composed)
        if kind == "device":
            channel = token.add_argument("--channel", action="append", help=say("channels"))
            channel.choices = get_args(Channel)
    user = command("user", "accounts.run_user")
    user.add_argument("action", choices=("add", "link", "password", "list", "remove"))
    user.add_argument("name", nargs="?", default="", type=composed)
    user.add_argument("--role", choices=ROLES, default="reader", help=say("role"))
    user.add_argument("--department", metavar="ID", help=say("user_department"))
    user.add_argument("--no-password", action="store_true", help=say("no_password"))
    return parser


def _desk_options(
    desk: argparse.ArgumentParser, say: Callable[[str], str], day: Callable[[str], date]
) -> None:
    desk.add_argument("file", nargs="?", type=Path, help=say("desk_file"))
    desk.add_argument("--kind", choices=KINDS, help=say("desk_kind"))
    desk.add_argument("--survey", metavar="ID", help=say("desk_survey"))
    desk.add_argument("--batch", metavar="NAME", default="", help=say("desk_batch"))
    for name, to in (("from", "since"), ("to", "until")):
        desk.add_argument(f"--{name}", dest=to, type=day, metavar="DAY", help=say(f"desk_{name}"))
    desk.add_argument("--day", type=day, metavar="DAY", help=say("desk_day"))
    desk.add_argument("--sheet", metavar="NAME", default="", help=say("desk_sheet"))
    desk.add_argument("--apart", action="store_true", help=say("desk_apart"))
    desk.add_argument("--check", action="store_true", help=say("desk_check"))
    desk.add_argument("--strict", action="store_true", help=say("desk_strict"))
    desk.add_argument("--withdraw", metavar="NAME", help=say("desk_withdraw"))


def _ballot_options(
    ballots: argparse.ArgumentParser, say: Callable[[str], str], day: Callable[[str], date]
) -> None:
    ballots.add_argument("file", type=Path, help=say("ballots_file"))
    ballots.add_argument("--batch", metavar="NAME", required=True, help=say("ballots_batch"))
    ballots.add_argument("--count", type=int, metavar="N", help=say("ballots_count"))
    ballots.add_argument("--survey", metavar="ID", help=say("ballots_survey"))
    ballots.add_argument("--place", metavar="ID", default="", help=say("ballots_place"))
    ballots.add_argument("--day", type=day, metavar="DAY", help=say("ballots_day"))
    ballots.add_argument("--paper", choices=PAPERS, default=PAPERS[0], help=say("ballots_paper"))
    ballots.add_argument("--bilingual", action="store_true", help=say("ballots_bilingual"))
    ballots.add_argument("--faces", action="store_true", help=say("ballots_faces"))
    for name, kept in (("from", "first"), ("to", "last")):
        ballots.add_argument(
            f"--{name}", dest=kept, type=int, metavar="N", help=say(f"ballots_{name}")
        )
    _actor(ballots)


def _export_options(
    export: argparse.ArgumentParser, say: Callable[[str], str], day: Callable[[str], date]
) -> None:
    export.add_argument("file", type=Path, help=say("export_file"))
    export.add_argument("--format", choices=EXPORT_FORMATS, help=say("export_format"))
    export.add_argument("--from", dest="since", type=day, metavar="DAY", help=say("export_from"))
    export.add_argument("--to", dest="until", type=day, metavar="DAY", help=say("export_to"))
    for name in ("survey", "channel", "department"):
        export.add_argument(f"--{name}", help=say(f"export_{name}"))
    export.add_argument(
        "--organisation", choices=SEEN, default=THEN, help=say("export_organisation")
    )
    export.add_argument("--rows", choices=ROW_KINDS, default="submission", help=say("export_rows"))
    export.add_argument("--raw-comments", action="store_true", help=say("export_raw_comments"))
    _actor(export)


def _report_options(
    report: argparse.ArgumentParser, say: Callable[[str], str], day: Callable[[str], date]
) -> None:
    report.add_argument("kind", choices=model.REPORT_KINDS, help=say("report_kind"))
    report.add_argument("file", type=Path, help=say("report_file"))
    report.add_argument("--format", choices=model.REPORT_FORMATS, help=say("report_format"))
    report.add_argument(
        "--organisation", choices=SEEN, default=THEN, help=say("report_organisation")
    )
    report.add_argument("--internal", action="store_true", help=say("report_internal"))
    report.add_argument("--publish", action="store_true", help=say("report_publish"))
    report.add_argument("--date", type=day, metavar="DAY", help=say("report_date"))
    report.add_argument("--issue", type=int, metavar="NUMBER", help=say("report_issue"))
    # What the page has shown to whoever issues it.
    report.add_argument("--after", type=int, help=argparse.SUPPRESS)
    report.add_argument("--texts", type=int, help=argparse.SUPPRESS)
    _actor(report)


def _actor(parser: argparse.ArgumentParser) -> None:
    """The dashboard tells its commands for whom they are, for the audit log."""
    parser.add_argument("--actor", default=COMMAND_LINE, help=argparse.SUPPRESS)


def _days(language: Language) -> Callable[[str], date]:
    """A parser of days such as 2026-09-30, whose errors are in the given language."""

    def day(text: str) -> date:
        try:
            return date.fromisoformat(text)
        except ValueError:
            reason = MESSAGES.get(language, "error.not_a_day")
            raise argparse.ArgumentTypeError(f"{text}: {reason}") from None

    return day


if __name__ == "__main__":
    sys.exit(main())
