"""The centre: the sample of Lai Châu, its published figures, and what a broken file is told."""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveys.centre import (
    WEEKDAYS,
    Centre,
    OpeningHours,
    check_definitions,
    load_centre,
    load_definitions,
)
from surveys.definition import DefinitionError, load_surveys

LAI_CHAU = Path(__file__).parents[2] / "deploy" / "lai_chau.toml"

DEPARTMENTS = {
    "so_cong_thuong": ("Sở Công Thương", "Department of Industry and Trade"),
    "so_giao_duc_dao_tao": ("Sở Giáo dục và Đào tạo", "Department of Education and Training"),
    "so_tu_phap": ("Sở Tư pháp", "Department of Justice"),
    "so_van_hoa_the_thao_du_lich": (
        "Sở Văn hóa, Thể thao và Du lịch",
        "Department of Culture, Sports and Tourism",
    ),
    "so_ke_hoach_dau_tu": ("Sở Kế hoạch và Đầu tư", "Department of Planning and Investment"),
    "so_y_te": ("Sở Y tế", "Department of Health"),
    "so_nong_nghiep": (
        "Sở Nông nghiệp và Phát triển nông thôn",
        "Department of Agriculture and Rural Development",
    ),
    "so_giao_thong_van_tai": ("Sở Giao thông vận tải", "Department of Transport"),
    "so_noi_vu": ("Sở Nội vụ", "Department of Home Affairs"),
    "so_tai_nguyen_moi_truong": (
        "Sở Tài nguyên và Môi trường",
        "Department of Natural Resources and Environment",
    ),
    "so_lao_dong_tbxh": (
        "Sở Lao động - Thương binh và Xã hội",
        "Department of Labour, War Invalids and Social Affairs",
    ),
    "so_xay_dung": ("Sở Xây dựng", "Department of Construction"),
    "so_thong_tin_truyen_thong": (
        "Sở Thông tin và Truyền thông",
        "Department of Information and Communications",
    ),
    "so_tai_chinh": ("Sở Tài chính", "Department of Finance"),
    "so_khoa_hoc_cong_nghe": ("Sở Khoa học và Công nghệ", "Department of Science and Technology"),
    "cong_ty_nuoc_sach": ("Công ty Nước sạch", "Clean Water Company"),
}

SMALL = """\
id = "small"
name = { vi = "Trung tâm", en = "Centre" }
province = { vi = "Lai Châu", en = "Lai Châu" }
time_zone = "Asia/Ho_Chi_Minh"
opening_hours = [{ days = ["mon"], opens = 07:30:00, closes = 11:30:00 }]

[[departments]]
id = "justice"
name = { vi = "Tư pháp", en = "Justice" }
counters = [{ id = "q01", name = { vi = "Quầy 01", en = "Counter 01" } }]
"""
HEALTH = """
[[departments]]
id = "health"
name = { vi = "Y tế", en = "Health" }
counters = [{ id = "q02", name = { vi = "Quầy 02", en = "Counter 02" } }]
"""
FIGURE = "k = 9\nn = 10"
REFERENCE = f"""
[[references]]
id = "device"
label = {{ vi = "Thiết bị", en = "Device" }}
survey = "in_centre"
measure = "very_satisfied"
{FIGURE}
scale = {{ vi = "5 mức", en = "5 levels" }}
mode = {{ vi = "Tại quầy", en = "At the counter" }}
population = {{ vi = "Người đến", en = "Visitors" }}
period_from = 2019-09-03
period_to = 2020-05-12
source = "test"
"""
MARGIN = """
[[margins]]
survey = "sipas_2020"
variable = "channel"
population = { vi = "Hồ sơ", en = "Dossiers" }
source = "test"
shares = { kiosk = 0.7, qr = 0.3 }
"""
FULL = SMALL + HEALTH + REFERENCE + MARGIN


def load(folder: Path, text: str) -> Centre:
    path = folder / "small.toml"
    path.write_text(text, "utf-8")
    return load_centre(path)


@pytest.fixture(scope="module")
def lai_chau() -> Centre:
    return load_centre(LAI_CHAU)


def test_lai_chau_has_its_sixteen_departments_in_order(lai_chau: Centre) -> None:
    names = {one.id: (one.name.vi, one.name.en) for one in lai_chau.departments}
    assert names == DEPARTMENTS
    assert list(names) == list(DEPARTMENTS)
    assert lai_chau.name.vi == "Trung tâm Phục vụ hành chính công tỉnh Lai Châu"


