"""The simulated quarter's cases: some in each state, most answered in time, one overdue."""

from datetime import datetime, time, timedelta
from typing import NamedTuple

from aggregator.storage.cases import Kind, Way
from aggregator.storage.store import Store
from surveys.centre import Centre

BY_CASES = "so_nong_nghiep"  # a department whose feedback is known by its cases alone
MANAGER, HEAD = "quan_ly", "truong_bo_phan"  # invented accounts, which cannot sign in


class Told(NamedTuple):
    """A complaint that came by hand, and the answer to it."""

    way: Way
    text: str
    answer: str


# Ours, invented, as people write.
TOLD = (
    Told(
        "letter",
        "Hồ sơ phải bổ sung ba lần, mỗi lần một loại giấy khác nhau. Đề nghị hướng dẫn đủ một lần.",
        "Xin lỗi Ông/Bà vì hướng dẫn chưa đủ. Quầy đã có phiếu hướng dẫn một lần cho thủ tục này.",
    ),
    Told(
        "phone",
        "Gọi số hướng dẫn nhiều lần buổi sáng không ai nhấc máy.",
        "Từ tuần này có người trực điện thoại trong suốt giờ làm việc.",
    ),
    Told(
        "desk",
        "Lấy số từ 7 giờ 30 mà đến 10 giờ mới được gọi, không ai giải thích.",
        "Sáng hôm đó hệ thống lấy số bị lỗi. Khi có lỗi, nhân viên sẽ thông báo ngay tại sảnh.",
    ),
    Told(
        "letter",
        "Kết quả hẹn ngày 12 nhưng đến ngày 16 vẫn chưa có, không có tin nhắn xin lỗi.",
        "Hồ sơ chậm do xác minh ở xã. Trung tâm xin lỗi và đã gửi thư xin lỗi theo quy định.",
    ),
)
# Of each case how many days ago it came, and what was done how many days later.
Steps = tuple[tuple[Kind, int], ...]
ANSWERED: Steps = (("assigned", 0), ("answered", 4))
CLOSED: Steps = (*ANSWERED, ("closed", 5))
STAGES: tuple[tuple[int, Steps], ...] = (
    (80, CLOSED),
    (66, CLOSED),
    (52, (("assigned", 1), ("answered", 28), ("closed", 29))),  # too late
    (40, CLOSED),
    (38, (*CLOSED, ("reopened", 36))),
    (29, (("assigned", 1),)),  # overdue
    (20, ANSWERED),
    (8, (("assigned", 2),)),
    (3, (("assigned", 1),)),
    (1, ()),
)


def add_cases(store: Store, centre: Centre, now: datetime) -> None:
    """Write cases of letters, calls and visits, and the newest of comments, up to now."""
    departments = centre.open_departments(centre.local_day(now))
    since = centre.local_day(now) - timedelta(days=10)
    comments = (row.id for row in store.submissions(since, None) if row.comment)
    for number, (days, steps) in enumerate(STAGES):
        told, at = TOLD[number % len(TOLD)], _morning(centre, now - timedelta(days=days))
        due = centre.after_open(at, centre.cases.answer_hours)
        if days < 6 and (submission := next(comments, None)):
            case = store.cases.open(at, due, MANAGER, "comment", submission=submission)
        else:
            case = store.cases.open(at, due, MANAGER, told.way, text=told.text)
        department = departments[number % len(departments)].id
        for kind, later in steps:
            when = _morning(centre, at + timedelta(days=later)) + timedelta(minutes=7 * number + 5)
            when = min(now, when)
            _do(store, centre, case, kind, when, department, told)


def _do(
    store: Store, centre: Centre, number: int, kind: Kind, at: datetime, to: str, told: Told
) -> None:
    case = store.cases.get(number)
    assert case is not None  # noqa: S101 - it was made just before
    match kind:
        case "assigned":
            store.cases.act(case, kind, at, MANAGER, department=to)
        case "answered":
            store.cases.act(case, kind, at, HEAD, text=told.answer)
        case "reopened":
            due = centre.after_open(at, centre.cases.answer_hours)
            again = "Việc này vẫn lặp lại, mong Trung tâm xem thêm."
            store.cases.act(case, kind, at, None, text=again, due_at=due)
        case _:
            store.cases.act(case, kind, at, MANAGER)


def _morning(centre: Centre, moment: datetime) -> datetime:
    """Nine o'clock on the centre's day of a moment, on the Friday before where it is a weekend."""
    day = centre.local_day(moment)
    day -= timedelta(days=max(0, day.weekday() - 4))
    return datetime.combine(day, time(9), centre.zone)
