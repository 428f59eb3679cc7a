"""Versions of the centre's document: the first from a file, the next by saving."""

import tomllib
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.intake.ingest import Ingest, Offer
from aggregator.organisation import acts
from aggregator.organisation.changes import OrganisationError
from aggregator.organisation.current import Organisation, OvertakenError
from aggregator.organisation.toml import to_toml
from aggregator.storage.audit import Entry, Search, entry
from aggregator.storage.centres import OlderVersionError, Stored, Version
from aggregator.storage.devices import Beat
from aggregator.storage.store import Store
from surveys.centre import Centre, load_centre
from surveys.definition import DefinitionError, Text, load_surveys
from surveys.looks import data_address
from surveys.wire import Receipt
from tests.aggregator.conftest import CENTRE, NOW, submission
from tests.surveys.pictures import png

SURVEYS = load_surveys()
DAY = date(2025, 3, 1)


def merged(centre: Centre) -> Centre:
    return acts.merge(centre, "department", "so_ke_hoach_dau_tu", "so_tai_chinh", DAY)


def opened(store: Store, file: Path = CENTRE) -> Organisation:
    found = Organisation(store.centres, SURVEYS, lambda: NOW)
    found.start(file)
    return found


def count(store: Store, centre: Centre, *items: dict[str, object]) -> list[str]:
    [receipts] = Ingest(store, SURVEYS, centre, lambda: NOW).accept([Offer(items, "en")])
    return [receipt.status for receipt in receipts]


def test_the_file_is_the_first_version_and_is_not_read_again(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "centre.toml"
    file.write_text(CENTRE.read_text("utf-8"), "utf-8")
    first = opened(store, file)
    assert (first.number, first.centre) == (1, load_centre(CENTRE))
    assert first.notice is None
    file.write_text(CENTRE.read_text("utf-8").replace("Quầy 01", "Bàn 01"), "utf-8")
    again = opened(store, file)
    assert again.centre == first.centre
    assert said(again).startswith("centre.toml khác với phiên bản 1")
    again.import_file(file, "sửa chữ")
    assert opened(store, file).notice is None
    assert said(opened(store)).startswith("lai_chau.toml là phiên bản 1")
    file.write_text("id = ", "utf-8")
    with pytest.raises(DefinitionError, match=r"centre\.toml: not TOML"):
        opened(store, file)


def said(organisation: Organisation) -> str:
    assert organisation.notice is not None
    return organisation.notice.get("vi")


def test_a_saved_version_reaches_another_process_and_late_answers_are_taken(
    migrated_url: str,
) -> None:
    here, there = Store(migrated_url), Store(migrated_url)
    one, other = opened(here), opened(there)
    said = one.save(merged(one.stored), "quan_ly", "sáp nhập 2025", one.number)
    assert len(said) == 2
    planning = submission(department="so_ke_hoach_dau_tu", counter="q08")
    finance = submission(department="so_tai_chinh", counter="q08")
    ingest = Ingest(there, SURVEYS, other.centre, lambda: NOW, other.refreshed)
    [receipts] = ingest.accept([Offer([planning, finance], "en")])
    assert [receipt.status for receipt in receipts] == ["accepted", "accepted"]
    assert other.number == 2
    [(second, changed), (first, nothing)] = other.history()
    assert (second.saved_by, second.reason, second.saved_at) == ("quan_ly", "sáp nhập 2025", NOW)
    assert changed[0].get("vi").startswith("Sáp nhập Sở Kế hoạch và Đầu tư vào Sở Tài chính")
    assert (first.saved_by, nothing) == ("", [])
    logged = here.audit.entries(Search(kind="organisation"), 9)
    assert [(row.event, row.actor) for row in logged] == [
        ("organisation.saved", "quan_ly"),
        ("organisation.first", ""),
    ]
    here.close()
    there.close()


def test_the_second_to_save_is_told_what_the_first_changed(store: Store) -> None:
    one, other = opened(store), opened(store)
    mine = acts.rename(one.stored, "counter", "q01", Text(vi="Bàn 1", en="Desk 1"), None)
    one.save(merged(one.stored), "lan", "", 1)
    with pytest.raises(OvertakenError) as raised:
        other.save(mine, "minh", "", 1)
    assert "lan" in str(raised.value)
    assert raised.value.changes[0].get("en").startswith("Department of Planning and Investment me")
    assert store.centres.newest_number() == 2
    again = acts.rename(other.stored, "counter", "q01", Text(vi="Bàn 1", en="Desk 1"), None)
    other.save(again, "minh", "", 2)
    assert one.refreshed().counter["q01"].name.vi == "Bàn 1"
    assert one.stored.department["so_ke_hoach_dau_tu"].successor == "so_tai_chinh"


def test_before_any_answer_another_file_may_replace_the_first(store: Store, tmp_path: Path) -> None:
    organisation = opened(store)
    file = tmp_path / "own.toml"
    text = CENTRE.read_text("utf-8").replace('id = "lai_chau"', 'id = "own"')
    file.write_text(text, "utf-8")
    organisation.import_file(file, "")
    assert organisation.centre.id == "own"
    count(store, organisation.centre, submission())
    with pytest.raises(OrganisationError, match="counted by it"):
        organisation.import_file(CENTRE, "")


def test_nothing_is_saved_where_it_may_not_be(store: Store, tmp_path: Path) -> None:
    organisation = opened(store)
    count(store, organisation.centre, submission(), submission(counter=None))
    with pytest.raises(OrganisationError, match="Nothing has changed"):
        organisation.save(organisation.stored, "", "", 1)
    with pytest.raises(OrganisationError, match="reason"):
        organisation.save(merged(organisation.stored), "", "x" * 501, 1)
    file = tmp_path / "fewer.toml"
    start, _, rest = CENTRE.read_text("utf-8").partition('[[departments]]\nid = "so_tu_phap"')
    file.write_text(start + "[[departments]]" + rest.partition("[[departments]]")[2], "utf-8")
    with pytest.raises(OrganisationError) as raised:
        organisation.import_file(file, "")
    assert "so_tu_phap / q05: 1" in str(raised.value)
    bad = load_centre(CENTRE).model_dump() | {"instruments": {"rating": "nobody"}}
    with pytest.raises(DefinitionError, match="there is no survey 'nobody'"):
        organisation.save(acts.valid(bad), "", "", 1)
    assert store.centres.newest_number() == 1


def test_an_older_database_with_answers_refuses_a_file_that_lost_a_department(
    store: Store, tmp_path: Path
) -> None:
    """As on 0.2.0, where the start stopped or 227 ratings were said to have no counter."""
    count(store, load_centre(CENTRE), *(submission() for _ in range(3)))
    file = tmp_path / "fewer.toml"
    text = CENTRE.read_text("utf-8").replace('published = "lai', '# "lai')
    file.write_text(text.replace('id = "so_tu_phap"', 'id = "so_khac"'), "utf-8")
    with pytest.raises(OrganisationError, match="3 stored counts"):
        opened(store, file)
    assert store.centres.newest_number() == 0
    opened(store)


WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)


