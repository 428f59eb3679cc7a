"""The kiosk's commands: serve, look into the outbox, print the codes."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from getpass import getpass
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import ValidationError

import serving
from kiosk.app import build_context, create_app
from kiosk.context import Context
from kiosk.enrolment import EnrolmentError, enrol
from kiosk.one_time import as_csv, make
from kiosk.outbox import Outbox, OutboxError, Row, body_of
from kiosk.places import UnknownPlaceError, bind
from kiosk.posters import address_of, warning_of
from kiosk.preview import previews
from kiosk.sealing import Sealing
from kiosk.settings import Settings, TogetherSettings
from kiosk.staff_access import hash_pin
from kiosk.uploader import NOT_ADMITTED
from kiosk.voices import has_espeak, load_voices, make_voices, spoken
from qr_images import png, svg, terminal
from secret_files import KeyFileError, add_key
from surveys.centre import Centre, load_centre
from surveys.definition import DefinitionError
from surveys.messages import LANGUAGES, Language, Messages, choose_language

MOST_CODES = 100_000  # one-time codes at once
MESSAGES = Messages.load(Path(__file__).parent / "messages")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit status is 0, or 2 with a reason on standard error."""
    language = _language(arguments)
    options = _parser(language).parse_args(arguments)
    options.lang = language
    try:
        settings = Settings.from_env()
        status: int = options.run(settings, options)
    except ValidationError as error:
        for item in error.errors(include_url=False):
            name = "HAILONG_" + "_".join(str(part) for part in item["loc"]).upper()
            print(f"{name}: {item['msg']}", file=sys.stderr)
        return 2
    except EnrolmentError as error:
        print(error.text(MESSAGES, language), file=sys.stderr)
        return 2
    except (DefinitionError, UnknownPlaceError, OutboxError, KeyFileError) as error:
        print(error, file=sys.stderr)
        return 2
    return status


def _language(arguments: Sequence[str] | None) -> Language:
    """The language asked for, known before the texts of the parser itself are made."""
    first = argparse.ArgumentParser(add_help=False)
    first.add_argument("--lang", default="vi")
    return choose_language(first.parse_known_args(arguments)[0].lang)


def _parser(language: Language = "vi") -> argparse.ArgumentParser:
    def say(key: str) -> str:
        return MESSAGES.get(language, f"help.{key}")

    parser = argparse.ArgumentParser(prog="python -m kiosk", description=say("kiosk"))
    parser.add_argument("--lang", choices=LANGUAGES, default=language, help=say("lang"))
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", help=say("serve"))
    serve.set_defaults(run=_serve)

    outbox = commands.add_parser("outbox", help=say("outbox"))
    outbox.set_defaults(run=_list)
    actions = outbox.add_subparsers(metavar="ACTION")
    retry = actions.add_parser("retry", help=say("retry"))
    which = retry.add_mutually_exclusive_group(required=True)
    which.add_argument("id", nargs="?", help=say("retry_id"))
    which.add_argument("--all", action="store_true", help=say("retry_all"))
    retry.set_defaults(run=_retry)
    key = actions.add_parser("key", help=say("outbox_key"))
    key.set_defaults(run=_key)

    pin = commands.add_parser("pin", help=say("pin"))
    pin.set_defaults(run=_pin)

    enrolling = commands.add_parser("enrol", help=say("enrol"))
    enrolling.add_argument("code", help=say("enrol_code"))
    enrolling.set_defaults(run=_enrol)

    voices = commands.add_parser("voices", help=say("voices"))
    voices.add_argument("--list", action="store_true", help=say("voices_list"))
    voices.set_defaults(run=_voices)

    preview = commands.add_parser("preview", help=say("preview"))
    preview.add_argument("centre", type=Path, help=say("preview_centre"))
    preview.add_argument("file", type=Path, help=say("preview_file"))
    preview.add_argument("--survey", required=True, help=say("preview_survey"))
    preview.set_defaults(run=_preview)

    codes = commands.add_parser("codes", help=say("codes"))
    codes.add_argument("--department", default="", help=say("codes_department"))
    codes.add_argument("--terminal", action="store_true", help=say("codes_terminal"))
    codes.add_argument("--png", type=Path, metavar="DIR", help=say("codes_png"))
    codes.add_argument("--svg", type=Path, metavar="DIR", help=say("codes_svg"))
    codes.add_argument("--counter", default="", help=say("codes_counter"))
    codes.add_argument("--one-time", type=int, metavar="N", help=say("codes_one_time"))
    codes.add_argument("--days", type=int, default=90, help=say("codes_days"))
    codes.set_defaults(run=_codes)
    return parser


