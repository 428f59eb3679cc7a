"""Every operation of the OpenAPI document, tried by schemathesis on a running aggregator."""

from copy import deepcopy
from typing import Any

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case, checks

from aggregator.dashboard.openapi import DOCUMENT
from tests.aggregator.conftest import Room, ratings, sipas
from tests.conftest import Servers

_WITHOUT_TOKENS: dict[str, Any] = deepcopy(DOCUMENT)
for _path in _WITHOUT_TOKENS["paths"].values():
    for _operation in _path.values():
        _operation.pop("security", None)
# The tokens are given here: a case whose only flaw were a missing token would have none.
schema = schemathesis.openapi.from_dict(_WITHOUT_TOKENS)
TRIES = 40  # for each operation, beside the cases that its parameters' bounds give


@schema.parametrize()
@settings(max_examples=TRIES, suppress_health_check=list(HealthCheck))
def test_every_operation_is_as_described(case: Case[Any], room: Room, serve: Servers) -> None:
    if not room.context.store.has_submissions():
        room.take([*ratings((5, 5, 5, 4, 3, 1)), sipas(), sipas([3] * 22)])
        room.address = serve(room.another())
    described = DOCUMENT["paths"][case.operation.path][case.operation.method]
    secured = next(iter(described.get("security", [{}])))
    token = {"device": room.device, "reader": room.reader}.get(next(iter(secured), ""))
    headers = {"authorization": f"Bearer {token}"} if token else {}
    case.call_and_validate(
        base_url=room.address,
        headers=headers,
        excluded_checks=[
            checks.ignored_auth,  # takes tokens away that it gave itself; see test_who_may_enter.py
            # A name of no survey or question is text that fits and is refused all the same.
            checks.positive_data_acceptance,
            # A bad submission is refused by its receipt, and the batch answered with 200.
            *([checks.negative_data_rejection] if case.method == "POST" else []),
        ],
    )