@settings(max_examples=40)
@given(WORDS, WORDS, st.floats(0, 1), st.integers(5, 120), st.binary(min_size=1, max_size=30))
def test_a_document_is_the_same_after_it_was_written_as_toml(
    vi: str, en: str, share: float, seconds: int, more: bytes
) -> None:
    text = Text(vi=vi, en=en)
    centre = merged(load_centre(CENTRE))
    renamed = acts.rename(centre, "department", "so_tai_chinh", text, DAY)
    references = [renamed.references[-1].model_copy(update={"source": vi, "share": share})]
    margin = {
        "survey": "sipas_2020",
        "variable": "channel",
        "population": text,
        "source": en,
        "shares": {"qr": share, "kiosk": 1 - share},
    }
    settings = {
        "references": references,
        "margins": [margin],
        "series_breaks": [{"survey": "in_centre", "day": DAY, "reason": text}],
        "minimum_cell": seconds,
        "opening_hours": [{"days": ["mon", "sun"], "opens": "07:15", "closes": "23:59:59"}],
        "touch_screen": {"thanks_seconds": seconds, "rest_seconds": 0},
        "looks": {"colour": "#0b4a73", "emblem": data_address(png() + more, "png")},
        "wifi": {"name": "Sảnh 1", "password": "12345678"},
        "documents": {"agency": text, "title": text, "signer": vi, "addressees": text},
        "parent": text,
    }
    whole = acts.valid(renamed.model_dump() | settings)

    assert acts.valid(tomllib.loads(to_toml(whole))) == whole


def test_a_unit_with_a_device_at_work_does_not_close(store: Store) -> None:
    found = opened(store)
    devices, audited = store.devices, entry(NOW, "", "device.made", name="kiosk 3", place="q05")
    devices.offer("kiosk 3", (None, "q05"), "hash", NOW, audited, 1)
    devices.offer("kiosk 4", ("so_tai_chinh", None), "hash 4", NOW, audited, 1)
    merging = acts.merge(found.stored, "counter", "q05", "q06", DAY)
    for closing in (
        acts.close(found.stored, "counter", "q05", NOW.date()),
        acts.close(merging, "counter", "q06", NOW.date()),
    ):
        with pytest.raises(OrganisationError, match="kiosk 3 is at work there"):
            found.save(closing, "an", "", found.number)
        with pytest.raises(OrganisationError, match="kiosk 3"):
            found.preview(closing)
    assert found.number == 1
    # Merged: it goes on at the successor.
    found.save(merging, "an", "", 1)
    with pytest.raises(OrganisationError, match="kiosk 3"):
        found.save(acts.close(found.stored, "counter", "q06", NOW.date()), "an", "", 2)
    devices.revoke("kiosk 3", NOW, entry(NOW, "", "device.removed", name="kiosk 3"))
    found.save(acts.close(found.stored, "counter", "q06", NOW.date()), "an", "", 2)
    # What has closed already with a device holds no other change up.
    changed = found.stored.model_copy(update={"name": Text(vi="Khác", en="Another")})
    devices.add("kiosk 3", "hash 3", NOW)
    found.save(changed, "an", "", 3)


