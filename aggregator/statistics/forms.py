"""Withholds small parts of a form: factors and questions, which the same people answer."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

from aggregator.statistics.suppression import Sum, audit, withhold, withhold_parts

# A part is the pool (), a (factor,) or a (factor, question). It has two groups: the people who
# answered anything of it, and the answers that they gave.
Part = tuple[str, ...]
POOL: Part = ()
KINDS = ("people", "answers")


@dataclass(frozen=True)
class FormSizes:
    """How many people answered anything, by factor, and by factor and question.

    ``levels`` are the answers of a part by level, where they are known.
    """

    people: int
    factors: Mapping[str, int]
    questions: Mapping[str, Mapping[str, int]]
    levels: Mapping[Part, Sequence[int]] = field(default_factory=dict)


def form_sums(form: FormSizes) -> tuple[dict[Hashable, int], list[Sum], set[Hashable]]:
    """Sizes, sums and the groups that need no guard, as withhold() and audit() take them.

    Keys are (kind, part), a kind of KINDS; answers are of the pool and of factors. Whoever
    answers a question also answers its factor and the pool. So the people of a whole are those
    of a part and those who ``skipped`` it, and the answers to a factor are one of each of its
    people and some ``more``. These two kinds of groups need no guard: they tell no answer.
    """
    sizes: dict[Hashable, int] = {("people", POOL): form.people}
    sums: list[Sum] = []
    unguarded: set[Hashable] = set()

    def parted(total: Hashable, part: Hashable, other: Hashable) -> None:
        sizes[other] = sizes[total] - sizes[part]
        unguarded.add(other)
        sums.append(Sum(total, (part, other)))

    for factor, people in form.factors.items():
        answering, answers = ("people", (factor,)), ("answers", (factor,))
        asked: dict[Hashable, int] = {
            ("people", (factor, question)): n for question, n in form.questions[factor].items()
        }
        sizes |= asked | {answering: people, answers: sum(asked.values())}
        sums.append(Sum(answers, tuple(asked)))
        parted(answers, answering, ("more", factor))
        parted(("people", POOL), answering, ("skipped", answering))
        for question in asked:
            parted(answering, question, ("skipped", question))
    every = tuple(("answers", (factor,)) for factor in form.factors)
    sizes["answers", POOL] = sum(sizes[group] for group in every)
    sums.append(Sum(("answers", POOL), every))
    return sizes, sums, unguarded


def withhold_form(form: FormSizes, minimum: int) -> frozenset[Part]:
    """The parts of a form of which nothing may be printed. The rule is ours:

    - A pool of fewer than ``minimum`` people is withheld with all its parts.
    - Small factors are withheld with their questions, and small questions, each together with
      one that is not small (withhold_parts); then what else is needed for every size to stay
      possible (withhold). A question that everybody answered guards none: from 64 answers of 60
      people to two questions it follows that the other one has about 4.
    - Where that would withhold the pool, because everybody answered all other questions, only
      the pool is shown. It may then be known that some question has few answers, but not which.
      Where a reader could even know its number of answers or one of them, nothing is shown.
    """
    parts: list[Part] = [(factor,) for factor in form.factors]
    parts += [(factor, key) for factor, asked in form.questions.items() for key in asked]
    if 0 < form.people < minimum:
        return frozenset([POOL, *parts])
    few = {(factor,) for factor in withhold_parts(form.factors, minimum)}
    hidden: set[Part] = {part for part in parts if part[:1] in few}
    for factor, asked in form.questions.items():
        hidden |= {(factor, question) for question in withhold_parts(asked, minimum)}
    sizes, sums, unguarded = form_sums(form)
    decided = {(kind, part) for kind in KINDS for part in hidden if sizes.get((kind, part))}
    levels: dict[Hashable, Sequence[int]] = {}
    for part, counts in form.levels.items():
        # A question has one answer of each of its people; a factor and the pool have several.
        key = ("people" if len(part) == 2 else "answers", part)
        if sum(counts) == sizes[key]:
            levels[key] = counts
    withheld = withhold(sizes, sums, minimum, (), unguarded, levels, decided) - unguarded
    if not withheld.isdisjoint({(kind, POOL) for kind in KINDS}):
        marked = {(kind, part) for kind in KINDS for part in parts if sizes.get((kind, part))}
        known = audit(sizes, sums, minimum, marked, unguarded, levels)
        exact = (known["low"] == known["high"]) | known["told"]
        return frozenset([POOL, *parts] if exact.any() else parts)
    return frozenset(part for part in parts if not withheld.isdisjoint({(k, part) for k in KINDS}))
