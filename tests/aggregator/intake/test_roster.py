"""The roster: taken whole or not at all, with the line and the reason of what is wrong."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.__main__ import main
from aggregator.intake.files import FileError
from aggregator.intake.roster import RosterError, read_roster
from aggregator.storage.audit import Search, entry
from aggregator.storage.roster import Overlap, Shift, refuse_overlaps
from aggregator.storage.store import Store
from surveys.centre import Centre
from tests.aggregator.conftest import CENTRE

TODAY, DAY = date(2026, 11, 23), date(2026, 11, 20)
HEAD = "official,counter,day,from,to\n"
GOOD = HEAD + (
    "CC.012,q05,2026-11-20,07:30,11:30\n"
    "CC.013,q05,2026-11-20,13:30,17:00\n"
    "cc.013,q06,2026-11-20,7:30,11:30\n"
)
OTHER = Shift(DAY, "q07", 450, 690, "CC.012")


def problems(text: str | bytes, centre: Centre) -> dict[int, str]:
    data = text.encode() if isinstance(text, str) else text
    with pytest.raises(RosterError) as refused:
        read_roster(data, "roster.csv", centre, TODAY, "en")
    return dict(refused.value.problems)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("CC.1,q99,2026-11-20,07:30,11:30", "counter: there is no counter"),
        ("CC.1,,2026-11-20,07:30,11:30", "counter"),
        ("CC.1,q05,2026-11-20,25:00,26:00", "from: is not a time"),
        ("CC.1,q05,2026-11-20,07:30,7.5", "to: is not a time"),
        ("CC.1,q05,2026-11-20,11:30,07:30", "to: the shift ends before"),
        ("CC.1,q05,2026-11-20,11:30,11:30", "to: the shift ends before"),
        ("CC.1,q05,2026-02-30,07:30,11:30", "day: is not a day"),
        ("CC.1,q05,1999-12-31,07:30,11:30", "day: is before"),
        ("CC.1,q05,2028-11-20,07:30,11:30", "day: is after"),
        ("Nguyễn Văn A,q05,2026-11-20,07:30,11:30", "official: is no official's number"),
        ("NGUYENVANA,q05,2026-11-20,07:30,11:30", "official: is no official's number"),
        ("<b>1</b>,q05,2026-11-20,07:30,11:30", "official: is no official's number"),
        ("=1+1,q05,2026-11-20,07:30,11:30", "official: is no official's number"),
        ("١٢,q05,2026-11-20,07:30,11:30", "official: is no official's number"),
        ("1" * 21 + ",q05,2026-11-20,07:30,11:30", "official: is no official's number"),
        ("CC.1,q05,2026-11-20,07:30", "4"),
        ("CC.9,q05,2026-11-20,11:29,12:00", "overlaps with the shift 07:30–11:30"),
        ("CC.012,q07,2026-11-20,08:00,08:01", "overlaps with the shift 07:30–11:30"),
        ("CC.012,q05,2026-11-20,07:30,11:30", "already on line 2"),
    ],
)
def test_a_wrong_line_is_named_with_its_reason(centre: Centre, row: str, reason: str) -> None:
    found = problems(f"{GOOD}{row}\n", centre)
    assert list(found) == [5]
    assert reason in found[5]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfeo\x00",
        GOOD.encode() + b"\x00",
        b"a,b\n1,2\n",
        (HEAD.strip() + ",name\nCC.1,q05,x,y,z,An\n").encode(),
    ],
)
def test_what_is_no_roster_is_refused_as_a_file(centre: Centre, data: bytes) -> None:
    with pytest.raises(FileError):
        read_roster(data, "roster.csv", centre, TODAY, "vi")


def put(store: Store, shifts: list[Shift], **how: bool) -> tuple[int, int]:
    now = datetime(2026, 11, 23, tzinfo=UTC)
    return store.roster.put(
        shifts,
        lambda n, m: entry(now, "", "roster.imported", file="x", added=n, removed=m),
        **how,
    )


def test_a_file_replaces_its_days_and_counters_and_twice_changes_nothing(
    store: Store, centre: Centre
) -> None:
    shifts = list(read_roster(GOOD.encode(), "roster.csv", centre, TODAY, "en"))
    assert put(store, shifts) == (3, 0)
    assert put(store, shifts) == (0, 0)
    assert store.audit.count(Search(kind="roster")) == 1
    assert put(store, [Shift(DAY, "q05", 450, 700, "CC.099")]) == (1, 2)
    left = store.roster.shifts(DAY, DAY)
    assert [(one.counter, one.official) for one in left] == [("q05", "CC.099"), ("q06", "CC.013")]
    with pytest.raises(Overlap):
        put(store, [Shift(DAY, "q07", 0, 60, "CC.1"), Shift(DAY, "q08", 500, 600, "CC.013")])
    with pytest.raises(Overlap):
        put(store, [Shift(DAY, "q05", 699, 701, "CC.5")], whole_days=False)
    assert store.roster.shifts(DAY, DAY) == left
    assert store.roster.seats(DAY, DAY)[0] == ("CC.013", "q06", 1, 240)


def test_the_command_takes_a_file_or_nothing(
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("HAILONG_DATABASE_URL", store.engine.url.render_as_string(False))
    monkeypatch.setenv("HAILONG_CENTRE", str(CENTRE))
    file = tmp_path / "roster.csv"
    file.write_text(f"{GOOD}CC.1,q99,2026-11-20,07:30,11:30\n", "utf-8")
    assert main(["roster", "import", str(file)]) == 1
    assert "5" in capsys.readouterr().err
    assert store.roster.shifts(DAY, DAY) == []
    file.write_text(GOOD, "utf-8-sig")
    assert main(["roster", "import", str(file)]) == 0
    assert len(store.roster.shifts(DAY, DAY)) == 3
    put(store, [OTHER._replace(day=date(2026, 11, 21))])
    file.write_text(HEAD + "CC.012,q05,2026-11-21,08:00,09:00\n", "utf-8")
    assert main(["roster", "import", str(file), "--lang", "en"]) == 1
    assert "overlaps" in capsys.readouterr().err


@given(
    st.lists(
        st.builds(
            lambda counter, begins, length, official: Shift(
                DAY, counter, begins, begins + length, official
            ),
            st.sampled_from(["q05", "q06"]),
            st.integers(0, 8),
            st.integers(1, 3),
            st.sampled_from(["CC.1", "CC.2"]),
        ),
        max_size=5,
        unique=True,
    )
)
def test_overlaps_are_found_exactly_where_a_minute_is_shared(shifts: list[Shift]) -> None:
    def meet(one: Shift, other: Shift) -> bool:
        same = one.counter == other.counter or one.official == other.official
        return same and max(one.begins, other.begins) < min(one.ends, other.ends)

    shared = any(meet(a, b) for n, a in enumerate(shifts) for b in shifts[:n])
    if not shared:
        refuse_overlaps(shifts)
        return
    with pytest.raises(Overlap) as refused:
        refuse_overlaps(shifts)
    assert meet(refused.value.shift, refused.value.other)
