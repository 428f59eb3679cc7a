"""The kinds of tables that the desk takes, one module each."""

from collections.abc import Callable, Mapping

from aggregator.indices.ddci_definition import Ddci
from aggregator.intake.desk.fields import Kind
from aggregator.intake.desk.kinds import dossiers, facts, hard, operations, roster, transactions
from aggregator.intake.desk.kinds.answers import answers
from surveys.definition import Survey

ANSWERS = ("ratings", "ballots")  # kinds whose rows are submissions of a survey
TABLES: Mapping[str, Callable[[], Kind]] = {
    "transactions": transactions.kind,
    "operations": operations.kind,
    "dossiers": dossiers.kind,
    "facts": facts.kind,
    "roster": roster.kind,
}
KINDS = (*ANSWERS, *TABLES, "hard")


def kind_of(
    name: str,
    survey: Survey | None = None,
    businesses: Survey | None = None,
    ddci: Ddci | None = None,
) -> Kind:
    """The kind of a name of KINDS.

    ``survey`` is the instrument of ANSWERS; ``businesses`` that whose factors numbers from
    records stand beside, ``ddci`` what names some of these.
    """
    if name in ANSWERS and survey is not None:
        return answers(name, survey)
    return hard.kind(businesses, ddci) if name == "hard" else TABLES[name]()
