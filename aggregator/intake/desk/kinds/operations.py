"""Operating figures: what was counted of the centre's work, by span of days and department."""

from collections.abc import Iterable

from aggregator.intake.desk.fields import DEPARTMENT, MOST_SET, Field, Kind, Rows, Setting
from aggregator.intake.files import Record
from aggregator.intake.operations import operations_of

SPAN = (
    Field(
        "span",
        "span",
        ("ky", "ky bao cao", "ky so lieu", "thang", "quy", "thang nam", "period", "month"),
    ),
    Field("since", "day", ("tu ngay", "ngay bat dau", "since", "from", "tu")),
    Field("until", "day", ("den ngay", "den het ngay", "ngay ket thuc", "until", "to", "den")),
)
HEADERS = {
    "visits": (
        *("so luot khach", "luot khach", "so luot cong dan", "luot giao dich"),
        *("so luot giao dich", "so luot", "visits"),
    ),
    "received": (
        *("ho so tiep nhan", "so ho so tiep nhan", "tong so tiep nhan", "tiep nhan"),
        *("da tiep nhan", "dossiers received", "received"),
    ),
    "settled": (
        *("ho so da giai quyet", "so ho so da giai quyet", "da giai quyet", "giai quyet"),
        *("dossiers resolved", "resolved", "settled"),
    ),
    "on_time": (
        *("dung han", "dung va truoc han", "truoc va dung han", "som va dung han"),
        *("giai quyet dung han", "ho so dung han", "dossiers on time or early", "on time"),
    ),
    "overdue": (
        *("qua han", "tre han", "ho so qua han", "ho so tre han", "overdue dossiers"),
        *("dossiers overdue", "overdue"),
    ),
    "cancelled": (
        *("bi huy", "huy", "ho so bi huy", "ho so huy", "cancelled dossiers"),
        *("dossiers cancelled", "cancelled"),
    ),
    "in_process": (
        *("dang giai quyet", "ho so dang giai quyet", "dossiers in process", "in process"),
    ),
    "online_level_3": (
        *("truc tuyen muc do 3", "muc do 3", "muc 3", "online level 3", "dossiers online level 3"),
    ),
    "online_level_4": (
        *("truc tuyen muc do 4", "muc do 4", "muc 4", "online level 4", "dossiers online level 4"),
    ),
    "postal": (
        *("buu chinh cong ich", "buu chinh", "qua buu chinh", "luot buu chinh", "postal uses"),
        *("postal service uses", "postal"),
    ),
    "procedures": (
        *("so thu tuc", "thu tuc hanh chinh", "so tthc", "thu tuc", "procedures offered"),
        "procedures",
    ),
    "on_the_spot": (
        *("thu tuc giai quyet tai cho", "giai quyet tai cho", "tai cho"),
        *("procedures settled on the spot", "on the spot"),
    ),
    "fees": (
        *("phi le phi", "phi va le phi", "thu phi le phi", "so tien phi le phi", "tong thu"),
        *("fees collected vnd", "fees"),
    ),
}
FIELDS = (*SPAN, DEPARTMENT, *(Field(name, "whole", names) for name, names in HEADERS.items()))


def kind() -> Kind:
    key = ("since", "until", "department")
    return Kind("operations", FIELDS, rows=_rows, key=key, most=MOST_SET, spanned=True)


def _rows(records: Iterable[Record], setting: Setting) -> Rows:
    return Rows(*operations_of(records, setting.centre, setting.today, setting.language))
