"""Commands on who may do what: tokens of devices and readers, and accounts."""

import argparse
import getpass
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from aggregator.commands import is_of_province, own_settings_of, settings_of
from aggregator.commands.store import opened
from aggregator.dashboard.accounts import AccountError, Accounts
from aggregator.settings import Settings
from aggregator.storage.audit import COMMAND_LINE, entry
from aggregator.storage.credentials import (
    OF_CENTRES,
    Credentials,
    LastAdministratorError,
    TokenKind,
)
from surveys.centre import load_definitions

ADDED = {
    "device": "device.added",
    "reader": "device.reader_added",
    "one_stop": "device.one_stop_added",
}
REMOVED = {
    "device": "device.removed",
    "reader": "device.reader_removed",
    "one_stop": "device.one_stop_removed",
}


@contextmanager
def _accounts(settings: Settings) -> Iterator[tuple[Accounts, Credentials]]:
    """The settings' accounts, and what is stored of them."""
    with opened(settings) as store:
        yield Accounts(store, lambda: datetime.now(UTC)), store.credentials


def run_token(options: argparse.Namespace) -> int:
    kind: TokenKind = options.kind
    settings = own_settings_of(options) if kind == "reader" else settings_of(options)
    with _accounts(settings) as (accounts, credentials):
        if options.action == "list":
            for name, created in credentials.tokens(kind):
                print(f"{name}\t{created:%Y-%m-%d %H:%M} UTC")
        elif not options.name or not options.name.isprintable() or len(options.name) > 64:
            raise AccountError("bad_name")
        elif options.action == "remove":
            told = entry(datetime.now(UTC), COMMAND_LINE, REMOVED[kind], name=options.name)
            if kind == "device":
                removed = accounts.devices.revoke(options.name, told.at, told)
            else:
                removed = bool(credentials.remove_tokens_of(options.name, kind, new=told))
            if not removed:
                raise AccountError("unknown_name", name=options.name)
        elif options.action == "renew":
            told = entry(datetime.now(UTC), COMMAND_LINE, "device.renewed", name=options.name)
            print(accounts.renew_device(options.name, told))
        elif any(token.name == options.name for token in credentials.tokens(kind)):
            raise AccountError("name_taken", name=options.name)
        else:
            told = entry(datetime.now(UTC), COMMAND_LINE, ADDED[kind], name=options.name)
            if kind == "device":
                print(accounts.enrol(options.name, told, options.channel or ()))
            else:
                print(accounts.new_token(kind, options.name, new=told))
    return 0


def run_user(options: argparse.Namespace) -> int:
    settings = own_settings_of(options)
    with _accounts(settings) as (accounts, credentials):
        if options.action == "list":
            for user in credentials.users():
                where = f" {user.department}" if user.department else ""
                state = "\tdisabled" if user.disabled else ""
                when = f"{user.created_at:%Y-%m-%d %H:%M} UTC"
                print(f"{user.name}\t{user.role}{where}\t{when}{state}")
            return 0
        if options.action == "add":
            if options.role in OF_CENTRES and is_of_province(options):
                raise AccountError("no_heads")
            password = None if options.no_password else _ask_password()
            if options.department is not None:
                centre, _ = load_definitions(settings.centre)
                if options.department not in centre.department:
                    raise AccountError("no_department", department=options.department)
            accounts.add_user(options.name, options.role, password, department=options.department)
            if password is not None:
                return 0
        elif credentials.user(options.name) is None:
            raise AccountError("unknown_name", name=options.name)
        if options.action == "remove":
            told = entry(datetime.now(UTC), COMMAND_LINE, "account.removed", name=options.name)
            try:
                credentials.remove_user(options.name, told)
            except LastAdministratorError:
                raise AccountError("last_administrator") from None
        elif options.action == "password":
            accounts.set_password(options.name, _ask_password())
        else:
            print(accounts.new_link(options.name, settings.address))
    return 0


def _ask_password() -> str:
    """A password: typed twice, not shown, at a terminal; else the first line of the input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != password:
        raise AccountError("passwords_differ")
    return password
