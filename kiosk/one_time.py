"""One-time codes: printed on the receipt of a dossier, each lets one form in and then no more.

Known is a hash of each, with the form that it opens. Whether it was used is one bit, set in the
transaction that puts the answer in the queue: exactly once, whatever is sent again or crashes.
Nothing else is written of it, no time and no id, so that nobody can tell later which answer was
given with which code.
"""

import csv
import io
import secrets
import sqlite3
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Literal

import anyio.to_thread
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from kiosk.code_rows import is_burnt, row_of
from kiosk.context import context_of
from kiosk.outbox import Outbox
from kiosk.screens import redirect
from surveys.receipts import ALPHABET, HASH, LENGTH, normal_code, once_hash, read_code

State = Literal["good", "used", "unknown"]


class Given(BaseModel):
    """A one-time code that the aggregator has given out, as this kiosk gets it."""

    number: Annotated[int, Field(gt=0)]
    hash: Annotated[str, Field(pattern=HASH)]
    department: str | None = None
    counter: str | None = None
    until: date


class UsedCodeError(Exception):
    """A one-time code that lets nothing in: it was used, has expired, or is another form's."""


def make(outbox: Outbox, form: str, number: int, until: date, today: date) -> list[str]:
    """New one-time codes for a form, by its characters, that are good until a day.

    Those that have expired are forgotten. Raises OutboxError.
    """
    codes = ["".join(secrets.choice(ALPHABET) for _ in range(LENGTH)) for _ in range(number)]
    rows = [row_of(once_hash(code), form, until.isoformat(), burnt=False) for code in codes]
    with outbox.disk.transaction() as connection:
        connection.execute("DELETE FROM one_time WHERE until < ?", (today.isoformat(),))
        connection.executemany(
            "INSERT INTO one_time (hash, form, until, burnt, checksum) VALUES (?, ?, ?, ?, ?)", rows
        )
    return codes


def take(outbox: Outbox, form: str, hash: str, until: date) -> None:
    """Take a code that the aggregator gave out for a form; one that is here already stays.

    Raises OutboxError.
    """
    row = row_of(hash, form, until.isoformat(), burnt=False)
    with outbox.disk.transaction() as connection:
        connection.execute(
            "INSERT OR IGNORE INTO one_time (hash, form, until, burnt, checksum)"
            " VALUES (?, ?, ?, ?, ?)",
            row,
        )


def as_csv(codes: Sequence[str], base: str, until: date) -> str:
    """The codes with their addresses, for the software that prints receipts."""
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(("code", "address", "until"))
    writer.writerows((code, f"{base}/o/{code}", until.isoformat()) for code in codes)
    return written.getvalue()


def look_up(outbox: Outbox, code: str, today: date) -> tuple[State, str]:
    """Whether a code lets a form in, and the characters of that form. Raises OutboxError."""
    with outbox.disk.transaction(write=False) as connection:
        row = _row(connection, code)
    if row is None or row[2] < today.isoformat():
        return "unknown", ""
    return ("used" if is_burnt(*row) else "good"), row[1]


def burn(connection: sqlite3.Connection, code: str, form: str, today: date) -> None:
    """Use a code up, in the transaction that stores what it lets in. Raises UsedCodeError."""
    row = _row(connection, code)
    if row is None or row[1] != form or row[2] < today.isoformat() or is_burnt(*row):
        raise UsedCodeError
    hash, *_, burnt, checksum = row_of(*row[:3], burnt=True)
    connection.execute(
        "UPDATE one_time SET burnt = ?, checksum = ? WHERE hash = ?", (burnt, checksum, hash)
    )


def _row(connection: sqlite3.Connection, code: str) -> tuple[str, str, str, object, object] | None:
    row = connection.execute(
        "SELECT hash, form, until, burnt, checksum FROM one_time WHERE hash = ?", (once_hash(code),)
    ).fetchone()
    return None if row is None else (str(row[0]), str(row[1]), str(row[2]), row[3], row[4])


async def open_form(request: Request) -> Response:
    """Lead from the short address on a receipt to the form of its place."""
    context, code = context_of(request), read_code(request.path_params["code"])
    if code is None:
        raise HTTPException(404)
    today = context.now().date()
    state, form = await anyio.to_thread.run_sync(look_up, context.outbox, code, today)
    if state == "unknown" and await context.uploader.fetch_codes():  # it may be minutes old
        state, form = await anyio.to_thread.run_sync(look_up, context.outbox, code, today)
    if state == "unknown" or form not in context.qr_codes:
        raise HTTPException(404)
    # One that was used still leads there: the phone that used it gets its thanks again.
    return redirect(f"/f/{form}?once={normal_code(code)}")
