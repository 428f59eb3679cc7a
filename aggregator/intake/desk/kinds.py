"""What the desk takes: the kinds of tables, their fields, and what offices call their columns."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal, get_args

from surveys.definition import Level, Question, Survey
from surveys.text import without_marks

KindName = Literal["ratings", "ballots", "transactions", "dossiers", "facts", "roster"]
KINDS: tuple[KindName, ...] = get_args(KindName)
# How a cell of a field is read; see values.py.
Meaning = Literal[
    "day", "time", "department", "counter", "answer", "answers", "count", "whole", "days",
    "extent", "yes", "complaint", "official", "text",
]  # fmt: skip
LEVEL = "level_"  # begins the name of a field that counts a level: a table of totals
NUMBERED = ("cau {}", "cau hoi {}", "c{}", "tieu chi {}", "tc{}", "q{}", "{}")

# What offices call a field, folded; the first names are the surer ones.
HEADERS: Mapping[str, Sequence[str]] = {
    "day": (
        *("ngay", "ngay thang", "ngay thang nam", "ngay danh gia", "ngay khao sat", "date", "day"),
        *("ngay lay y kien", "ngay lap phieu", "ngay giai quyet", "ngay tra ket qua"),
        *("thoi gian danh gia", "thoi diem danh gia", "answered at", "thoi diem", "thoi gian"),
    ),
    "time": ("gio", "gio danh gia", "time", "luc"),
    "department": (
        *("co quan", "co quan don vi", "don vi", "so nganh", "so", "department", "so ban nganh"),
        *("ten co quan", "ten don vi", "ten so", "co quan giai quyet", "don vi giai quyet"),
        *("co quan thuc hien", "don vi thuc hien", "so ban nganh don vi", "linh vuc"),
    ),
    "counter": ("quay", "quay so", "so quay", "ten quay", "ma quay", "quay giao dich", "counter"),
    "count": ("so phieu", "so luong phieu", "so luot", "so luot danh gia", "so luong", "count"),
    "comment": ("y kien", "y kien khac", "gop y", "y kien gop y", "nhan xet", "comment"),
    "rating": (
        *("muc do hai long", "muc do", "muc danh gia", "danh gia", "ket qua danh gia", "rating"),
        *("muc hai long", "y kien danh gia"),
    ),
    "dossiers": (
        *("so ho so da giai quyet", "ho so da giai quyet", "so ho so", "da giai quyet"),
        *("tong so ho so", "so luong ho so", "ho so", "dossiers", "so ho so giai quyet"),
    ),
    "days_allowed": ("thoi han", "thoi han giai quyet", "so ngay quy dinh", "days allowed"),
    "days_taken": (
        *("so ngay giai quyet", "thoi gian giai quyet", "so ngay thuc te", "thoi gian thuc te"),
        "days taken",
    ),
    "agencies_early": ("so co quan som han", "co quan som han", "som han", "agencies early"),
    "agencies_on_time": ("so co quan dung han", "co quan dung han", "dung han", "agencies on time"),
    "agencies_late": ("so co quan tre han", "co quan tre han", "tre han", "qua han",
                      "agencies late"),
    "desk_contacts": ("so lan lien he bo phan mot cua", "so lan lien he", "so lan di lai",
                      "desk contacts"),
    "agencies_contacted": ("so co quan phai lien he", "so co quan lien he", "agencies contacted"),
    "complaint": ("phan anh kien nghi", "phan anh", "khieu nai", "complaint"),
    "decided_at_desk": ("giai quyet tai bo phan mot cua", "quyet dinh tai mot cua",
                        "decided at desk"),
    "posted": ("niem yet", "niem yet cong khai", "posted"),
    "published_online": ("cong khai tren mang", "cong khai truc tuyen", "published online"),
    "feedback": ("so phan anh kien nghi", "so phan anh", "feedback"),
    "feedback_on_time": ("tra loi dung han", "so phan anh tra loi dung han", "feedback on time"),
    "online": ("thuc hien truc tuyen", "dich vu cong truc tuyen", "online"),
    "official": ("so hieu", "so hieu cong chuc", "ma cong chuc", "ma can bo", "official"),
    "from": ("tu", "tu gio", "bat dau", "gio bat dau", "from"),
    "to": ("den", "den gio", "ket thuc", "gio ket thuc", "to"),
}  # fmt: skip

# What short words offices write for a level, by its name folded.
SHORT = {
    "rat hai long": ("rhl",),
    "hai long": ("hl",),
    "binh thuong": ("bt",),
    "khong hai long": ("khl", "chua hai long"),
    "rat khong hai long": ("rkhl",),
}


@dataclass(frozen=True)
class Field:
    """A column of the desk. ``headers`` are folded; ``question`` is behind an answer."""

    name: str
    meaning: Meaning
    headers: Sequence[str] = ()
    required: bool = False
    question: Question | None = None
    counted: Level | None = None  # the level that the field counts

    @property
    def code(self) -> int | None:
        return self.counted.code if self.counted else None


@dataclass(frozen=True)
class Kind:
    """A kind of table. ``survey`` is the instrument of answers, else None."""

    name: KindName
    fields: Sequence[Field]
    survey: Survey | None = None

    def field(self, name: str) -> Field:
        return next(field for field in self.fields if field.name == name)


def folded(text: str) -> str:
    """A text as headers and names are compared: small letters and digits without marks."""
    return re.sub(r"[\W_]+", " ", without_marks(text).casefold()).strip()


def kind_of(name: KindName, survey: Survey | None = None) -> Kind:
    """The kind of a name; ``survey`` is the instrument of ``ratings`` and ``ballots``."""
    if survey is not None and name in ("ratings", "ballots"):
        return Kind(name, list(_answers(survey)), survey)
    return Kind(name, [_field(*one) for one in PLAIN[name]])


# Fields as name, meaning and whether a row is nothing without it.
PLAIN: Mapping[KindName, Sequence[tuple[str, Meaning, bool]]] = {
    "transactions": (
        ("day", "day", True),
        ("department", "department", False),
        ("dossiers", "whole", True),
    ),
    "dossiers": (
        ("day", "day", True),
        ("department", "department", True),
        ("days_allowed", "days", False),
        ("days_taken", "days", False),
        ("agencies_early", "whole", False),
        ("agencies_on_time", "whole", False),
        ("agencies_late", "whole", False),
        ("desk_contacts", "whole", False),
        ("agencies_contacted", "whole", False),
        ("complaint", "complaint", False),
    ),
    "facts": (
        ("day", "day", True),
        ("department", "department", True),
        ("decided_at_desk", "extent", False),
        ("posted", "yes", False),
        ("published_online", "yes", False),
        ("feedback", "whole", False),
        ("feedback_on_time", "whole", False),
        ("online", "extent", False),
    ),
    "roster": (
        ("official", "official", True),
        ("counter", "counter", True),
        ("day", "day", True),
        ("from", "time", True),
        ("to", "time", True),
    ),
}


def _field(name: str, meaning: Meaning, required: bool = False) -> Field:
    return Field(name, meaning, HEADERS.get(name, ()), required)


def _answers(survey: Survey) -> Iterator[Field]:
    yield _field("day", "day", True)
    yield _field("time", "time")
    yield _field("department", "department")
    yield _field("counter", "counter")
    rating = survey.questions.get("rating")
    for number, question in enumerate(survey.questions.values(), 1):
        headers = list(dict.fromkeys((*HEADERS.get(question.id, ()), *_called(question, number))))
        meaning: Meaning = {"many": "answers", "number": "whole"}.get(question.kind, "answer")  # type: ignore[assignment]
        yield Field(question.id, meaning, headers, question=question)
    scale = survey.scale_of(rating) if rating else None
    for level in scale.levels if rating and scale else ():
        headers = [*names_of(level.vi, level.en), f"muc {level.code}", f"{level.code}"]
        headers += [f"so luot {folded(level.vi)}", f"so phieu {folded(level.vi)}"]
        yield Field(f"{LEVEL}{level.code}", "count", headers, question=rating, counted=level)
    yield _field("count", "count")
    if survey.comment:
        yield _field("comment", "text")


def _called(question: Question, number: int) -> list[str]:
    """What a question may be called: its id, its number in the form, its text."""
    own = folded(question.id)
    numbers = {str(number), *re.findall(r"[0-9]+$", question.id)} if own != "rating" else set()
    numbered = [name.format(one) for one in sorted(numbers) for name in NUMBERED]
    return [own, *numbered, folded(question.text.vi), folded(question.text.en)]


@cache
def names_of(vi: str, en: str) -> tuple[str, ...]:
    """The folded names of a level, with the short words that offices write."""
    return (folded(vi), folded(en), *SHORT.get(folded(vi), ()))
