"""The shipped instruments say what their sources say, word for word and figure for figure."""

import unicodedata
from collections import Counter
from pathlib import Path

import pytest

from surveys.definition import Question, Survey, load_surveys

SHIPPED = Path(__file__).parents[2] / "surveys"
SURVEYS = load_surveys()
SIPAS = SURVEYS["sipas_2020"]
IN_CENTRE = SURVEYS["in_centre"]
BUSINESS = SURVEYS["business"]
PAPER = SURVEYS["paper_ballot_2020"]

EVERY = pytest.mark.parametrize("survey", SURVEYS.values(), ids=SURVEYS)

SATISFACTION = {
    5: "Rất hài lòng",
    4: "Hài lòng",
    3: "Bình thường",
    2: "Không hài lòng",
    1: "Rất không hài lòng",
}

CRITERIA = {
    "access": [
        "Nơi ngồi chờ giải quyết công việc có đủ chỗ ngồi",
        "Trang thiết bị phục vụ người dân, tổ chức đầy đủ",
        "Trang thiết bị phục vụ hiện đại",
        "Trang thiết bị phục vụ dễ sử dụng",
    ],
    "procedures": [
        "Thủ tục hành chính được niêm yết công khai đầy đủ",
        "Thủ tục hành chính được niêm yết công khai chính xác",
        "Thành phần hồ sơ phải nộp là đúng quy định",
        "Phí, lệ phí phải nộp là đúng quy định",
        "Thời hạn giải quyết (tính từ khi hồ sơ được tiếp nhận đến ngày trả kết quả)"
        " là đúng quy định",
    ],
    "officials": [
        "Công chức có thái độ giao tiếp lịch sự",
        "Công chức chú ý lắng nghe ý kiến của người dân, đại diện tổ chức",
        "Công chức trả lời, giải đáp đầy đủ các ý kiến của người dân, đại diện tổ chức",
        "Công chức hướng dẫn kê khai hồ sơ tận tình, chu đáo",
        "Công chức hướng dẫn hồ sơ dễ hiểu",
        "Công chức tuân thủ đúng quy định trong giải quyết công việc",
    ],
    "results": [
        "Kết quả đúng quy định (có thể là được cấp giấy tờ hoặc bị từ chối cấp giấy tờ)",
        "Kết quả có thông tin đầy đủ",
        "Kết quả có thông tin chính xác",
    ],
    "feedback": [
        "Cơ quan có bố trí hình thức tiếp nhận góp ý, phản ánh, kiến nghị",
        "Người dân, tổ chức dễ dàng thực hiện góp ý, phản ánh, kiến nghị",
        "Cơ quan tiếp nhận và xử lý tích cực các góp ý, phản ánh, kiến nghị",
        "Cơ quan thông báo kết quả xử lý góp ý, phản ánh, kiến nghị kịp thời",
    ],
}
VERBATIM = {5, 9, 10, 12, 13, 15, 22}
UNVERIFIED = {3, 4}

# The figures of 2019 that the province's report prints, with whether a high value is bad.
PUBLISHED: dict[str, tuple[float, str, bool]] = {
    "b2_1": (68, "percent", False),
    "b2_2": (21, "percent", False),
    "b2_3": (40, "percent", False),
    "b2_4": (44, "percent", False),
    "b3_1": (38, "percent", False),
    "b3_2": (63, "percent", False),
    "b3_3": (65, "percent", True),
    "b3_4": (6, "days", True),
    "b4_1": (70, "percent", False),
    "b4_2": (70, "percent", False),
    "b4_3": (50, "percent", False),
    "b4_4": (72, "percent", False),
    "b4_5": (10, "percent", True),
    "b5_1": (60, "percent", True),
    "b5_2": (19, "percent", True),
    "b5_3": (34, "percent", True),
    "b7_1": (98, "percent", False),
    "b7_2": (76, "percent", False),
    "b7_3": (74, "percent", False),
    "b9_1": (74, "percent", False),
    "b9_2": (5.03, "percent_of_costs", False),
    "b10_1": (66, "percent", False),
    "b10_2": (95, "percent", False),
    "b10_3": (91, "percent", False),
    "b10_4": (83, "percent", False),
}
RANKS = {
    "b2_1": 62, "b2_2": 58, "b2_3": 51, "b2_4": 3, "b3_1": 61, "b3_4": 57, "b4_1": 56,
    "b4_2": 39, "b4_4": 34, "b5_2": 62, "b5_3": 61, "b9_2": 53, "b10_1": 3, "b10_2": 6,
    "b10_3": 9, "b10_4": 2,
}  # fmt: skip

