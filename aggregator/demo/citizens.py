"""The profiles of simulated citizens and their comments; not everybody gives them.

The population that they are weighted to is simulated as well, and says so where it is named.
"""

from random import Random

from surveys.centre import Centre, Margin
from surveys.definition import Survey, Text

SIPAS = "sipas_2020"
TELLING = 0.7  # share of people who answer any question about themselves
SKIPPED = 0.1  # share of those questions that they leave out
COMMENTING, COMPLAINING = 0.12, 0.4
SIMULATED = "Mô phỏng, không phải số liệu công bố · Simulated, not a published figure"
# Shares by code. Those who answer are more often from towns, and the young are more of them.
POPULATION = {
    "residence": (0.35, 0.65),
    "age": (0.14, 0.26, 0.34, 0.18, 0.08),
}
RESPONDENTS = {
    "residence": (0.55, 0.45),
    "age": (0.2, 0.34, 0.3, 0.12, 0.04),
}
LESS_PLEASED = (0.75, 0.25)  # where they live: towns are harder to please here

# The phone numbers belong to nobody; they show how a page or an export masks one.
PRAISE = (
    "Hướng dẫn rõ ràng, dễ làm theo.",
    "Nhận kết quả đúng hẹn.",
    "Thủ tục nhanh, gọn.",
    "Cán bộ hướng dẫn tận tình, nói dễ hiểu. Xin cảm ơn Trung tâm.",
    "Hồ sơ được trả sớm hơn giấy hẹn một ngày.",
    "Chỗ ngồi chờ sạch sẽ, có nước uống cho người dân.",
    "Tôi lớn tuổi, được giúp điền tờ khai nên đỡ vất vả.",
    "Lấy số xong khoảng mười phút là đến lượt.",
    "Đã nhận kết quả, xin liên hệ số 0900 000 000 nếu cần bổ sung.",
)
WISHES = (
    "Đầu giờ sáng chỗ ngồi chờ còn ít.",
    "Đề nghị có thêm mẫu đơn điền sẵn.",
    "Bảng niêm yết nên đặt gần cửa ra vào.",
    "Thời gian chờ đến lượt còn dài.",
    "Đề nghị gọi số 0900 000 000 khi có kết quả.",
    "Mong Trung tâm bố trí thêm chỗ để xe máy.",
    "Nộp hồ sơ qua mạng còn khó, đề nghị có người hướng dẫn tại chỗ.",
    "Đề nghị nhắn tin khi hồ sơ xong để bà con ở xa không phải đi lại.",
    "Loa gọi số nhỏ, ngồi hàng ghế sau không nghe rõ.",
)
COMPLAINTS = (
    "Tôi phải đi lại bốn lần vì mỗi lần được yêu cầu bổ sung một giấy tờ khác nhau.",
    "Hồ sơ quá hẹn năm ngày, không ai thông báo lý do.",
    "Đến lúc 8 giờ, gần 10 giờ mới được gọi. Đề nghị sắp xếp lại việc lấy số.",
    "Hỏi thủ tục nhưng không được giải thích đầy đủ, phải tự về tìm hiểu.",
    "Cán bộ nói to tiếng với người dân, đề nghị Trung tâm xem lại thái độ phục vụ.",
    "Giấy hẹn ghi sai ngày. Đề nghị liên hệ tôi theo số 0912 000 000 để giải quyết.",
    "Lệ phí thu khác với bảng niêm yết, đề nghị giải thích.",
)


class Citizens:
    """Draws profiles and comments with the random numbers of ``chance``."""

    def __init__(self, sipas: Survey, chance: Random) -> None:
        self._sipas = sipas
        self._random = chance

    def profile(self, mood: float) -> dict[str, int]:
        """Answers to the profile questions of SIPAS, by question.

        ``mood``, from about 1 to 5, is how satisfied the person is. Who answers none gets {}.
        """
        if self._random.random() >= TELLING:
            return {}
        answers = {}
        for question in self._sipas.profile:
            scale = self._sipas.scale_of(question)
            if scale is None or self._random.random() < SKIPPED:
                continue
            weights = RESPONDENTS.get(question.id)
            if question.id == "residence" and mood < 4.2:
                weights = LESS_PLEASED
            answers[question.id] = self._random.choices(sorted(scale.codes), weights)[0]
        return answers

    def comment(self, pleased: bool) -> str | None:
        """What somebody writes, if anything: who is not pleased writes more often."""
        if self._random.random() >= (COMMENTING if pleased else COMPLAINING):
            return None
        return self._random.choice((*PRAISE, *WISHES) if pleased else (*WISHES, *COMPLAINTS))


def with_population(centre: Centre) -> Centre:
    """The centre with simulated margins of SIPAS; unchanged where it has margins of its own."""
    if any(margin.survey == SIPAS for margin in centre.margins):
        return centre
    margins = tuple(
        Margin(
            survey=SIPAS,
            variable=variable,
            population=Text(vi="Dân số mô phỏng", en="Simulated population"),
            source=SIMULATED,
            shares={str(code): share for code, share in enumerate(shares, 1)},
        )
        for variable, shares in POPULATION.items()
    )
    return centre.model_copy(update={"margins": (*centre.margins, *margins)})