def test_every_department_of_lai_chau_can_be_rated_at_a_counter(lai_chau: Centre) -> None:
    assert all(department.counters for department in lai_chau.departments)
    assert lai_chau.department_of["q05"] == "so_tu_phap"
    assert lai_chau.counter["q05"].name.vi == "Quầy 05"
    assert set(lai_chau.department_of) == set(lai_chau.counter)


def test_every_counter_name_shows_its_id(lai_chau: Centre) -> None:
    for counter in lai_chau.counter.values():
        assert counter.name.vi == f"Quầy {counter.id[1:]}"
        assert counter.name.en == f"Counter {counter.id[1:]}"


def test_the_published_figures_of_lai_chau(lai_chau: Centre) -> None:
    figures = {
        one.id: (one.survey, one.measure, one.k, one.n, one.share) for one in lai_chau.references
    }
    assert figures == {
        "device_2020": ("in_centre", "very_satisfied", 3355, 3483, None),
        "device_2020_satisfied": ("in_centre", "satisfied_or_better", 3483, 3483, None),
        "paper_2020": ("paper_ballot_2020", "favourable", 82, 82, None),
        "sipas_2019_lai_chau": ("sipas_2020", "satisfied_or_better", None, None, 0.8233),
        "sipas_2019_national": ("sipas_2020", "satisfied_or_better", None, None, 0.8445),
    }
    shares = {one.id: round(100 * one.value, 1) for one in lai_chau.references}
    assert shares["device_2020"] == 96.3
    assert shares["device_2020_satisfied"] == 100


def test_the_published_figures_name_surveys_and_measures_that_exist(lai_chau: Centre) -> None:
    surveys = load_surveys()
    for reference in lai_chau.references:
        measures = {
            name for scale in surveys[reference.survey].scales.values() for name in scale.measures
        }
        assert reference.measure in measures, reference.id


def test_the_device_and_the_drawn_sample_differ_in_mode(lai_chau: Centre) -> None:
    """Shown side by side they need the warning, and it has to fit in one line of a table."""
    modes = {one.id: one.mode for one in lai_chau.references}
    assert modes["device_2020"] == modes["device_2020_satisfied"]
    assert modes["sipas_2019_lai_chau"] == modes["sipas_2019_national"]
    assert len({modes[name] for name in ("device_2020", "paper_2020", "sipas_2019_lai_chau")}) == 3
    assert all(len(mode.vi) <= 45 and len(mode.en) <= 45 for mode in modes.values())


def test_the_periods_of_the_published_figures(lai_chau: Centre) -> None:
    periods = {one.id: (one.period_from, one.period_to) for one in lai_chau.references}
    centre = (date(2019, 9, 3), date(2020, 5, 12))
    year = (date(2019, 1, 1), date(2019, 12, 31))
    assert [periods[one.id] for one in lai_chau.references] == [centre, centre, centre, year, year]


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2026, 11, 23, 16, 59, 59, tzinfo=UTC), date(2026, 11, 23)),
        (datetime(2026, 11, 23, 17, 0, 0, tzinfo=UTC), date(2026, 11, 24)),
        (datetime(2026, 12, 31, 17, 0, 0, tzinfo=UTC), date(2027, 1, 1)),
        (datetime(2026, 11, 23, 0, 0, tzinfo=timezone(timedelta(hours=7))), date(2026, 11, 23)),
        (datetime(2026, 11, 23, 23, 0, tzinfo=timezone(-timedelta(hours=5))), date(2026, 11, 24)),
    ],
)
def test_a_moment_belongs_to_the_local_day(lai_chau: Centre, moment: datetime, day: date) -> None:
    assert lai_chau.local_day(moment) == day


@given(
    moment=st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1)),
    hours=st.integers(min_value=-12, max_value=14),
)
def test_the_local_day_does_not_depend_on_how_the_moment_is_written(
    moment: datetime, hours: int
) -> None:
    centre = load_centre(LAI_CHAU)
    instant = moment.replace(tzinfo=UTC)
    elsewhere = instant.astimezone(timezone(timedelta(hours=hours)))
    assert centre.local_day(elsewhere) == centre.local_day(instant)
    assert centre.local_day(instant) == (moment + timedelta(hours=7)).date()


