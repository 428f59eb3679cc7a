"""Settled dossiers, a row each, for the indicators of Circular 01/2018/TT-VPCP."""

from collections.abc import Iterable
from dataclasses import replace

from aggregator.intake.desk.fields import DAY, DEPARTMENT, Field, Kind, Rows, Setting
from aggregator.intake.files import Record
from aggregator.intake.handling import dossiers_of
from aggregator.storage.handling import dossier_rows

FIELDS = (
    DAY,
    replace(DEPARTMENT, required=True),
    Field("days_allowed", "days", ("thoi han", "thoi han giai quyet", "so ngay quy dinh",
                                   "days allowed")),
    Field("days_taken", "days", ("so ngay giai quyet", "thoi gian giai quyet", "so ngay thuc te",
                                 "thoi gian thuc te", "days taken")),
    Field("agencies_early", "whole", ("so co quan som han", "co quan som han", "som han",
                                      "agencies early")),
    Field("agencies_on_time", "whole", ("so co quan dung han", "co quan dung han", "dung han",
                                        "agencies on time")),
    Field("agencies_late", "whole", ("so co quan tre han", "co quan tre han", "tre han", "qua han",
                                     "agencies late")),
    Field("desk_contacts", "whole", ("so lan lien he bo phan mot cua", "so lan lien he",
                                     "so lan di lai", "desk contacts")),
    Field("agencies_contacted", "whole", ("so co quan phai lien he", "so co quan lien he",
                                          "agencies contacted")),
    Field("complaint", "complaint", ("phan anh kien nghi", "phan anh", "khieu nai", "complaint")),
)  # fmt: skip


def kind() -> Kind:
    return Kind("dossiers", FIELDS, rows=_rows)


def _rows(records: Iterable[Record], setting: Setting) -> Rows:
    counts, n, problems = dossiers_of(records, setting.centre, setting.today, setting.language)
    return Rows(dossier_rows(counts), n, problems)