def _serve(settings: Settings, options: argparse.Namespace) -> int:
    if not settings.device_token.get_secret_value() and not settings.enrolment_file.exists():
        say = _say(options)
        print(f"{say('no_token')} {say('make_token')}", file=sys.stderr, flush=True)
    return serving.serve(create_app(settings), settings.host, settings.port)


def _list(settings: Settings, options: argparse.Namespace) -> int:
    say, zone = _say(options), load_centre(settings.centre).zone

    def local(stamp: str | None) -> str:
        if stamp is None:
            return say("never")
        form = "%Y-%m-%d %H:%M" if options.lang == "en" else "%d/%m/%Y %H:%M"
        return datetime.fromisoformat(stamp).astimezone(zone).strftime(form)

    def line(state: str, row: Row) -> str:
        body = body_of(row)
        words = (say(state), row.id, local(row.added), body["survey"], body["department"] or "-")
        return "  ".join(str(word) for word in words)

    outbox = _opened(settings)
    status, after = outbox.status(), 0
    while rows := outbox.pending(500, after):
        for row in rows:
            print(line("pending", row))
        after = rows[-1].seq
    for row in outbox.refused():
        print(line("refused", row))
        print(f"    {row.refused}")
    if problem := outbox.problem():
        print(say("problem", at=local(problem[0]), reason=problem[1]))
        if NOT_ADMITTED in problem[1]:
            print(f"    {say('make_token')}")
    last = local(status.last_delivery)
    print(say("status", pending=status.pending, refused=status.refused, last=last))
    return 0


def _retry(settings: Settings, options: argparse.Namespace) -> int:
    count = _opened(settings).retry(None if options.all else options.id)
    print(_say(options)("waiting", n=count))
    return 0 if count or options.all else 1


def _opened(settings: Settings) -> Outbox:
    return Outbox(settings.outbox_file, sealing=Sealing.of_file(settings.outbox_keys))


def _key(settings: Settings, options: argparse.Namespace) -> int:
    """Add a key to the file of the outbox's keys; those before it stay for reading."""
    if settings.outbox_keys is None:
        print(_say(options)("no_outbox_keys"), file=sys.stderr)
        return 2
    add_key(settings.outbox_keys)
    print(_say(options)("outbox_key", path=settings.outbox_keys))
    return 0


def _pin(settings: Settings, options: argparse.Namespace) -> int:
    try:
        print(f"HAILONG_STAFF_PIN={hash_pin(getpass('PIN: '))}")
    except ValueError:
        print(_say(options)("pin_digits"), file=sys.stderr)
        return 2
    return 0


def _enrol(settings: Settings, options: argparse.Namespace) -> int:
    """Get a token and a place for a one-time code of the managers' page."""
    found = enrol(settings.aggregator_url, options.code, settings.enrolment_file)
    place = found.counter or found.department or "–"
    print(_say(options)("enrolled", name=found.name, place=place))
    return 0


def _preview(settings: Settings, options: argparse.Namespace) -> int:
    """Write the screens of an instrument of a document as a list of device, name and page."""
    try:
        centre = Centre.model_validate_json(options.centre.read_bytes())
    except (OSError, ValueError) as error:
        print(f"{options.centre}: {error}", file=sys.stderr)
        return 2
    with TemporaryDirectory() as folder:  # a preview takes no answers
        elsewhere = {"outbox": Path(folder) / "outbox.sqlite3", "outbox_keys": None}
        nowhere = {"department": "", "counter": ""}
        app = create_app(settings.model_copy(update=elsewhere | nowhere), centre=centre)
        if options.survey not in app.state.context.surveys:
            app.state.context.outbox.close()
            print(_say(options)("no_survey", survey=options.survey[:40]), file=sys.stderr)
            return 2
        drawn = list(previews(app, options.survey, options.lang))
        app.state.context.outbox.close()
    options.file.write_text(json.dumps(drawn), "utf-8")
    return 0