def test_the_minimums_have_defaults_that_a_file_may_change(tmp_path: Path) -> None:
    assert (load(tmp_path, FULL).minimum_ratings, load(tmp_path, FULL).minimum_cell) == (30, 5)
    assert load(tmp_path, "minimum_ratings = 50\n" + FULL).minimum_ratings == 50


@pytest.mark.parametrize("figure", ["share = 0", "share = 1.0", "k = 0\nn = 1", "k = 10\nn = 10"])
def test_a_figure_may_lie_on_the_border(tmp_path: Path, figure: str) -> None:
    centre = load(tmp_path, FULL.replace(FIGURE, figure))
    assert centre.references[0].value in {0, 1}


@pytest.mark.parametrize(
    ("old", "new", "key", "reason"),
    [
        ("Asia/Ho_Chi_Minh", "Asia/Lai_Chau", "time_zone", "unknown time zone 'Asia/Lai_Chau'"),
        ("Asia/Ho_Chi_Minh", "Asia", "time_zone", "unknown time zone 'Asia'"),
        ("Asia/Ho_Chi_Minh", "", "time_zone", "unknown time zone ''"),
        ("Asia/Ho_Chi_Minh", "../../passwd", "time_zone", "unknown time zone"),
        ('"q02"', '"q01"', "file", "counter defined twice: q01"),
        ('"health"', '"justice"', "file", "department defined twice: justice"),
        (REFERENCE, REFERENCE * 2, "file", "reference defined twice: device"),
        (MARGIN, MARGIN * 2, "file", "margin defined twice: sipas_2020.channel"),
        ("qr = 0.3", "qr = 0.31", "margins.0", "shares add up to 1.01, not 1"),
        ("qr = 0.3", "qr = nan", "margins.0.shares.qr", "than or equal to"),
        ("kiosk = 0.7, qr = 0.3", "kiosk = 1.0", "margins.0.shares", "at least 2 items"),
        ("kiosk = 0.7", "kiosk = 1.2", "margins.0.shares.kiosk", "than or equal to 1"),
        (FIGURE, "k = 11\nn = 10", "references.0", "k is greater than n"),
        (FIGURE, "k = 9", "references.0", "k and n go together"),
        (FIGURE, "n = 10", "references.0", "k and n go together"),
        (FIGURE, "", "references.0", "either k and n, or a share"),
        (FIGURE, FIGURE + "\nshare = 0.9", "references.0", "either k and n, or a share"),
        (FIGURE, "k = 0\nn = 0", "references.0.n", "greater than 0"),
        (FIGURE, "k = -1\nn = 10", "references.0.k", "greater than or equal to 0"),
        (FIGURE, "share = 96.3", "references.0.share", "less than or equal to 1"),
        (FIGURE, "share = nan", "references.0.share", "than or equal to"),
        ("2020-05-12", "2019-09-02", "references.0", "period_from is after period_to"),
        ("2020-05-12", '"May"', "references.0.period_to", "date"),
        ('mode = { vi = "Tại quầy", en = "At the counter" }', "", "references.0.mode", "required"),
        ('source = "test"', 'source = ""', "references.0.source", "at least 1 character"),
        ("closes = 11:30:00", "closes = 07:30:00", "opening_hours.0", "opens must be before"),
        ("closes = 11:30:00", 'closes = "11:30+07:00"', "opening_hours.0", "without an offset"),
        ('"mon"', '"monday"', "opening_hours.0.days.0", "'mon'"),
        ('id = "justice"', 'id = "Tư pháp"', "departments.0.id", "pattern"),
        ('id = "small"', 'id = "small"\ncolour = 1', "colour", "Extra inputs"),
        ('id = "small"', 'id = "small"\nminimum_cell = 0', "minimum_cell", "greater than"),
        (SMALL + HEALTH, SMALL.partition("\n[[")[0], "departments", "required"),
    ],
)
def test_a_broken_centre_names_file_key_and_reason(
    tmp_path: Path, old: str, new: str, key: str, reason: str
) -> None:
    assert old in FULL
    with pytest.raises(DefinitionError) as told:
        load(tmp_path, FULL.replace(old, new))
    message = str(told.value)
    assert message.startswith("small.toml: ")
    assert f" {key}: " in message
    assert reason in message


