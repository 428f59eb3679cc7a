"""How fast passwords can be guessed, whoever tries from wherever."""

from datetime import timedelta
from itertools import pairwise
from math import ceil, log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.dashboard.throttle import (
    ACCOUNT,
    ACCOUNT_AT_ADDRESS,
    ADDRESS,
    KNOWN_BROWSER,
    Bucket,
    InMemory,
    Limit,
    Throttle,
    buckets_of,
)
from tests.aggregator.conftest import Clock

HOUR = 3600
NAMES = ["giam_doc", "pho_giam_doc", "nobody"]
HOME = "10.1.0.7"  # a colleague's place
LIMITS = [KNOWN_BROWSER, ACCOUNT_AT_ADDRESS, ADDRESS, ACCOUNT]


def most(limit: Limit, seconds: float) -> int:
    """The documented bound on wrong passwords that are checked in a time."""
    return ceil(limit.free + log2(limit.longest) + 2 + seconds / limit.longest)


class Guesser:
    """Wrong passwords against a throttle, as many as it lets through."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.counts = InMemory()
        self.throttle = Throttle(self.clock, self.counts)
        self.start = self.clock.moment
        self.checked: list[tuple[float, list[Bucket]]] = []

    def guess(self, *buckets: Bucket) -> bool:
        """One wrong password; whether it was checked."""
        if self.throttle.wait(buckets):
            return False
        self.throttle.count_wrong(buckets)
        self.checked.append(((self.clock.moment - self.start).total_seconds(), list(buckets)))
        return True

    def pass_time(self, seconds: float) -> None:
        """Move the clock on, by whole milliseconds."""
        self.clock.moment += timedelta(milliseconds=ceil(seconds * 1000))


@pytest.mark.parametrize("limit", LIMITS)
def test_the_first_cost_nothing_then_waits_double_up_to_the_longest(limit: Limit) -> None:
    guesser, bucket = Guesser(), (limit, "x")
    for _ in range(limit.free):
        assert guesser.guess(bucket)
    waits: list[float] = []
    while len(waits) < 2 or waits[-1] > waits[-2] + 0.01:
        assert guesser.guess(bucket)
        waits.append(guesser.throttle.wait([bucket]))
        guesser.pass_time(waits[-1])
    assert waits[0] == pytest.approx(1)
    assert all(later <= 2 * sooner + 0.01 for sooner, later in pairwise(waits))
    assert waits[-1] == pytest.approx(limit.longest, rel=0.02)


@pytest.mark.parametrize("limit", LIMITS)
def test_all_is_forgotten_in_time(limit: Limit) -> None:
    guesser, bucket = Guesser(), (limit, "x")
    for _ in range(50):
        guesser.pass_time(guesser.throttle.wait([bucket]))
        assert guesser.guess(bucket)
    guesser.pass_time(most(limit, 0) * limit.longest)
    for _ in range(limit.free):
        assert guesser.guess(bucket)


steps = st.lists(
    st.tuples(
        st.sampled_from(NAMES),
        st.integers(0, 30),  # the address
        st.one_of(st.just(0.0), st.floats(0, 120)),  # seconds until the attempt
        st.integers(1, 40),  # how often it is made at once
    ),
    max_size=60,
)


@given(steps=steps)
def test_guesses_are_bounded_by_account_by_address_and_by_both(
    steps: list[tuple[str, int, float, int]],
) -> None:
    """Whatever strangers do, in any time from any moment on."""
    guesser = Guesser()
    for name, address, later, times in steps:
        guesser.pass_time(later)
        for _ in range(times):
            guesser.guess(*buckets_of(name, f"10.0.0.{address}", None))
    for bucket in {bucket for _, buckets in guesser.checked for bucket in buckets}:
        moments = [when for when, buckets in guesser.checked if bucket in buckets]
        for first, since in enumerate(moments):
            for count, until in enumerate(moments[first:], 1):
                assert count <= most(bucket[0], until - since), (bucket, since, until)


@given(steps=steps)
def test_a_known_browser_never_waits_for_strangers(
    steps: list[tuple[str, int, float, int]],
) -> None:
    guesser = Guesser()
    for name, address, later, times in steps:
        guesser.pass_time(later)
        for _ in range(times):
            guesser.guess(*buckets_of(name, f"10.0.0.{address}", None))
        assert guesser.throttle.wait(buckets_of("giam_doc", "10.0.0.1", "its secret")) == 0


@pytest.mark.parametrize("strangers", [1, 2, 3])
def test_few_addresses_guessing_for_hours_make_nobody_elsewhere_wait(strangers: int) -> None:
    guesser = Guesser()
    elsewhere = buckets_of("giam_doc", HOME, None)
    for second in range(3 * HOUR):
        for stranger in range(strangers):
            guesser.guess(*buckets_of("giam_doc", f"10.0.0.{stranger}", None))
        guesser.pass_time(1)
        assert strangers > 1 or guesser.throttle.wait(elsewhere) == 0, second
    assert guesser.throttle.wait(elsewhere) == 0
    assert len(guesser.checked) <= strangers * most(ACCOUNT_AT_ADDRESS, 3 * HOUR)


def test_a_thousand_addresses_guess_no_faster_than_the_account_allows() -> None:
    guesser = Guesser()
    for second in range(HOUR):
        for address in range(20):
            guesser.guess(*buckets_of("giam_doc", f"10.0.{second % 50}.{address}", None))
        guesser.pass_time(1)
    assert len(guesser.checked) <= most(ACCOUNT, HOUR)
    assert guesser.throttle.wait(buckets_of("giam_doc", HOME, None)) <= ACCOUNT.longest
    assert guesser.throttle.wait(buckets_of("pho_giam_doc", HOME, None)) == 0


def test_made_up_names_and_addresses_fill_no_memory_and_wash_nothing_off() -> None:
    """A machine checks some 30 passwords a second; each is remembered for a minute at most."""
    guesser, own = Guesser(), buckets_of("giam_doc", "10.9.9.9", None)
    for number in range(20_000):
        guesser.guess(*buckets_of(f"name {number}", f"2001:db8:0:{number:x}::1", None))
        guesser.guess(*own)
        guesser.pass_time(1 / 30)
    at_once = 30 * sum(limit.longest for limit in (ACCOUNT_AT_ADDRESS, ADDRESS, ACCOUNT))
    assert len(guesser.counts) <= 2 * at_once
    guesses = sum(own == buckets for _, buckets in guesser.checked)
    assert guesses <= most(ACCOUNT_AT_ADDRESS, 20_000 / 30)


def test_one_network_of_ipv6_is_one_address() -> None:
    assert buckets_of("an", "2001:db8::1", None) == buckets_of("an", "2001:db8::ffff:2", None)
    assert buckets_of("an", "2001:db8::1", None) != buckets_of("an", "2001:db8:0:1::1", None)
    assert buckets_of("an", "::ffff:10.0.0.1", None) == buckets_of("an", "10.0.0.1", None)
    assert buckets_of("an", "::ffff:10.0.0.1", None) != buckets_of("an", "10.0.0.2", None)
    assert buckets_of("an", "fe80::1%eth0", None) == buckets_of("an", "fe80::2%eth0", None)
    assert buckets_of("an", "", None) != buckets_of("an", "not an address", None)


def test_a_clock_set_back_keeps_nobody_out_for_longer_than_the_wait() -> None:
    guesser = Guesser()
    buckets = buckets_of("giam_doc", HOME, None)
    while guesser.guess(*buckets):
        pass
    guesser.pass_time(-HOUR)
    assert guesser.throttle.wait(buckets) <= 1
    guesser.pass_time(1)
    assert guesser.guess(*buckets)
