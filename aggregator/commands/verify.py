"""Commands that prove: ``verify`` the whole database, ``proof`` one submission."""

import argparse
import json
import re
import sys
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

from aggregator.commands import progress, settings_of
from aggregator.commands.store import opened
from aggregator.figures.layouts import layouts_read
from aggregator.organisation.current import centre_in_force
from aggregator.storage.closings import as_json
from aggregator.storage.restores import parted
from aggregator.storage.verify import LEAST_HEX, Printed, Verification
from aggregator.storage.witness import Witness, older, seen
from aggregator.wording.messages import MESSAGES
from aggregator.wording.phrases import day, integer, say, verbatim
from surveys.definition import load_instruments
from surveys.messages import MessageError
from surveys.receipts import read_code, receipt_of

NOTE = "verify.json"
ROOT = re.compile(rf"(\d{{4}}-\d\d-\d\d):([0-9a-f]{{{LEAST_HEX},64}})")


def run_verify(options: argparse.Namespace) -> int:
    """Print a line for each thing that does not fit; 1 where there is any.

    With ``--note`` the outcome is left for the alerts, also where the database cannot be read, and
    what was seen of it, for the next time.
    """
    whole, witnesses = False, _noted(options.note)
    try:
        found = _verify(options, witnesses)
        whole = not found
    finally:
        if options.note is not None:
            _note(options.note, ok=whole, witnesses=witnesses)
    return 0 if whole else 1


def _verify(options: argparse.Namespace, witnesses: dict[str, Witness]) -> int:
    """Print what does not fit; how many things.

    ``witnesses`` by centre say what was seen before, and from then on what was seen now; one that
    does not fit stays.
    """
    settings, printed = settings_of(options), [_printed(text) for text in options.root]
    files = load_instruments(settings.surveys)
    with opened(settings) as store, progress() as advance:
        centre = centre_in_force(store.centres, settings.centre, files)
        surveys = store.definitions.counted(centre.instruments_with(files))
        verification = Verification(store, surveys, centre, advance, layouts_read(centre))
        newest = seen(store, datetime.now(centre.zone))
        left, restores = parted(verification.findings(printed), store.restores.all())
        replaced = older(store, witnesses[centre.id]) if centre.id in witnesses else None
        if replaced is None:
            witnesses[centre.id] = newest
        else:
            left.append(replaced)
        for finding in left:
            print(finding.get(options.lang), flush=True)
        for one in restores:
            by = {"actor": verbatim(one.actor), "reason": verbatim(one.reason)}
            said = say("verify.restored", day=day(one.restored), n=integer(one.n), **by)
            print(said.get(options.lang), flush=True)
        found, entries = len(left), len(store.closings.entries())
    checked = verification.checked
    days, n = integer(checked.days), integer(checked.submissions)
    if found:
        told = say("verify.found", n=integer(found), submissions=n, days=days)
    else:
        unclosed = integer(checked.unclosed)
        told = say("verify.fits", n=n, days=days, entries=integer(entries), open=unclosed)
    print(told.get(options.lang), file=sys.stderr if found else sys.stdout)
    return found


def _noted(folder: Path | None) -> dict[str, Witness]:
    """What was seen before, by centre; nothing where no note tells it."""
    if folder is None:
        return {}
    try:
        kept = json.loads((folder / NOTE).read_bytes())["seen"].items()
        return {
            centre: Witness(datetime.fromisoformat(at), *others) for centre, (at, *others) in kept
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _note(folder: Path, *, ok: bool, witnesses: Mapping[str, Witness]) -> None:
    """Leave the outcome beside the backups, as deploy/backup.py does: alerts/rules.py reads it."""
    draft = folder / "verify.partial"
    told: dict[str, object] = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "ok": ok}
    told["seen"] = {centre: [one.at.isoformat(), *one[1:]] for centre, one in witnesses.items()}
    draft.write_text(json.dumps(told))
    draft.chmod(0o600)
    draft.replace(folder / NOTE)


def run_proof(options: argparse.Namespace) -> int:
    """Print the proof of a receipt code's submission as JSON."""
    code = read_code(options.code)
    if code is None:
        raise MessageError("verify.bad_code")
    with opened(settings_of(options)) as store:
        proofs = store.closings.proofs(receipt_of(code))
    if not proofs:
        print(MESSAGES.get(options.lang, "verify.no_proof"), file=sys.stderr)
        return 1
    print(json.dumps(as_json(proofs), ensure_ascii=False, indent=1))
    return 0


def _printed(text: str) -> Printed:
    """A root as it was typed, also with the spaces between groups. Raises MessageError."""
    found = ROOT.fullmatch("".join(text.split()).lower())
    try:
        if found is not None:
            return Printed(date.fromisoformat(found[1]), found[2])
    except ValueError:
        pass
    raise MessageError("verify.bad_root", text=text[:80])
