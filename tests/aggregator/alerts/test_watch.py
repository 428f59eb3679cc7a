"""An alert is noted once and sent once, whatever happens in between."""

import hashlib
import hmac
import json
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from aggregator.alerts import post
from aggregator.settings import Settings
from aggregator.storage.alerts import LEASE
from aggregator.storage.store import Store
from surveys.centre import Margin
from tests.aggregator.alerts.watching import Hook, Mailbox, limit, mail_server, rule, watch_of
from tests.aggregator.conftest import Room, over_days, ratings, sipas
from tests.conftest import Servers
from tests.programs import free_port

Make = Callable[..., Room]
# Whose figures are made of sums of every kind that is kept.
PAGES = (
    *(
        "/",
        "/?survey=sipas_2020",
        "/briefing",
        "/trends?survey=sipas_2020",
        "/reasons",
        "/attitude",
    ),
    *("/sipas", "/sipas/weighted", "/sipas/weighted?department=so_tu_phap"),
    *("/hours", "/hours?survey=sipas_2020"),
)
SECRET = "sixteen characters, or more"
LATER = {"answered_at": "2026-11-23T08:14:00+07:00"}


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mail_server() as box:
        yield box


@pytest.fixture
def mailing(make_room: Make, migrated_url: str, box: Mailbox) -> Room:
    """A room that sends to one address, on each kind of database in turn."""
    smtp = f"smtp://127.0.0.1:{box.port}"
    room = make_room(migrated_url, smtp=smtp, mail_from="hailong@laichau.example")
    limit(room, emails=["giamdoc@laichau.example"])
    return room


def test_what_is_found_again_and_again_is_told_once(mailing: Room, box: Mailbox) -> None:
    mailing.take(ratings([1, 1, 1]))
    watch = watch_of(mailing)
    assert [watch.look(), watch.look()] == [1, 0]
    watch.send()
    watch.send()
    watch_of(mailing).send()  # as after a restart
    [text] = box.texts()
    assert box.messages[0].rcpt_tos == ["giamdoc@laichau.example"]
    assert "Subject:" in text
    assert "Message-ID: <" in text
    # It gets worse: the same alert, with other numbers.
    mailing.take(ratings([1], **LATER))
    assert watch.look() == 0
    assert [one.details for one in mailing.context.store.alerts.open()] == [
        {"k": 4, "n": 4, "level_vi": "Không hài lòng", "level_en": "Dissatisfied"}
    ]
    watch.send()
    assert len(box.messages) == 1


def test_one_that_ended_and_comes_back_within_an_hour_is_the_same(mailing: Room) -> None:
    watch, log = watch_of(mailing), mailing.context.store.alerts
    mailing.take(ratings([1, 1, 1]))
    watch.look()
    mailing.take(ratings([5] * 8, **LATER))
    assert watch.look() == 0
    [ended] = log.open()  # nobody has looked at it
    assert not ended.live
    mailing.clock.moment += timedelta(minutes=50)
    mailing.take(ratings([1, 1, 1], answered_at="2026-11-23T08:15:00+07:00"))
    assert watch.look() == 0
    mailing.take(ratings([5] * 8, answered_at="2026-11-23T08:15:30+07:00"))
    watch.look()
    mailing.clock.moment += timedelta(minutes=70)
    mailing.take(ratings([1, 1, 1], answered_at="2026-11-23T08:16:00+07:00"))
    assert watch.look() == 1
    assert len(log.open()) == 2


def test_alerts_of_one_moment_are_one_message(mailing: Room, box: Mailbox) -> None:
    mailing.take(ratings([1, 1, 1]))
    mailing.take(ratings([1, 1, 1], counter="q06"))
    watch = watch_of(mailing)
    assert watch.look() == 2
    watch.send()
    assert len(box.messages) == 1