SUB_INDICES = {
    "entry_costs": ("Gia nhập thị trường", "Sở Kế hoạch và Đầu tư"),
    "land_access": ("Tiếp cận đất đai", "Sở Tài nguyên và Môi trường"),
    "transparency": ("Tính minh bạch", "Sở Tư pháp"),
    "time_costs": ("Chi phí thời gian", "Trung tâm Phục vụ hành chính công tỉnh"),
    "informal_charges": ("Chi phí không chính thức", "Thanh tra tỉnh"),
    "fair_competition": ("Cạnh tranh bình đẳng", "Sở Kế hoạch và Đầu tư"),
    "proactivity": ("Tính năng động", "Văn phòng UBND tỉnh"),
    "business_support": ("Hỗ trợ doanh nghiệp", "Sở Kế hoạch và Đầu tư"),
    "labour_training": ("Đào tạo lao động", "Sở Lao động - Thương binh và Xã hội"),
    "legal_institutions": ("Thiết chế pháp lý và ANTT", "Tòa án nhân dân tỉnh"),
}


def in_factors(survey: Survey) -> list[Question]:
    return [question for factor in survey.factors for question in factor.questions]


def test_every_shipped_file_is_loaded() -> None:
    assert set(SURVEYS) == {path.stem for path in SHIPPED.glob("*.toml")}
    assert {"sipas_2020", "in_centre", "business", "paper_ballot_2020"} <= set(SURVEYS)


@EVERY
def test_no_instrument_asks_for_ethnic_origin(survey: Survey) -> None:
    """Law 91/2025/QH15: sensitive personal data, and no figure here needs it."""
    everything = survey.model_dump_json().lower()
    assert "dân tộc" not in everything
    assert "ethnic" not in everything


@EVERY
def test_the_profile_is_nominal(survey: Survey) -> None:
    """A share of favourable answers over gender or sector would mean nothing."""
    for question in survey.profile:
        assert question.kind == "one", question.id
        assert survey.scale_of(question) is not None, question.id
        assert survey.measures_of(question) == {}, question.id


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.toml")), ids=lambda path: path.stem)
def test_vietnamese_is_written_in_composed_letters(path: Path) -> None:
    """Decomposed letters look the same and break search, sorting and narrow fonts."""
    assert unicodedata.is_normalized("NFC", path.read_text("utf-8"))


def test_one_question_id_means_one_thing_in_all_instruments_with_a_profile() -> None:
    profiles = Counter(question.id for survey in SURVEYS.values() for question in survey.profile)
    asked = {question.id for survey in SURVEYS.values() for question in in_factors(survey)}
    assert max(profiles.values()) == 1
    assert not asked & set(profiles)


# SIPAS


def test_sipas_asks_the_22_criteria_in_order() -> None:
    asked = {factor.id: [q.text.vi for q in factor.questions] for factor in SIPAS.factors}
    assert asked == CRITERIA
    assert list(asked) == list(CRITERIA)
    assert [q.id for q in in_factors(SIPAS)] == [f"q{number}" for number in range(1, 23)]


def test_sipas_tells_how_sure_each_wording_is() -> None:
    wording = {int(q.id[1:]): q.wording for q in in_factors(SIPAS)}
    assert {number for number, word in wording.items() if word == "verbatim"} == VERBATIM
    assert {number for number, word in wording.items() if word == "unverified"} == UNVERIFIED
    assert Counter(wording.values()) == {"verbatim": 7, "content": 13, "unverified": 2}


def test_sipas_names_its_decision() -> None:
    assert "2640/QĐ-BNV" in SIPAS.source


@pytest.mark.parametrize("survey", [SIPAS, IN_CENTRE], ids=lambda survey: survey.id)
def test_satisfaction_is_measured_the_same_way_at_the_counter_and_in_sipas(survey: Survey) -> None:
    scale = survey.scales["satisfaction"]
    assert {level.code: level.vi for level in scale.levels} == SATISFACTION
    assert scale.codes == (5, 4, 3, 2, 1)
    assert scale.measures == {"very_satisfied": (5,), "satisfied_or_better": (4, 5)}


def test_all_22_criteria_can_be_pooled() -> None:
    assert SIPAS.measured == tuple(in_factors(SIPAS))
    assert {q.scale for q in SIPAS.measured} == {"satisfaction"}
    assert {q.direction for q in SIPAS.measured} == {"higher_is_better"}


def test_sipas_bands_age_as_the_method_does() -> None:
    bands = [level.vi for level in SIPAS.scales["age"].levels]
    assert bands == ["18-24 tuổi", "25-34 tuổi", "35-49 tuổi", "50-60 tuổi", "Trên 60 tuổi"]


# At the counter


def test_the_device_asks_one_rating_and_reasons() -> None:
    assert {q.id: q.kind for q in IN_CENTRE.all_questions()} == {"rating": "one", "reasons": "many"}
    assert [q.id for q in IN_CENTRE.measured] == ["rating"]


