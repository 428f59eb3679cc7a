"""Devices: what a bound one may hand in, and what is known of who handed in what."""

from dataclasses import replace

from alembic import command
from sqlalchemy import select

from aggregator.intake.ingest import Offer
from aggregator.storage.audit import Search, entry
from aggregator.storage.devices import Device, Stay
from aggregator.storage.migrations import _config, migrate
from aggregator.storage.store import Store
from aggregator.storage.tables import DeviceRow
from tests.aggregator.conftest import NOW, Intake, Room, stored, submission

TOLD = entry(NOW, "an", "device.added", name="quầy 5")


def test_a_bound_device_hands_in_answers_of_its_place_alone(intake: Intake) -> None:
    tried = [
        submission(),
        submission(counter="q06"),
        submission(counter=None),
        submission(department="so_y_te", counter=None),
        submission(department=None, counter=None),
    ]
    for device, expected in (
        (Device(7, "sảnh"), [None] * 5),
        (
            Device(8, "quầy 5", counter="q05"),
            [None, *["counter: this device hands in answers of “q05” alone"] * 4],
        ),
        (
            Device(9, "tư pháp", department="so_tu_phap"),
            [
                None,
                None,
                None,
                *["department: this device hands in answers of “so_tu_phap” alone"] * 2,
            ],
        ),
    ):
        fresh = [one | {"id": submission()["id"]} for one in tried]
        [receipts] = intake.ingest.accept([Offer(fresh, "en", device)])
        assert [receipt.reason for receipt in receipts] == expected
    assert [row.device for row in stored(intake.store)] == [7] * 5 + [8] + [9] * 3


def test_the_device_is_not_of_what_was_said(intake: Intake) -> None:
    sent = submission()
    offers = [Offer([sent], "en", Device(1, "a")), Offer([sent], "en", Device(2, "b"))]
    receipts = [one.status for [one] in intake.ingest.accept(offers)]
    again = [one.status for one in intake([sent])]
    assert receipts + again == ["accepted", "duplicate", "duplicate"]
    [row] = stored(intake.store)
    assert row.device == 1


def test_what_a_sender_says_of_its_device_is_refused(any_room: Room) -> None:
    [receipt] = any_room.post([submission(device=3)]).json()["receipts"]
    assert (receipt["status"], receipt["reason"]) == ("refused", "device: không có trường này")


def test_a_device_is_moved_renamed_and_revoked(any_room: Room) -> None:
    accounts, devices = any_room.context.accounts, any_room.context.store.devices
    any_room.device = accounts.enrol("quầy 5", TOLD)
    other = accounts.enrol("quầy 6", TOLD)
    device = devices.named("quầy 5")
    assert device is not None
    assert not devices.add("quầy 5", "0" * 64, NOW, TOLD)
    any_room.take([submission(), submission(counter="q06")])
    assert devices.place(device.number, None, "q06", TOLD, 1)
    accounts.forget_devices()
    before, after = submission(), submission(answered_at="2026-11-23T08:15:00+07:00")
    receipts = any_room.post([before, after, submission(counter="q06")]).json()["receipts"]
    assert [one["status"] for one in receipts] == ["accepted", "refused", "accepted"]
    assert not devices.rename("quầy 5", "quầy 6", TOLD)
    assert devices.rename("quầy 5", "quầy 7", TOLD)
    renamed = Device(device.number, "quầy 7", None, "q06", (Stay(None, None, TOLD.at),))
    assert replace(accounts.device(any_room.device) or device, since=None) == renamed
    assert devices.revoke("quầy 7", NOW, TOLD)
    assert not devices.revoke("quầy 7", NOW, TOLD)
    accounts.forget_devices()
    assert any_room.post([submission()]).status_code == 401
    any_room.device = accounts.enrol("quầy 7", TOLD)
    any_room.take([submission(counter="q06")])
    numbers = {row.device for row in stored(any_room.context.store)}
    assert numbers == {device.number}
    assert accounts.device(other) is not None
    assert any_room.context.store.audit.count(Search(kind="device")) == 6


def test_tokens_of_older_releases_get_a_device(database_url: str) -> None:
    store = Store(database_url)
    with store.engine.connect().execution_options(hailong_write=True) as connection:
        config = _config()
        config.attributes["connection"] = connection
        with connection.begin():
            command.upgrade(config, "0009")
            tokens = [("a", "device", "b"), ("c", "device", "a"), ("d", "reader", "c")]
            values = ", ".join(
                f"('{digest}', '{kind}', '{name}', '2026-01-0{day} 00:00:00')"
                for day, (digest, kind, name) in enumerate(tokens, 1)
            )
            connection.exec_driver_sql(
                f"INSERT INTO token (hash, kind, name, created_at) VALUES {values}"
            )
    migrate(store.engine)
    with store.database.begin() as connection:
        found = connection.execute(select(DeviceRow.number, DeviceRow.name)).all()  # type: ignore[call-overload]
    assert sorted(map(tuple, found)) == [(1, "b"), (2, "a")]
    store.close()
