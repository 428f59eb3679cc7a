"""Who sat at which counter: shifts of officials, known by their numbers."""

from collections.abc import Iterable
from dataclasses import replace

from aggregator.intake.desk.fields import COUNTER, DAY, Field, Kind, Rows, Setting
from aggregator.intake.files import Record
from aggregator.intake.roster import RosterError, shifts_of

FIELDS = (
    Field("official", "official", ("so hieu", "so hieu cong chuc", "ma cong chuc", "ma can bo",
                                   "official"), required=True),
    replace(COUNTER, required=True),
    DAY,
    Field("from", "time", ("tu", "tu gio", "bat dau", "gio bat dau", "from"), required=True),
    Field("to", "time", ("den", "den gio", "ket thuc", "gio ket thuc", "to"), required=True),
)  # fmt: skip


def kind() -> Kind:
    return Kind("roster", FIELDS, rows=_rows)


def _rows(records: Iterable[Record], setting: Setting) -> Rows:
    try:
        shifts = shifts_of(records, setting.centre, setting.today, setting.language)
    except RosterError as error:
        return Rows((), 0, error.problems)
    return Rows([list(shift) for shift in sorted(shifts)], len(shifts), ())
