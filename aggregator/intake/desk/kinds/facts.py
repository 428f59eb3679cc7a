"""How departments stood on a day, for the indicators of Circular 01/2018/TT-VPCP."""

from collections.abc import Iterable
from dataclasses import replace

from aggregator.intake.desk.fields import (
    DAY,
    DEPARTMENT,
    MOST_SET,
    Field,
    Kind,
    Rows,
    Setting,
)
from aggregator.intake.files import Record
from aggregator.intake.handling import facts_of
from aggregator.storage.handling import facts_rows

FIELDS = (
    DAY,
    replace(DEPARTMENT, required=True),
    Field("decided_at_desk", "extent", ("giai quyet tai bo phan mot cua", "quyet dinh tai mot cua",
                                        "decided at desk")),
    Field("posted", "yes", ("niem yet", "niem yet cong khai", "posted")),
    Field("published_online", "yes", ("cong khai tren mang", "cong khai truc tuyen",
                                      "published online")),
    Field("feedback", "whole", ("so phan anh kien nghi", "so phan anh", "feedback")),
    Field("feedback_on_time", "whole", ("tra loi dung han", "so phan anh tra loi dung han",
                                        "feedback on time")),
    Field("online", "extent", ("thuc hien truc tuyen", "dich vu cong truc tuyen", "online")),
)  # fmt: skip


def kind() -> Kind:
    return Kind("facts", FIELDS, rows=_rows, key=("day", "department"), most=MOST_SET)


def _rows(records: Iterable[Record], setting: Setting) -> Rows:
    facts, problems = facts_of(records, setting.centre, setting.today, setting.language)
    return Rows(facts_rows(facts), len(facts), problems)
