"""The profiles of simulated citizens and their comments; not everybody gives them.

The population that they are weighted to is simulated as well, and says so where it is named.
"""

from random import Random

from surveys.centre import Centre, Margin
from surveys.definition import Survey, Text

SIPAS = "sipas_2020"
TELLING = 0.7  # share of people who answer any question about themselves
SKIPPED = 0.1  # share of those questions that they leave out
COMMENTING = 0.12
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

# The phone numbers belong to nobody; they show how an export masks one.
PRAISE = (
    "Hướng dẫn rõ ràng, dễ làm theo.",
    "Nhận kết quả đúng hẹn.",
    "Thủ tục nhanh, gọn.",
    "Đã nhận kết quả, xin liên hệ số 0900 000 000 nếu cần bổ sung.",
)
WISHES = (
    "Đầu giờ sáng chỗ ngồi chờ còn ít.",
    "Đề nghị có thêm mẫu đơn điền sẵn.",
    "Bảng niêm yết nên đặt gần cửa ra vào.",
    "Thời gian chờ đến lượt còn dài.",
    "Đề nghị gọi số 0900 000 000 khi có kết quả.",
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
        if self._random.random() >= COMMENTING:
            return None
        return self._random.choice((*PRAISE, *WISHES) if pleased else WISHES)


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
