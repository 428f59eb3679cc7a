"""Floods, slow taps and guesses against the real programs: python -m tests.attack has the tables.

An aggregator and a kiosk as processes of their own, forms posted as anybody could or taps handed in
as those of a touch screen, and then what the JSON API says of the counter.
"""

import argparse
import hashlib
import re
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2

from aggregator.dashboard.accounts import CODE_LENGTH, Accounts
from aggregator.settings import Settings as AggregatorSettings
from aggregator.storage.migrations import migrate
from aggregator.storage.store import Store
from kiosk.qr_codes import code_of, signed_code
from secret_files import read_key
from surveys.centre import load_centre
from surveys.definition import load_instruments
from surveys.receipts import new_code
from tests.programs import ROOT, Program, free_port

CENTRE = ROOT / "deploy" / "lai_chau.toml"
HONEST = (5,) * 18 + (4, 3)  # the ratings of a counter besides those of the attack
ZONE = load_centre(CENTRE).zone
DOSSIERS = 24  # of 40 visitors, of whom half rate
HOURS = ((450, 690), (810, 1_020))  # in minutes since midnight
GUESSERS = 16
YEAR = 365 * 86_400
PATIENCE = 120.0  # seconds until all that was taken must have been counted


@dataclass(frozen=True)
class Attack:
    """Forms of the worst face, of the code of one counter."""

    name: str
    counter: str
    signed: bool = True
    networks: int = 1
    solving: bool = False
    share: float = 1.0  # of the tries that are asked for


ATTACKS = (
    Attack("a code computed from the centre's file", "q01", signed=False),
    Attack("a photographed code, one network", "q05"),
    Attack("a photographed code, 500 networks", "q10", networks=500),
    Attack("the same, a program solves the puzzles", "q13", solving=True, share=0.1),
)


@dataclass(frozen=True)
class Taps:
    """Taps of the worst face at the touch screen of a counter, spread evenly over its hours.

    The counter is the only one of its department, which settles DOSSIERS on that day.
    """

    counter: str
    a_day: int

    @property
    def name(self) -> str:
        return f"staff at the counter, {self.a_day} slow taps in a day"


SLOW = (Taps("q09", 10), Taps("q12", 20), Taps("q16", 40))


@dataclass(frozen=True)
class Guesses:
    """Codes that were not given out, tried by several clients at once."""

    name: str
    possible: int
    given: int  # so many are valid at once in a large centre


RECEIPTS = Guesses("receipt codes", 2**60, 10_000)
ONE_TIME = Guesses("one-time codes", 2**60, 10_000)
ENROLMENT = Guesses("codes that enrol a device", 2**40, 1)


@dataclass(frozen=True)
class Guessed:
    """What became of guesses: how many were looked at and how many not, and who got in."""

    looked_at: int
    put_off: int
    right: int
    seconds: float

    def years(self, of: Guesses) -> float:
        """Until one is right, on average, if guesses are looked at as fast as here."""
        return of.possible / of.given / (self.looked_at / self.seconds) / YEAR


@dataclass(frozen=True)
class Outcome:
    """What became of an attack: how often each status was answered, and what was counted."""

    attack: Attack | Taps
    tries: int
    seconds: float
    statuses: Counter[int]
    counted: int
    flagged: int
    share: float | None
    without: float | None