def test_a_missing_centre_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match=r"nowhere\.toml: cannot be read: No such file"):
        load_centre(tmp_path / "nowhere.toml")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (
            "[[departments]]",
            '[instruments]\ncitizens = "x"\n\n[[departments]]',
            "instruments.citizens: there is no survey 'x'",
        ),
        (
            'survey = "in_centre"',
            'survey = "x"',
            "references.0 (device_2020): there is no measured survey 'x'",
        ),
        (
            'measure = "very_satisfied"',
            'measure = "agree"',
            "references.0 (device_2020): in_centre has no measure 'agree'",
        ),
    ],
)
def test_a_centre_asks_and_is_compared_only_in_what_is_defined(
    tmp_path: Path, old: str, new: str, reason: str
) -> None:
    path = tmp_path / "centre.toml"
    path.write_text(LAI_CHAU.read_text("utf-8").replace(old, new, 1), "utf-8")
    with pytest.raises(DefinitionError, match=f"^centre.toml: {re.escape(reason)}$"):
        load_definitions(path)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("", "", None),
        ("qr = 0.3", "qr = 0.304", None),  # printed shares are rounded
        (
            '"channel"',
            '"gender"',
            "gender has no level 'kiosk'; its levels are '1' Male, '2' Female, '3' Other",
        ),
        (
            "qr = 0.3",
            "tablet = 0.3",
            "channel has no level 'tablet'; its levels are 'kiosk', 'qr', 'paper', 'import'",
        ),
        ('"sipas_2020"', '"x"', "there is no survey 'x'"),
        ('"channel"', '"q1"', "sipas_2020 has no profile question 'q1' to weight by"),
    ],
)
def test_a_margin_names_a_survey_a_variable_and_levels_that_exist(
    tmp_path: Path, old: str, new: str, reason: str | None
) -> None:
    path = tmp_path / "centre.toml"
    path.write_text(LAI_CHAU.read_text("utf-8") + MARGIN.replace(old, new), "utf-8")
    if reason is None:
        centre, _ = load_definitions(path)
        assert list(centre.margins[0].shares) == ["kiosk", "qr"]
        return
    with pytest.raises(DefinitionError, match=f"^centre.toml: margins.0: {re.escape(reason)}$"):
        load_definitions(path)


def test_a_margin_of_a_profile_question_goes_by_its_codes(tmp_path: Path) -> None:
    survey = load_surveys()["sipas_2020"]
    codes = survey.scales[survey.questions["gender"].scale or ""].codes
    shares = ", ".join(f'"{code}" = {1 / len(codes)}' for code in codes)
    text = MARGIN.replace('"channel"', '"gender"').replace("kiosk = 0.7, qr = 0.3", shares)
    path = tmp_path / "centre.toml"
    path.write_text(LAI_CHAU.read_text("utf-8") + text, "utf-8")
    centre, _ = load_definitions(path)
    assert list(centre.margins[0].shares) == [str(code) for code in codes]


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-11-23T07:29:59+07:00", False),  # a Monday
        ("2026-11-23T07:30:00+07:00", True),
        ("2026-11-23T11:29:59+07:00", True),
        ("2026-11-23T11:30:00+07:00", False),
        ("2026-11-23T16:59:00+07:00", True),
        ("2026-11-23T17:00:00+07:00", False),
        ("2026-11-22T09:00:00+07:00", False),  # a Sunday
        ("2026-11-23T01:00:00+00:00", True),  # 08:00 at the centre
        ("2026-11-22T23:00:00+00:00", False),  # 06:00 of the Monday
    ],
)
def test_a_centre_is_open_in_its_hours_by_its_own_clock(moment: str, is_open: bool) -> None:
    centre = load_centre(LAI_CHAU)
    assert centre.is_open(datetime.fromisoformat(moment)) is is_open
    always = centre.model_copy(update={"opening_hours": ()})
    assert always.is_open(datetime.fromisoformat(moment))