def test_a_server_that_refuses_gets_it_later(mailing: Room, box: Mailbox) -> None:
    box.answer = "451 greylisted"
    mailing.take(ratings([1, 1, 1]))
    watch, log = watch_of(mailing), mailing.context.store.alerts
    watch.look()
    watch.send()
    [alert] = log.open()
    [[post]] = log.posts([alert.number]).values()
    assert (post.sent_at, post.tries, post.error) == (None, 1, "451 greylisted")
    watch.send()  # not before its time
    box.answer = ""
    watch.send()
    assert box.messages == []
    mailing.clock.moment += timedelta(minutes=2)
    watch.send()
    assert len(box.messages) == 1


def test_a_server_that_is_down_for_a_week_gets_it_when_it_is_back(
    make_room: Make, serve: Servers
) -> None:
    port, hook = free_port(), Hook(status=500)
    room = make_room(webhook_url=f"http://127.0.0.1:{port}/hook", webhook_secret=SECRET)
    limit(room, quiet_from=None, quiet_until=None)
    watch = watch_of(room)
    room.take(ratings([1, 1, 1]))
    watch.look()
    watch.send()  # nobody listens
    url = serve(hook.app(), port=port)
    for _ in range(7 * 24):  # now it answers 500
        room.clock.moment += timedelta(hours=1, minutes=1)
        watch.send()
    assert len(hook.taken) == 7 * 24
    hook.status = 200
    room.clock.moment += timedelta(hours=1, minutes=1)
    watch.send()
    watch.send()
    assert len(hook.taken) == 7 * 24 + 1
    [alert] = room.context.store.alerts.open()
    [[post]] = room.context.store.alerts.posts([alert.number]).values()
    assert post.sent_at is not None
    body, headers = hook.taken[-1]
    at, _, made = headers["hailong-signature"].removeprefix("t=").partition(",v1=")
    expected = hmac.new(SECRET.encode(), f"{at}.".encode() + body, hashlib.sha256)
    assert hmac.compare_digest(made, expected.hexdigest())
    told = json.loads(body)
    assert told["rule"] == "low_ratings"
    assert headers["hailong-alert"] == told["id"] == f"lai_chau-{alert.number}"
    assert "3" in told["text"]["vi"]
    serve.stop(url)


@pytest.mark.parametrize("listens", [False, True], ids=["down", "slow"])
def test_a_mail_server_that_is_down_or_says_nothing_is_told_on_the_page(
    make_room: Make, monkeypatch: pytest.MonkeyPatch, listens: bool
) -> None:
    monkeypatch.setattr(post, "SECONDS", 0.2)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        if listens:
            listener.listen()
        smtp = f"smtp://127.0.0.1:{listener.getsockname()[1]}"
        room = make_room(smtp=smtp, mail_from="hailong@laichau.example")
        limit(room, emails=["giamdoc@laichau.example"])
        room.take(ratings([1, 1, 1]))
        watch = watch_of(room)
        watch.look()
        watch.send()
    room.sign_in()
    page = room.client.get("/alerts?lang=vi").text
    assert "Chưa gửi được đến giamdoc@laichau.example (đã thử 1 lần)" in page


@pytest.mark.parametrize(
    "settings",
    [
        {"smtp": "smtp://mail.example"},
        {"smtp": "smtp://name:geheim@mail.example", "mail_from": "a@mail.example"},
        {"smtp": "http://mail.example", "mail_from": "a@mail.example"},
        {"smtp": "smtp://mail.example:port", "mail_from": "a@mail.example"},
        {"webhook_url": "https://bridge.example/hook"},
        {"webhook_url": "https://bridge.example/hook", "webhook_secret": "short"},
        {"webhook_url": "file:///etc/passwd", "webhook_secret": SECRET},
    ],
    ids=str,
)
def test_settings_that_cannot_send_are_refused_without_their_secrets(
    settings: dict[str, Any],
) -> None:
    with pytest.raises(ValidationError) as error:
        Settings(**settings)
    assert "geheim" not in str(error.value)