class House:
    """A running aggregator and kiosk of the sample centre."""

    def __init__(self, var: Path) -> None:
        self.var = var
        ports = free_port(), free_port()
        self.dashboard, self.kiosk = (f"http://127.0.0.1:{port}" for port in ports)
        settings: dict[str, object] = {"centre": CENTRE, "var": var}
        store = Store(AggregatorSettings(centre=CENTRE, var=var).database)
        migrate(store.engine)
        accounts = Accounts(store, lambda: datetime.now(UTC))
        self.reader = accounts.new_token("reader", "attack")
        token = self._token = accounts.new_token("device", "phones")
        self._one_stop = accounts.new_token("one_stop", "attack")
        store.close()
        self._programs = [
            Program("-m", "aggregator", "serve", port=ports[0], **settings),
            Program(
                *("-m", "kiosk", "serve"),
                port=ports[1],
                aggregator_url=self.dashboard,
                device_token=token,
                **settings,
            ),
        ]
        for program in self._programs:
            program.until("http://")

    def end(self) -> None:
        for program in reversed(self._programs):
            program.end()

    def code(self, department: str, counter: str, *, signed: bool) -> str:
        if not signed:
            return code_of("lai_chau", department, counter, "citizen")
        key = read_key(self.var / "kiosk" / "codes.key")
        return signed_code(key, "lai_chau", department, counter, "citizen")

    def attacked(self, attack: Attack, tries: int) -> Outcome:
        department = _department_of(attack.counter)
        address = f"{self.kiosk}/f/{self.code(department, attack.counter, signed=attack.signed)}"
        self._rate(attack.counter, HONEST, [480 + 6 * number for number in range(len(HONEST))])
        number, statuses = max(1, round(tries * attack.share)), Counter[int]()
        begun = time.monotonic()
        with httpx2.Client(trust_env=False, timeout=60) as client:
            for at in range(number):
                statuses[self._post(client, attack, address, at)] += 1
        return self._outcome(attack, number, time.monotonic() - begun, statuses, statuses[303])

    def tapped(self, taps: Taps) -> Outcome:
        """Honest taps at a counter over its hours, slow ones of the worst face between them."""
        told = {"day": str(_working_day().date()), "department": _department_of(taps.counter)}
        self._send("dossiers", self._one_stop, {"dossiers": [told | {"count": DOSSIERS}]})
        self._rate(taps.counter, HONEST, _spread(len(HONEST)))
        begun = time.monotonic()
        self._rate(taps.counter, (1,) * taps.a_day, _spread(taps.a_day))
        seconds = time.monotonic() - begun
        return self._outcome(taps, taps.a_day, seconds, Counter({200: taps.a_day}), taps.a_day)

    def _outcome(
        self,
        attack: Attack | Taps,
        tries: int,
        seconds: float,
        statuses: Counter[int],
        taken: int,
    ) -> Outcome:
        row = self._counted(attack.counter, taken + len(HONEST))
        flagged = row.get("flagged") or {"n": 0, "measures_without": {}}
        share = row["measures"]["satisfied_or_better"]["share"] if row["n"] else None
        without = flagged["measures_without"].get("satisfied_or_better", {}).get("share")
        return Outcome(attack, tries, seconds, statuses, row["n"], flagged["n"], share, without)

    def _rate(self, counter: str, codes: Sequence[int], minutes: Sequence[float]) -> None:
        """Taps at a counter at these minutes of the last working day, as kiosks tell."""
        taps = [
            {
                "id": str(uuid4()),
                "survey": "in_centre",
                "department": _department_of(counter),
                "counter": counter,
                "channel": "kiosk",
                "answered_at": (_working_day() + timedelta(minutes=minute)).isoformat(),
                "answers": {"rating": code},
            }
            for code, minute in zip(codes, minutes, strict=True)
        ]
        answer = self._send("submissions", self._token, {"submissions": taps})
        assert {one["status"] for one in answer["receipts"]} == {"accepted"}, answer

    def _send(self, door: str, token: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = httpx2.post(
            f"{self.dashboard}/api/v1/{door}",
            json=body,
            headers={"authorization": f"Bearer {token}"},
            trust_env=False,
        )
        assert answer.status_code == 200, answer.text
        given: dict[str, Any] = answer.json()
        return given

    def _post(self, client: httpx2.Client, attack: Attack, address: str, at: int) -> int:
        sent = {"visit": str(uuid4()), "fingerprint": _fingerprint(), "rating": "1"}
        sender = at % attack.networks
        headers = {"x-forwarded-for": f"198.51.{100 + sender // 250}.{1 + sender % 250}"}
        answer = client.post(address, data=sent, headers=headers)
        if answer.status_code == 429 and attack.solving:
            proof = _solution(answer.text)
            answer = client.post(address, data={**sent, "proof": proof}, headers=headers)
        return int(answer.status_code)

    def _counted(self, counter: str, taken: int) -> dict[str, Any]:
        """The counter's row, once all that was taken is counted."""
        asked = f"{self.dashboard}/api/v1/satisfaction?survey=in_centre&by=counter"
        headers = {"authorization": f"Bearer {self.reader}"}
        until = time.monotonic() + PATIENCE
        while True:
            answer = httpx2.get(asked, headers=headers, trust_env=False, timeout=60)
            rows = {row["key"]: row for row in answer.json()["rows"]}
            row: dict[str, Any] = rows[counter]
            if row["n"] >= taken or time.monotonic() > until:
                assert row["n"] == taken, f"{counter}: {row['n']} of {taken} are counted"
                return row
            time.sleep(0.2)

    def guessed(self, guesses: Guesses, tries: int) -> Guessed:
        """Try codes by GUESSERS at once, each as fast as it is answered."""
        statuses: Counter[int] = Counter()
        begun = time.monotonic()
        with (
            httpx2.Client(trust_env=False, timeout=60) as client,
            ThreadPoolExecutor(GUESSERS) as guessers,
        ):
            statuses.update(guessers.map(lambda _: self._guess(client, guesses), range(tries)))
        seconds = time.monotonic() - begun
        wrong = statuses[403] + statuses[404]
        right = statuses[200] + statuses[303]
        assert wrong + right + statuses[429] == tries, statuses
        return Guessed(wrong + right, statuses[429], right, seconds)

    def _guess(self, client: httpx2.Client, guesses: Guesses) -> int:
        code = new_code()
        if guesses is ENROLMENT:
            sent = {"code": code.replace("-", "")[:CODE_LENGTH]}
            answer = client.post(f"{self.dashboard}/api/v1/devices", json=sent)
        elif guesses is ONE_TIME:
            answer = client.get(f"{self.kiosk}/o/{code.replace('-', '')}")
        else:
            answer = client.get(f"{self.kiosk}/c/{code}")
        return int(answer.status_code)

    def enrolled_by(self, clients: int) -> Counter[int]:
        """The statuses that so many clients get who enrol by one valid code at once."""
        store = Store(AggregatorSettings(centre=CENTRE, var=self.var).database)
        try:
            accounts = Accounts(store, lambda: datetime.now(UTC))
            code = accounts.enrolment_code("raced", (None, None), "attack", store.state().version)
        finally:
            store.close()
        with ThreadPoolExecutor(clients) as racing:
            answers = racing.map(
                lambda _: httpx2.post(
                    f"{self.dashboard}/api/v1/devices", json={"code": code}, trust_env=False
                ),
                range(clients),
            )
            return Counter(answer.status_code for answer in answers)

    def alerts(self) -> list[str]:
        """The subjects of the alerts of flags, as the log has them."""
        store = Store(f"sqlite:///{self.var / 'aggregator' / 'hailong.sqlite3'}")
        try:
            return [one.subject for one in store.alerts.open() if one.rule == "flagged"]
        finally:
            store.close()


@contextmanager
def house(var: Path) -> Iterator[House]:
    built = House(var)
    try:
        yield built
    finally:
        built.end()


def _solution(page: str) -> str:
    asked = re.search(r'data-puzzle="([^"]+)"', page)
    assert asked is not None
    salt, target, most, _, _ = asked[1].split()
    for number in range(int(most)):
        if hashlib.sha256(f"{salt}{number}".encode()).hexdigest() == target:
            return f"{asked[1]} {number}"
    raise AssertionError("no solution")


def _working_day() -> datetime:
    """The midnight at which the last working day began."""
    day = datetime.now(ZONE).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    while day.weekday() > 4:
        day -= timedelta(days=1)
    return day


def _spread(n: int) -> list[float]:
    """The minutes of ``n`` taps that lie evenly over the opening hours of a day."""
    found, whole = [], sum(until - since for since, until in HOURS)
    for number in range(n):
        left = whole * (number + 0.5) / n
        for since, until in HOURS:
            if left < until - since:
                found.append(since + left)
                break
            left -= until - since
    return found


def _department_of(counter: str) -> str:
    return load_centre(CENTRE).department_of[counter]


@cache
def _fingerprint() -> str:
    return load_instruments(None)["in_centre"].fingerprint


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.attack", description=__doc__)
    parser.add_argument("--tries", type=int, default=2_000)
    given = parser.parse_args()
    print("| attack | tries | refused | asked for work | counted raw | flagged | raw, without |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder, house(Path(folder)) as built:
        for attack in (*ATTACKS, *SLOW):
            if isinstance(attack, Taps):
                found = built.tapped(attack)
            else:
                found = built.attacked(attack, given.tries)
            refused = sum(n for status, n in found.statuses.items() if status in (404, 410))
            without = found.share if found.without is None else found.without
            left = "none left" if found.flagged == found.counted else f"{without or 0:.1%}"
            shares = f"{found.share or 0:.1%}, {left}"
            made_up = found.counted - len(HONEST)
            print(
                f"| {attack.name} | {found.tries:,} in {found.seconds:.0f} s | {refused:,} "
                f"| {found.statuses[429]:,} | {made_up:,} | {found.flagged:,} | {shares} |",
                flush=True,
            )
        time.sleep(65)  # the watch looks each minute
        print("alerts:", ", ".join(built.alerts()))
        print("| codes guessed | tries | looked at | right | one is right after |")
        print("| --- | --- | --- | --- | --- |")
        for guesses in (RECEIPTS, ONE_TIME, ENROLMENT):
            seen = built.guessed(guesses, given.tries)
            print(
                f"| {guesses.name}, {guesses.given:,} of {guesses.possible:.2g} given out "
                f"| {given.tries:,} in {seen.seconds:.0f} s | {seen.looked_at:,} | {seen.right} "
                f"| {seen.years(guesses):,.0f} years |",
                flush=True,
            )


if __name__ == "__main__":
    main()
