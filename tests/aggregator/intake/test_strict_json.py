"""JSON is read by one rule, whichever of two readers reads it."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.intake.strict_json import MAX_LEVELS, NotJson, flaws, read_json

NAMES = st.sampled_from(["a", "b", 'q":', "c:d", "ế", "\\", '"', "e\u003af"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=8)
    | NAMES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES, st.booleans(), st.booleans(), st.sampled_from([None, 2]))
def test_what_is_written_is_read(value: Any, ascii_only: bool, dense: bool, indent: Any) -> None:
    separators = (",", ":") if dense else (" , ", " : ")
    text = json.dumps(value, ensure_ascii=ascii_only, separators=separators, indent=indent)
    found, _ = read_json(text.encode())
    assert found == value
    assert not list(flaws(found))


@given(VALUES, VALUES, NAMES, st.booleans())
def test_a_name_given_twice_is_found_wherever_it_stands(
    first: Any, second: Any, name: str, inside: bool
) -> None:
    one, two, key = (json.dumps(each) for each in (first, second, name))
    text = f"{{{key} :{one},{key}: {two}}}"
    value, flawed = read_json((f'[1,{{"in":[{text}]}}]' if inside else text).encode())
    assert flawed
    fields = [flaw.field for flaw in flaws(value)]
    assert (f"in.{name}" if inside else name) in fields


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("1e400", "number_too_large"),
        ("-1e400", "number_too_large"),
        ("1" + "0" * 400, "number_too_large"),
        ("1" + "0" * 5_000, "number_too_large"),
        ("[" * 1_100 + "]" * 1_100, "nested_too_deep"),
        ("[" * MAX_LEVELS + "]" * MAX_LEVELS, "nested_too_deep"),
        ('{"a":' * 1_100 + '"]}"' + "}" * 1_100, "nested_too_deep"),
    ],
    ids=["1e400", "-1e400", "10^400", "10^5000", "deep lists", "too deep by one", "deep objects"],
)
def test_a_flaw_is_found_and_spoils_nothing_beside_it(text: str, key: str) -> None:
    value, flawed = read_json(f'{{"bad": {text}, "good": [1, "ế"]}}'.encode())
    assert flawed
    assert value["good"] == [1, "ế"]
    assert [flaw.key for flaw in flaws(value["bad"], "bad")] == [key]


BROKEN = [
    "",
    "{",
    "[1,]",
    "[1 2]",
    "{1:2}",
    "NaN",
    "[Infinity]",
    "-Infinity",
    '"\n"',
    "[01]",
    "nul",
]
BROKEN += [
    "[" * 300 + "]" * 299,
    "[" * 300 + "]" * 301,
    "\ufeff{}",
    "[1]x",
]
BROKEN += ["[" * 20_000 + "]" * 20_000]


@pytest.mark.parametrize("text", BROKEN, ids=range(len(BROKEN)))
def test_what_is_no_json_is_an_error(text: str) -> None:
    with pytest.raises(NotJson):
        read_json(text.encode())


@given(st.binary(max_size=60) | st.text('{}[]:,"\\u0aế1e+-. ', max_size=40).map(str.encode))
def test_both_readers_agree_on_what_is_json(body: bytes) -> None:
    """The slow one alone has flaws; what it takes without one, the fast one takes alike."""
    try:
        value, flawed = read_json(body)
    except NotJson:
        with pytest.raises(orjson.JSONDecodeError):
            orjson.loads(body)
        return
    if not flawed:
        assert orjson.loads(body) == value