def _voices(settings: Settings, options: argparse.Namespace) -> int:
    say = _say(options)
    context = build_context(settings)
    centre, languages = context.centre, context.languages
    made = failed = 0
    if not options.list:
        if not has_espeak():
            print(say("no_espeak"), file=sys.stderr)
            return 1

        def told(what: str) -> None:
            print(say("voices_failed", what=what), file=sys.stderr)

        made, failed = make_voices(settings.stand_ins, languages, centre, told)
    voices = load_voices(settings.stand_ins, languages, centre)
    recorded = found = total = 0
    for language in languages.names:
        for words in spoken(languages, centre, language):
            file = voices.address(language, words.name).rpartition("/")[2]
            own = bool(file) and not voices.files[file].is_relative_to(settings.stand_ins)
            total, found, recorded = total + 1, found + bool(file), recorded + own
            if options.list and words.language == language:
                what = "recorded" if own else "stand_in" if file else "missing"
                name = f"{languages.audio(language) / words.name}.wav"
                print(name, say(f"voice_{what}"), words.text, sep="\t")
    if not options.list:
        print(say("voices", recorded=recorded, made=made, spoken=found, all=total))
    return 1 if failed else 0


def _say(options: argparse.Namespace) -> Callable[..., str]:
    def say(key: str, **values: object) -> str:
        return MESSAGES.get(options.lang, f"cli.{key}", **values)

    return say


def _codes(settings: Settings, options: argparse.Namespace) -> int:
    if not settings.public_url and "host" not in settings.model_fields_set:
        settings = settings.model_copy(update={"public_url": TogetherSettings().address})
    context = build_context(settings)
    centre = context.centre
    if options.department not in ("", *centre.department):
        raise UnknownPlaceError(f"{centre.id} has no department {options.department!r}")
    if options.one_time is not None:
        return _one_time(context, options)
    for qr_code in context.qr_codes.values():
        place = qr_code.place
        if qr_code.former or options.department not in ("", place.department_id):
            continue
        if options.counter not in ("", place.counter_id):
            continue
        address = address_of(context, qr_code)
        name = place.name(options.lang) or centre.name.get(options.lang)
        print(f"{qr_code.audience:8}  {address}  {name}")
        if options.terminal:
            print(terminal(address))
        parts = (place.department_id, place.counter_id, qr_code.audience)
        file = "-".join(part for part in parts if part)
        for folder, suffix, data in (
            (options.png, "png", png(address) if options.png else b""),
            (options.svg, "svg", svg(address).encode() if options.svg else b""),
        ):
            if folder is not None:
                folder.mkdir(parents=True, exist_ok=True)
                (folder / f"{file}.{suffix}").write_bytes(data)
    # Last, where it is seen: the list may be long.
    if warning := warning_of(context, options.lang):
        print(f"\n*** {warning}", file=sys.stderr)
    return 0


def _one_time(context: Context, options: argparse.Namespace) -> int:
    """Print new one-time codes as CSV."""
    if not (1 <= options.one_time <= MOST_CODES and 1 <= options.days <= 730):
        print(_say(options)("one_time_bounds", most=MOST_CODES), file=sys.stderr)
        return 2
    place = bind(context.centre, options.department, options.counter)
    today = context.now().date()
    until = today + timedelta(days=options.days)
    form = context.citizens_code(place).code
    codes = make(context.outbox, form, options.one_time, until, today)
    sys.stdout.write(as_csv(codes, context.settings.deep_link, until))
    if warning := warning_of(context, options.lang):
        print(f"\n*** {warning}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