def test_the_reasons_are_the_five_factors_and_take_no_side() -> None:
    reasons = IN_CENTRE.scales["reasons"]
    assert reasons.codes == tuple(range(1, len(SIPAS.factors) + 1))
    assert reasons.measures == {}
    said = " ".join([IN_CENTRE.questions["reasons"].text.vi, *(one.vi for one in reasons.levels)])
    for loaded in ("không", "chưa", "kém", "chậm", "tốt", "nhanh", "hài lòng"):
        assert loaded not in said.lower()


# Paper


def test_the_paper_ballot_has_six_topics_with_two_levels() -> None:
    assert len(in_factors(PAPER)) == 6
    for question in in_factors(PAPER):
        assert PAPER.measures_of(question) == {"favourable": (1,)}
        assert question.wording == "content"
    assert PAPER.scales["favourable"].codes == (1, 0)
    assert not PAPER.comment


# Business


def test_business_has_the_ten_sub_indices_with_their_lead() -> None:
    found = {factor.id: (factor.name.vi, factor.lead) for factor in BUSINESS.factors}
    assert found == SUB_INDICES
    assert list(found) == list(SUB_INDICES)


def test_business_carries_the_25_published_figures_and_no_other() -> None:
    found = {
        q.id: (q.published.value, q.published.unit, q.direction == "lower_is_better")
        for q in BUSINESS.all_questions()
        if q.published is not None
    }
    assert len(PUBLISHED) == 25
    assert found == PUBLISHED


def test_published_figures_name_their_year_source_and_rank() -> None:
    for question in BUSINESS.all_questions():
        if question.published is not None:
            assert question.published.year == 2019
            assert "PCI 2019" in question.published.source
            rank = RANKS.get(question.id)
            note = question.published.note
            vi, en = (note.vi, note.en) if note else ("", "")
            assert ("hạng" in vi) == ("rank" in en) == (rank is not None), question.id
            assert rank is None or f"hạng {rank}/63" in vi, question.id
            assert rank is None or f"rank {rank} of 63" in en, question.id


def test_a_statement_is_ours_exactly_where_nothing_was_published() -> None:
    for question in in_factors(BUSINESS):
        assert (question.wording == "own") == (question.published is None), question.id


def test_a_statement_stands_in_the_factor_of_its_number() -> None:
    for number, factor in enumerate(BUSINESS.factors, start=1):
        ids = [question.id for question in factor.questions]
        assert ids == [f"b{number}_{place}" for place in range(1, len(ids) + 1)]
        assert ids


def test_the_short_form_has_one_quick_statement_a_factor() -> None:
    for factor in BUSINESS.factors:
        core = [question for question in factor.questions if question.core]
        assert len(core) == 1, factor.id
        assert BUSINESS.measures_of(core[0]), factor.id
    assert len(BUSINESS.core) == 10
    assert all(not survey.core for survey in SURVEYS.values() if survey is not BUSINESS)


def test_informal_charges_are_sensitive_and_all_of_business_may_be_declined() -> None:
    assert BUSINESS.declinable
    sensitive = {question.id for question in BUSINESS.all_questions() if question.sensitive}
    assert sensitive == {"b5_1", "b5_2", "b5_3"}


def test_a_published_number_is_an_answer_that_the_question_takes() -> None:
    units = {"days": "days", "percent_of_costs": "% of costs"}
    for question in BUSINESS.all_questions():
        if question.kind == "number" and question.published is not None:
            low, high = question.minimum, question.maximum
            assert low is not None
            assert high is not None
            assert low < question.published.value < high
            assert question.unit is not None
            assert question.unit.en == units[question.published.unit]


def test_a_percentage_belongs_to_a_question_with_a_measure() -> None:
    for question in BUSINESS.all_questions():
        if question.published is not None and question.published.unit == "percent":
            assert len(BUSINESS.measures_of(question)) == 1, question.id


def test_the_business_survey_is_not_called_pci() -> None:
    """Only the published index is the PCI; a local survey under its name would mislead."""
    shown = [BUSINESS.title, BUSINESS.introduction, *(f.name for f in BUSINESS.factors)]
    shown += [question.text for question in BUSINESS.all_questions()]
    for text in shown:
        assert "PCI" not in text.vi + text.en
    assert BUSINESS.title.vi == "Ý kiến doanh nghiệp"


def test_statements_of_business_do_not_pool_into_one_share() -> None:
    """Some are good when high, some when low, on two scales: one share would mean nothing."""
    assert len({(q.scale, q.direction) for q in BUSINESS.measured}) > 1


def test_the_size_bands_of_firms() -> None:
    bands = [level.en for level in BUSINESS.scales["firm_size"].levels]
    assert [band.split()[0] for band in bands] == ["Fewer", "10-49", "50-199", "200"]
