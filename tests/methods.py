"""Checks that every address of an application names its methods with a 405."""

import re
from collections import defaultdict
from collections.abc import Sequence

from starlette.routing import BaseRoute, Mount, Route
from starlette.testclient import TestClient

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"}


def check_wrong_methods(routes: Sequence[BaseRoute], client: TestClient) -> None:
    """Request each address with every method that none of its routes allows."""
    taken: dict[str, set[str]] = defaultdict(set)
    for route in routes:
        if isinstance(route, Mount):
            taken[f"{route.path}/css/base.css"] |= {"GET", "HEAD"}
        elif isinstance(route, Route):
            path = re.sub(r"{\w+:int}", "1", route.path)
            taken[re.sub(r"{\w+(:\w+)?}", "x", path)] |= route.methods or set()
    assert len(taken) > 10
    for path, methods in taken.items():
        for method in METHODS - methods:
            answer = client.request(method, path)
            assert answer.status_code == 405, (method, path)
            assert set(answer.headers["allow"].split(", ")) == methods, (method, path)
