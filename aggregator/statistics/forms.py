"""Small parts of a form withheld: its factors and questions, which the same people answer."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

from aggregator.statistics.suppression import Sum, audit, withhold, withhold_parts

# A part is (), the pool; (factor,); or (factor, question). A group is a part's people, who
# answered anything of it, or the answers they gave.
Part = tuple[str, ...]
POOL: Part = ()
KINDS = ("people", "answers")


@dataclass(frozen=True)
class FormSizes:
    """How many people answered the pool, each factor, and by factor each question.

    ``levels`` are the answers by level of each part, where they are known.
    """

    people: int
    factors: Mapping[str, int]
    questions: Mapping[str, Mapping[str, int]]
    levels: Mapping[Part, Sequence[int]] = field(default_factory=dict)


def form_sums(form: FormSizes) -> tuple[dict[Hashable, int], list[Sum], set[Hashable]]:
    """Sizes, sums and the groups that are no secret, as withhold() and audit() take them.

    Keys are (kind, part), a kind of KINDS; answers are of the pool and of factors. Nobody
    answers a question without answering its factor and the pool: so the people of these are
    those of the part and those who ``skipped`` it. And whoever answered a factor gave one
    answer and some ``more``. Who skipped told nothing, so that is no secret.
    """
    sizes: dict[Hashable, int] = {("people", POOL): form.people}
    sums: list[Sum] = []
    silent: set[Hashable] = set()

    def parted(total: Hashable, part: Hashable, other: Hashable) -> None:
        sizes[other] = sizes[total] - sizes[part]
        silent.add(other)
        sums.append(Sum(total, (part, other)))

    for factor, people in form.factors.items():
        one, answers = ("people", (factor,)), ("answers", (factor,))
        asked: dict[Hashable, int] = {
            ("people", (factor, question)): n for question, n in form.questions[factor].items()
        }
        sizes |= asked | {one: people, answers: sum(asked.values())}
        sums.append(Sum(answers, tuple(asked)))
        parted(answers, one, ("more", factor))
        parted(("people", POOL), one, ("skipped", one))
        for question in asked:
            parted(one, question, ("skipped", question))
    every = tuple(("answers", (factor,)) for factor in form.factors)
    sizes["answers", POOL] = sum(sizes[each] for each in every)
    sums.append(Sum(("answers", POOL), every))
    return sizes, sums, silent


def withhold_form(form: FormSizes, minimum: int) -> frozenset[Part]:
    """The parts of a form of which nothing may be printed. The rule is ours:

    - A pool of few is withheld with all its parts.
    - Small parts are withheld, each level with one that is not small (withhold_parts), a factor
      with its questions; and what else is needed for every size to stay possible (withhold). A
      question that all have answered guards none: 64 answers of 60 people to two questions
      are 60 and 4, or nearly so.
    - Where not even that would do, because all other questions were answered by all, the pool
      would tell: then it alone is shown. It is the same whichever of its questions are the
      small ones, so nothing tells one question from another; but that one of them has few
      answers may be known. Where even the number or an answer of one is, nothing is shown.
    """
    parts: list[Part] = [(factor,) for factor in form.factors]
    parts += [(factor, key) for factor, asked in form.questions.items() for key in asked]
    if 0 < form.people < minimum:
        return frozenset([POOL, *parts])
    few = {(factor,) for factor in withhold_parts(form.factors, minimum)}
    hidden: set[Part] = {part for part in parts if part[:1] in few}
    for factor, asked in form.questions.items():
        hidden |= {(factor, question) for question in withhold_parts(asked, minimum)}
    sizes, sums, silent = form_sums(form)
    decided = {(kind, part) for kind in KINDS for part in hidden if sizes.get((kind, part))}
    levels: dict[Hashable, Sequence[int]] = {}
    for part, given in form.levels.items():
        # A question has one answer of each of its people; a factor and the pool have several.
        key = ("people" if len(part) == 2 else "answers", part)
        if sum(given) == sizes[key]:
            levels[key] = given
    found = withhold(sizes, sums, minimum, (), silent, levels, decided) - silent
    if not found.isdisjoint({(kind, POOL) for kind in KINDS}):
        marked = {(kind, part) for kind in KINDS for part in parts if sizes.get((kind, part))}
        known = audit(sizes, sums, minimum, marked, silent, levels)
        exact = (known["low"] == known["high"]) | known["told"]
        return frozenset([POOL, *parts] if exact.any() else parts)
    return frozenset(part for part in parts if not found.isdisjoint({(k, part) for k in KINDS}))