def test_quiet_hours_keep_it_until_they_are_over(mailing: Room, box: Mailbox) -> None:
    mailing.clock.moment = datetime.fromisoformat("2026-11-23T18:30:00+07:00")
    mailing.take(ratings([1, 1, 1]))
    watch = watch_of(mailing)
    assert watch.look() == 1
    watch.send()
    assert len(mailing.context.store.alerts.open()) == 1
    assert box.messages == []
    mailing.clock.moment = datetime.fromisoformat("2026-11-24T07:00:00+07:00")
    watch.send()
    assert len(box.messages) == 1


def test_what_was_cut_off_while_it_was_sent_is_sent_again(mailing: Room, box: Mailbox) -> None:
    mailing.take(ratings([1, 1, 1]))
    watch, log = watch_of(mailing), mailing.context.store.alerts
    watch.look()
    [taken] = log.take(mailing.clock())  # and the process ends here
    watch.send()
    assert box.messages == []
    mailing.clock.moment += LEASE
    watch.send()
    assert len(box.messages) == 1
    assert log.take(mailing.clock() + timedelta(days=1)) == []
    assert taken.tries == 0


def test_two_processes_note_and_send_it_once(mailing: Room, box: Mailbox) -> None:
    mailing.take(ratings([1, 1, 1]))
    mailing.take(ratings([1, 1, 1], counter="q06"))
    stores = [Store(mailing.settings.database) for _ in range(4)]
    watches = [watch_of(mailing) for _ in stores]
    for watch, store in zip(watches, stores, strict=True):
        watch._store = store
    with ThreadPoolExecutor() as threads:
        assert sum(threads.map(lambda watch: watch.look(), watches)) == 2
        list(threads.map(lambda watch: watch.send(), watches))
    assert len(mailing.context.store.alerts.posts([1, 2])) == 2
    assert len(box.messages) == 1
    for store in stores:
        store.close()


def test_a_rule_that_is_turned_off_ends_its_alerts(mailing: Room) -> None:
    mailing.take(ratings([1, 1, 1]))
    watch = watch_of(mailing)
    watch.look()
    rules = mailing.context.organisation.stored.alert_rules
    rule(mailing, *(one.model_copy(update={"active": False}) for one in rules))
    watch.look()
    assert [one.live for one in mailing.context.store.alerts.open()] == [False]


def test_sums_kept_by_settings_of_before_are_deleted_and_no_others(mailing: Room) -> None:
    for day in ("2026-11-19", "2026-11-20", "2026-11-23"):
        mailing.take([sipas([4] * 22, answered_at=f"{day}T08:10:00+07:00") for _ in range(9)])
    mailing.take(over_days([5, 4, 1]))
    held, store = mailing.context.organisation, mailing.context.store
    mix = {"survey": "sipas_2020", "source": "x", "shares": {"1": 0.5, "2": 0.5}}
    mix["population"] = {"vi": "Dân", "en": "All"}
    margins = (
        Margin(**mix, variable="residence"),
        Margin(**mix, variable="gender", department="so_tu_phap"),
    )
    changed = held.stored.model_copy(update={"margins": margins})
    held.save(changed, "giam_doc", "", held.number)
    mailing.sign_in()

    def kept() -> set[str]:
        for page in PAGES:
            assert mailing.client.get(page).status_code == 200, page
        with store.engine.connect() as connection:
            names = connection.exec_driver_sql("SELECT DISTINCT tallied FROM block")
            return set(names.scalars())

    watch = watch_of(mailing)
    before = kept()
    assert {"profile", "flags", "shifts", "form", "reasons"} <= {name.split()[0] for name in before}
    assert watch.tidy() == 0
    limits = held.stored.flags.model_copy(update={"burst_ratings": 9})
    held.save(held.stored.model_copy(update={"flags": limits}), "giam_doc", "", held.number)
    assert kept() > before
    assert watch.tidy() > 0
    assert [watch.tidy(), watch_of(mailing).tidy()] == [0, 0]
    after = kept()
    assert {name for name in before if not name.startswith("flags")} <= after
    assert not {name for name in before if name.startswith("flags")} & after
