"""The mergers of 2025, played in the simulated quarter so that both organisations can be seen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from aggregator.organisation import acts
from surveys.centre import Centre
from surveys.definition import Text

DAYS_AGO = 45
REASON = "Sáp nhập như năm 2025, mô phỏng trong quý này"
MERGERS = {
    "so_ke_hoach_dau_tu": "so_tai_chinh",
    "so_giao_thong_van_tai": "so_xay_dung",
    "so_thong_tin_truyen_thong": "so_khoa_hoc_cong_nghe",
    "so_lao_dong_tbxh": "so_noi_vu",
    "so_tai_nguyen_moi_truong": "so_nong_nghiep",
}
RENAMED = {
    "so_nong_nghiep": Text(
        vi="Sở Nông nghiệp và Môi trường", en="Department of Agriculture and Environment"
    )
}


@dataclass(frozen=True)
class Mergers:
    """What is merged on a ``day`` into what: those of 2025 that a centre has."""

    day: date
    into: Mapping[str, str]

    @classmethod
    def of(cls, centre: Centre, today: date) -> "Mergers":
        there = centre.department
        into = {id: heir for id, heir in MERGERS.items() if id in there and heir in there}
        return cls(today - timedelta(days=DAYS_AGO), into)

    def applied(self, centre: Centre) -> Centre:
        """The centre's next version."""
        for id, heir in self.into.items():
            centre = acts.merge(centre, "department", id, heir, self.day)
        for id, name in RENAMED.items():
            if id in self.into.values():
                centre = acts.rename(centre, "department", id, name, self.day)
        return centre

    def at(self, department: str, day: date) -> str:
        """The department that serves on a day what another one served before."""
        return self.into.get(department, department) if day >= self.day else department

    def moved(self, forms: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Forms as they are given after the mergers."""
        return [
            {
                **one,
                "department": self.at(
                    one["department"], date.fromisoformat(one["answered_at"][:10])
                ),
            }
            for one in forms
        ]

    def added_up(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, object]]:
        """Dossiers by day and department after the mergers."""
        sums: dict[tuple[date, str], int] = {}
        for row in rows:
            key = row["day"], self.at(row["department"], row["day"])
            sums[key] = sums.get(key, 0) + row["dossiers"]
        return [
            {"day": day, "department": department, "dossiers": n}
            for (day, department), n in sums.items()
        ]


NONE = Mergers(date.max, {})