def test_a_unit_to_which_a_revoked_device_may_come_back_does_not_close(store: Store) -> None:
    found, devices = opened(store), store.devices

    def told(event: str, at: datetime = NOW) -> Entry:
        return entry(at, "", f"device.{event}", name="kiosk 1")

    soon = NOW + timedelta(minutes=15)
    devices.offer("kiosk 1", (None, "q05"), "first", soon, told("code"), 1)
    devices.enrol("first", "token", NOW)
    devices.revoke("kiosk 1", NOW, told("removed"))
    closing = acts.close(found.stored, "counter", "q05", NOW.date())
    assert found.preview(closing)
    devices.offer("kiosk 1", None, "second", soon, told("code"), 1)
    assert devices.awaited(NOW) == {"kiosk 1"}
    assert devices.awaited(soon) == set()
    with pytest.raises(OrganisationError, match="kiosk 1 has an unused code"):
        found.preview(closing)
    with pytest.raises(OrganisationError, match="kiosk 1 has an unused code"):
        found.save(closing, "an", "", 1)
    assert devices.revoke("kiosk 1", NOW, told("removed"))  # its code alone is left
    assert not devices.revoke("kiosk 1", NOW, told("removed"))
    assert devices.enrol("second", "token", NOW) is None
    devices.offer("kiosk 1", None, "third", NOW, told("code"), 1)  # has expired
    found.save(closing, "an", "", 1)


def test_a_unit_at_which_an_unbound_device_says_it_stands_does_not_close(store: Store) -> None:
    found, devices = opened(store), store.devices
    devices.add("kiosk 1", "hash", NOW)
    [row] = devices.rows()
    closing = acts.close(found.stored, "counter", "q05", NOW.date())
    devices.note(row.number or 0, NOW, Beat(0, 0, 0, "0.3.0", None, "q05"))
    with pytest.raises(OrganisationError, match="kiosk 1 says that it stands there"):
        found.preview(closing)
    with pytest.raises(OrganisationError, match="kiosk 1 says that it stands there"):
        found.save(closing, "an", "", 1)
    # Bound elsewhere by the page: its answers at the counter are not taken any more.
    audited = entry(NOW, "", "device.placed", name="kiosk 1", place="q06")
    devices.place(row.number or 0, None, "q06", audited, 1)
    assert found.preview(closing)
    devices.place(row.number or 0, None, None, audited, 1)
    devices.note(row.number or 0, NOW, Beat(0, 0, 0, "0.3.0"))
    found.save(closing, "an", "", 1)


def test_nothing_comes_between_the_checks_of_a_version_and_its_commit(migrated_url: str) -> None:
    here, there = Store(migrated_url), Store(migrated_url)
    one, other = opened(here), opened(there)
    here.devices.add("kiosk 1", "hash", NOW)
    gone = one.stored.model_copy(
        update={"departments": one.stored.departments[1:]}
    )  # nothing has been counted: it may vanish
    lost = one.stored.departments[0]
    item = submission(department=lost.id, counter=lost.counters[0].id)
    audited = entry(NOW, "", "device.placed", name="kiosk 1", place=lost.id)
    ingest = Ingest(there, SURVEYS, other.centre, lambda: NOW, other.refreshed)
    work = (
        lambda: ingest.accept([Offer([item], "en")]),
        lambda: there.devices.place(1, lost.id, None, audited, 1),
        lambda: other.save(merged(other.stored), "minh", "", 1),
    )
    with ThreadPoolExecutor(len(work)) as pool:
        waiting: list[Future[object]] = []

        def check(stored: Stored) -> list[Entry]:
            waiting.extend(pool.submit(task) for task in work)
            assert not wait(waiting, 0.1).done
            assert not stored.counted
            return []

        here.centres.add(Version(2, NOW, "an", "", gone.model_dump_json()), check)
        answer, placed, saved = waiting
        [[receipt]] = cast("list[list[Receipt]]", answer.result(9))
        assert "department" in str(receipt.reason)
        with pytest.raises(OlderVersionError):
            placed.result(9)
        with pytest.raises(OvertakenError, match="an"):
            saved.result(9)
    assert not here.centres.stored(NOW).counted
    assert not here.centres.stored(NOW).devices
    here.close()
    there.close()


def test_the_log_names_each_kind_of_what_a_file_changes(store: Store, tmp_path: Path) -> None:
    found = opened(store)

    def imported(**changed: object) -> list[str]:
        file = tmp_path / "centre.toml"
        file.write_text(to_toml(found.stored.model_copy(update=changed)), "utf-8")
        before = store.audit.count(Search())
        found.import_file(file, "")
        rows = store.audit.entries(Search(), store.audit.count(Search()) - before)
        assert {row.details["number"] for row in rows} == {found.number}
        return sorted(row.event for row in rows)

    centre = found.stored
    assert imported(minimum_cell=7) == ["settings.saved"]
    assert imported(references=centre.references[1:]) == ["reference.saved"]
    merging = merged(found.stored).departments
    both = imported(departments=merging, minimum_ratings=40)
    assert both == ["organisation.saved", "settings.saved"]