MORNING = OpeningHours(days=WEEKDAYS[:5], opens=time(7, 30), closes=time(11, 30))
AFTERNOON = OpeningHours(days=WEEKDAYS[:5], opens=time(13, 30), closes=time(17))
NEVER = OpeningHours(days=(), opens=time(7), closes=time(11))


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),
    st.integers(1, 400),
    st.sets(st.dates(date(2026, 1, 1), date(2028, 6, 1)), max_size=40),
    st.sampled_from([(), (MORNING, AFTERNOON)]),
)
def test_a_deadline_is_so_many_opening_hours_away(
    local: datetime, hours: int, closed: set[date], shifts: tuple[OpeningHours, ...]
) -> None:
    """Whatever the moment, and whatever days are closed; and it is itself in opening hours."""
    changes = {"opening_hours": shifts, "closed_days": tuple(closed)}
    centre = load_centre(LAI_CHAU).model_copy(update=changes)
    moment = local.replace(tzinfo=centre.zone)
    due = centre.after_open(moment, hours)
    assert centre.open_between(moment, due) == timedelta(hours=hours)
    last = due - timedelta(seconds=1)
    assert centre.is_open(last)
    assert centre.opens_on(centre.local_day(last))
    assert centre.local_day(last) not in closed


@given(
    st.dates(date(2026, 1, 1), date(2026, 12, 31)),
    st.integers(-3, 60),
    st.lists(st.dates(date(2026, 1, 1), date(2027, 2, 1)), max_size=40),
    st.sampled_from([(), (MORNING, AFTERNOON), (NEVER,)]),
)
def test_days_open_are_those_on_which_some_moment_is_open(
    since: date, length: int, closed: list[date], shifts: tuple[OpeningHours, ...]
) -> None:
    """One rule for working days, deadlines and silence; a day written twice is closed once."""
    changes = {"opening_hours": shifts, "closed_days": tuple(closed)}
    centre = load_centre(LAI_CHAU).model_copy(update=changes)
    days = [since + timedelta(days=number) for number in range(length)]
    noon = [datetime.combine(day, time(11), centre.zone) for day in days]
    assert [centre.opens_on(day) for day in days] == [centre.is_open(moment) for moment in noon]
    until = since + timedelta(days=length - 1)
    assert centre.days_open(since, until) == sum(map(centre.opens_on, days))


def test_a_deadline_where_the_centre_is_always_or_never_open() -> None:
    centre = load_centre(LAI_CHAU)
    moment = datetime.fromisoformat("2026-11-23T08:15:00+07:00")
    always = centre.model_copy(update={"opening_hours": ()})
    assert always.after_open(moment, 80) == moment + timedelta(hours=80)
    shut = centre.model_copy(update={"opening_hours": (NEVER,)})
    assert shut.after_open(moment, 1) == moment + timedelta(weeks=520)


def test_a_document_of_before_there_were_rules_is_read_as_its_limits_said() -> None:
    centre = load_centre(LAI_CHAU).model_dump(exclude={"alert_rules"})

    def rules(**limits: object) -> list[tuple[str, bool, int, int]]:
        alerts = {"silent_minutes": 30, "refused": 1, **limits}
        found = Centre.model_validate(centre | {"alerts": alerts}).alert_rules
        return [(rule.id, rule.active, rule.low, rule.last) for rule in found]

    fell = [("falling_department", True, 3, 10), ("falling_counter", True, 3, 10)]
    assert rules() == [("low_counter", True, 3, 10), *fell]
    assert rules(low_ratings=2, of_last=7, falling=True) == [("low_counter", True, 2, 7), *fell]
    off = [(id, False, low, last) for id, _, low, last in fell]
    assert rules(low_ratings=0, of_last=2, falling=False) == [("low_counter", False, 3, 10), *off]
    with pytest.raises(ValueError, match="alert_rules"):
        rules(low_ratings="many")


def test_rules_that_say_the_same_or_name_nothing_that_there_is_are_refused(
    tmp_path: Path,
) -> None:
    centre = load_centre(LAI_CHAU)
    first = centre.alert_rules[0].model_dump()

    def valid(*rules: object) -> Centre:
        return Centre.model_validate(centre.model_dump() | {"alert_rules": rules})

    for rules, why in (
        ([first, first], "used twice"),
        ([first, first | {"id": "other"}], "such a rule"),
        ([first | {"department": "so_x"}], "so_x"),
        ([first | {"id": "a" * 21}], "pattern"),
        ([first | {"unit": "ward"}], "counter"),
    ):
        with pytest.raises(ValueError, match=why):
            valid(*rules)
    with pytest.raises(DefinitionError, match="level 9"):
        check_definitions(valid(first | {"level": 9}), load_surveys(), "a file")
