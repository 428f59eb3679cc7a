"""The kiosk's commands: serve, look into the outbox, print the codes."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

import serving
from kiosk.app import build_room, create_app
from kiosk.doors import UnknownPlaceError
from kiosk.outbox import Outbox, OutboxError, body_of
from kiosk.posters import address_of, png, svg, terminal
from kiosk.settings import Settings
from surveys.definition import DefinitionError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit status is 0, or 2 with a reason on standard error."""
    options = _parser().parse_args(arguments)
    try:
        settings = Settings.from_env()
        status: int = options.run(settings, options)
    except ValidationError as error:
        for item in error.errors(include_url=False):
            name = "HAILONG_" + "_".join(str(part) for part in item["loc"]).upper()
            print(f"{name}: {item['msg']}", file=sys.stderr)
        return 2
    except (DefinitionError, UnknownPlaceError, OutboxError) as error:
        print(error, file=sys.stderr)
        return 2
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m kiosk", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", help="serve the touch screen and the phone forms")
    serve.set_defaults(run=_serve)

    outbox = commands.add_parser("outbox", help="show what waits for delivery, or was refused")
    outbox.set_defaults(run=_list)
    actions = outbox.add_subparsers(metavar="ACTION")
    retry = actions.add_parser("retry", help="let refused submissions wait for delivery again")
    which = retry.add_mutually_exclusive_group(required=True)
    which.add_argument("id", nargs="?", help="id of one submission")
    which.add_argument("--all", action="store_true", help="all refused submissions")
    retry.set_defaults(run=_retry)

    codes = commands.add_parser("codes", help="print the address behind each QR code")
    codes.add_argument("--department", default="", help="only this department")
    codes.add_argument("--terminal", action="store_true", help="draw each code in the terminal")
    codes.add_argument("--png", type=Path, metavar="DIR", help="write each code as a PNG file")
    codes.add_argument("--svg", type=Path, metavar="DIR", help="write each code as an SVG file")
    codes.set_defaults(run=_codes)
    return parser


def _serve(settings: Settings, options: argparse.Namespace) -> int:
    return serving.serve(create_app(settings), settings.host, settings.port)


def _list(settings: Settings, options: argparse.Namespace) -> int:
    outbox = Outbox(settings.outbox_file)
    standing, after = outbox.standing(), 0
    while rows := outbox.pending(500, after):
        for row in rows:
            body = body_of(row)
            print(f"pending  {row.id}  {row.added}  {body['survey']}  {body['department'] or '-'}")
        after = rows[-1].seq
    for row in outbox.refused():
        body = body_of(row)
        print(f"refused  {row.id}  {row.added}  {body['survey']}  {body['department'] or '-'}")
        print(f"         {row.refused}")
    print(
        f"pending {standing.pending}, refused {standing.refused},"
        f" last delivery {standing.last_delivery or 'never'}"
    )
    return 0


def _retry(settings: Settings, options: argparse.Namespace) -> int:
    count = Outbox(settings.outbox_file).retry(None if options.all else options.id)
    print(f"waiting again: {count}")
    return 0 if count or options.all else 1


def _codes(settings: Settings, options: argparse.Namespace) -> int:
    room = build_room(settings)
    if options.department not in ("", *room.centre.department):
        raise UnknownPlaceError(f"{room.centre.id} has no department {options.department!r}")
    for door in room.doors.values():
        if options.department not in ("", door.place.department_id):
            continue
        address = address_of(room, door)
        print(f"{door.audience:8}  {address}  {door.place.name('vi') or room.centre.name.vi}")
        if options.terminal:
            print(terminal(address))
        name = "-".join(
            part
            for part in (door.place.department_id, door.place.counter_id, door.audience)
            if part
        )
        for folder, suffix, data in (
            (options.png, "png", png(address) if options.png else b""),
            (options.svg, "svg", svg(address).encode() if options.svg else b""),
        ):
            if folder is not None:
                folder.mkdir(parents=True, exist_ok=True)
                (folder / f"{name}.{suffix}").write_bytes(data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
