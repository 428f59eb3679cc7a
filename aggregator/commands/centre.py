"""Commands on the centre's document: import the next version, export it, list all."""

import argparse
import sys
from pathlib import Path

from aggregator.commands import settings_of
from aggregator.commands.store import opened
from aggregator.intake.files import FileError
from aggregator.organisation.current import Organisation
from aggregator.organisation.toml import to_toml
from aggregator.wording.messages import MESSAGES
from surveys.definition import load_instruments
from surveys.messages import Language, MessageError


def run_centre(options: argparse.Namespace) -> int:
    """Take a file's document as the next version, write the one in force, or list them all."""
    settings = settings_of(options)
    with opened(settings) as store:
        organisation = Organisation(store.centres, load_instruments(settings.surveys))
        if options.action == "list":
            _list(organisation, options.lang)
        elif options.file is None:
            raise MessageError("organisation.file_needed")
        elif options.action == "import":
            for change in organisation.import_file(options.file, options.reason):
                print(change.get(options.lang))
            print(MESSAGES.get(options.lang, "organisation.saved", number=organisation.number))
        else:
            organisation.refreshed()
            _write(options.file, to_toml(organisation.stored))
    return 0


def _list(organisation: Organisation, language: Language) -> None:
    """Print every version: number, time, who, why, and what it changed."""
    for version, changed in organisation.history():
        moment = f"{version.saved_at:%Y-%m-%d %H:%M} UTC"
        print(f"{version.number}\t{moment}\t{version.saved_by or '-'}\t{version.reason}")
        for change in changed:
            print(f"\t{change.get(language)}")


def _write(file: Path, text: str) -> None:
    """Write a file as a whole or not at all; ``-`` is standard output."""
    if str(file) == "-":
        sys.stdout.write(text)
        return
    part = file.with_name(file.name + ".part")
    try:
        part.write_text(text, "utf-8")
        part.replace(file)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise FileError(f"{file}: {error.strerror}") from error
