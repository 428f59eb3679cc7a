"""Many centres behind one address: nothing of one is in another, and the province compares them."""

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from starlette.testclient import TestClient

from aggregator.dashboard.province import create_province
from aggregator.storage.audit import Search, entry
from aggregator.storage.centres import Version
from aggregator.storage.database import StorageError
from tests.aggregator.conftest import PASSWORD, ROOT, Clock, ratings, submission
from tests.aggregator.provinces import PLACES, Hall, settings_of
from tests.aggregator.reading import card, row, words

RATED = {
    "lai_chau": [5] * 80 + [4] * 10,
    "tan_phong": [5] * 40 + [3] * 30,
    "doan_ket": [5] * 3,
}
PARTIAL = {"hx-request": "true", "hx-request-type": "partial"}
LINK = re.compile(r'\s(?:href|action|formaction|src|hx-get)="([^"]*)"')


@pytest.fixture
def hall(tmp_path: Path, database_url: str, clock: Clock, sqlite_template: Path) -> Iterator[Hall]:
    """A province on each kind of database, with ratings in its centres."""
    made = Hall.of(settings_of(tmp_path, database_url), clock, sqlite_template)
    with made.client:
        yield made


def place(id: str) -> dict[str, Any]:
    return dict(PLACES[id])


def rate(hall: Hall) -> dict[str, str]:
    """Hand ratings in at each centre; returns the token of each one's device."""
    tokens = {id: hall.device(id) for id in PLACES}
    for id, codes in RATED.items():
        answer = hall.post(id, tokens[id], ratings(codes, **place(id)))
        assert {one["status"] for one in answer.json()["receipts"]} == {"accepted"}
    return tokens


def test_a_province_with_its_centres_people_and_pages(hall: Hall, clock: Clock) -> None:
    client = hall.client
    # The token decides the centre, and nothing that the sender says.
    tokens = rate(hall)
    foreign = hall.post("tan_phong", tokens["lai_chau"], ratings([1], **place("tan_phong")))
    assert foreign.status_code == 401
    said = hall.post("lai_chau", tokens["lai_chau"], [submission(centre="tan_phong")])
    assert [one["status"] for one in said.json()["receipts"]] == ["refused"]
    bearer = {"authorization": f"Bearer {tokens['doan_ket']}"}
    assert client.get("/doan_ket/api/v1/centre", headers=bearer).status_code == 200
    assert client.get("/lai_chau/api/v1/centre", headers=bearer).status_code == 401

    # The province's page, for its own people alone.
    assert client.get("/").headers["location"] == "/sign-in?next=%2F"
    hall.sign_in("An", "manager", "lai_chau")
    assert client.get("/lai_chau/").status_code == 200
    assert client.get("/tan_phong/").headers["location"].startswith("/tan_phong/sign-in")
    assert client.get("/").status_code == 303
    client.cookies.clear()
    hall.sign_in("Bình", "manager")
    page = client.get("/?period=day").text
    shown = card(page, "Toàn tỉnh")
    assert f"{80 + 40 + 3} trên {90 + 70 + 3}" in shown
    # Ratings of one moment have a flag by each centre's own rules; three are no burst.
    assert "không tính 160 lượt có dấu hiệu bất thường: 100,0%" in shown
    for id, named in (("lai_chau", "tỉnh Lai Châu"), ("tan_phong", "phường Tân Phong")):
        n = len(RATED[id])
        assert f" {n} " in row(page, f"Trung tâm Phục vụ hành chính công {named} {n}")
    assert "Quá ít ngày" in row(page, "Trung tâm Phục vụ hành chính công phường Tân Phong 70")
    assert (
        "quá ít ngày" in row(page, "Trung tâm Phục vụ hành chính công phường Đoàn Kết 3 ").lower()
    )
    asked = re.findall(r'class="ask" href="([^"]+how=(?:centre|tan_phong)[^"]+)"', page)
    assert len(set(asked)) > 5
    for link in set(asked):
        panel = client.get(unescape(link), headers=PARTIAL).text
        assert "Cách tính" in panel, link
    assert client.get("/?period=year&survey=sipas_2020").status_code == 200
    assert client.get("/?period=year&survey=business").status_code == 200

    # What a program passes on is asked of each centre: its ledger knows what was published.
    reader = hall.context().accounts.new_token("reader", "cổng dữ liệu")
    bearer = {"authorization": f"Bearer {reader}"}
    asked_for = "/api/v1/satisfaction?survey=in_centre&by=department"
    counted = client.get(asked_for, headers=bearer).json()["rows"]
    assert {one["key"]: one["n"] for one in counted} == {id: len(RATED[id]) for id in RATED}
    refused = client.get(f"{asked_for}&publish=true", headers=bearer)
    assert refused.status_code == 400
    assert "mỗi Trung tâm công bố số liệu của mình" in refused.json()["error"]
    assert client.get(f"/lai_chau{asked_for}", headers=bearer).status_code == 401

    # Into a centre with the rights of the role, told in that centre's log under a marked name.
    found = re.search(r'href="(/tan_phong/\?[^"]+)"', page)
    assert found is not None
    inside = client.get(unescape(found[1])).text
    assert 'href="/account">@Bình<' in inside
    assert "40 trên 70" in card(inside, "Rất hài lòng")
    client.get("/tan_phong/exports/codebook.csv")
    added = {"action": "add", "name": "quầy 2", "place": ""}
    made = client.post("/tan_phong/devices", data=added).text
    assert 'value="http://127.0.0.1:8000/tan_phong"' in made
    log = hall.context("tan_phong").store.audit.entries(Search(), 50)
    assert ("device.made", "@Bình") in {(one.event, one.actor) for one in log}
    assert "@Bình" not in hall.context("lai_chau").store.audit.actors()
    assert client.get("/tan_phong/account").status_code == 403  # of an account of that name here
    assert client.get("/tan_phong/audit").status_code == 403  # as for every manager
    assert hall.context("tan_phong").store.credentials.user("@Bình") is None
    hall.context("tan_phong").accounts.add_user("Bình", "reader", PASSWORD)
    client.post("/tan_phong/account", data={"password": "another one", "again": "another one"})
    assert hall.context("tan_phong").accounts.is_password("Bình", PASSWORD)

    # A reader of the province reads in the centres, and changes nothing.
    told = entry(clock(), "An", "account.role", name="Bình", former="manager", role="reader")
    hall.context().store.credentials.change_user("Bình", told, role="reader")
    assert client.get("/tan_phong/").status_code == 303  # signed out by the change
    hall.sign_in("Bình", "reader")
    assert client.get("/tan_phong/").status_code == 200
    assert client.post("/tan_phong/devices", data={"action": "add"}).status_code == 403
    assert client.get("/accounts").status_code == 403


def test_every_link_of_the_province_leads_to_itself_or_into_a_centre(
    tmp_path: Path, clock: Clock, sqlite_template: Path
) -> None:
    """And no link of a centre out of it, but to the province for who came from there."""
    hall = Hall.of(settings_of(tmp_path, ""), clock, sqlite_template)
    with hall.client:
        crawl(hall)


def crawl(hall: Hall) -> None:
    rate(hall)
    hall.sign_in("An", "administrator")
    waiting, asked = ["/?period=day", "/sign-in"], set()
    while waiting:
        address = waiting.pop()
        path = urlsplit(address).path
        inside = path.split("/")[1] in PLACES
        if path in asked or (inside and (path.count("/") > 2 or "csv" in path)):
            continue
        asked.add(path)
        answer = hall.client.get(address)
        assert answer.status_code in (200, 303, 400, 403, 405), (address, answer.status_code)
        html = answer.text if "<html" in answer.text else ""
        for link in (unescape(one) for one in LINK.findall(html)):
            to = urlsplit(urljoin(address, link)).path
            assert (
                not inside
                or to.startswith((f"/{path.split('/')[1]}/", "/static/"))
                or to
                in (
                    "/",
                    "/account",
                    "/sign-out",
                )
            ), f"{address} leads to {link}"
            if not to.startswith("/static/"):
                waiting.append(urljoin(address, link))
    assert {"/", "/method", "/accounts", "/audit", "/account"} <= asked
    assert {f"/{id}/comparison" for id in PLACES} <= asked


def test_a_centre_that_is_gone_is_named_and_keeps_no_other_out(
    tmp_path: Path, clock: Clock, sqlite_template: Path
) -> None:
    hall = Hall.of(settings_of(tmp_path, ""), clock, sqlite_template)
    lost = tmp_path / "doan_ket" / "aggregator" / "hailong.sqlite3"
    kept = lost.read_bytes()
    with hall.client as client:
        tokens = rate(hall)
        hall.sign_in("An", "administrator")
        assert client.get("/health").json()["status"] == "ok"
        lost.unlink()
        clock.moment += timedelta(seconds=10)
        answer = client.get("/health")
        assert (answer.status_code, answer.json()) == (
            503,
            {
                "status": "unavailable",
                "centres": {"lai_chau": "ok", "tan_phong": "ok", "doan_ket": "unavailable"},
            },
        )
        page = client.get("/?period=day").text
        assert "phường Đoàn Kết : hiện không đọc được số liệu" in words(page)
        assert " 160 " in f" {card(page, 'Toàn tỉnh')} "
        assert "chưa có lượt nào" not in page
        assert hall.post("tan_phong", tokens["tan_phong"], []).status_code == 200
    # Not there from the start: it is asked again, a moment later, and then it is there.
    app = create_province(hall.province, clock)
    hall = Hall(hall.province, app, TestClient(app, follow_redirects=False), clock)
    with hall.client as client:
        hall.sign_in("An", "administrator")
        bearer = {"authorization": "Bearer x"}
        away = client.post("/doan_ket/api/v1/submissions", json={}, headers=bearer)
        assert away.status_code == 503
        assert "error" in away.json()
        assert client.get("/doan_ket/").status_code == 503
        assert client.get("/khong_co/").status_code == 404
        assert client.get("/doan_ket").headers["location"] == "/doan_ket/"
        assert "hiện không đọc được số liệu" in client.get("/?period=day").text
        assert not lost.exists()
        lost.write_bytes(kept)
        clock.moment += timedelta(seconds=5)
        assert client.get("/doan_ket/").status_code == 200
        assert "hiện không đọc được số liệu" not in client.get("/?period=day").text


def test_a_centre_with_a_broken_file_keeps_no_other_out(
    tmp_path: Path, clock: Clock, sqlite_template: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = settings_of(tmp_path, "")
    (tmp_path / "doan_ket.toml").write_text("id = ", "utf-8")
    hall = Hall.of(settings, clock, sqlite_template)
    with hall.client as client:
        hall.sign_in("An", "administrator")
        page = words(client.get("/?period=day").text)
        assert "doan_ket : hiện không đọc được số liệu" in page
        assert "centre doan_ket cannot be opened: doan_ket.toml: not TOML" in caplog.text
        away = client.get("/doan_ket/")
        assert (away.status_code, away.headers["retry-after"]) == (503, "5")
        assert "Trung tâm này hiện chưa mở được" in words(away.text)
        assert client.get("/lai_chau/").status_code == 200
        # A document that a newer release saved: named here, told on its own pages.
        held = hall.context("tan_phong")
        version = Version(2, clock.moment, "an", "", '{"id": "tan_phong", "newer": 1}')
        held.store.centres.add(version, lambda _: [])
        page = words(client.get("/?period=day").text)
        assert page.count("hiện không đọc được số liệu") == 2
        assert "centre tan_phong cannot be read: centre version 2: " in caplog.text
        own = client.get("/tan_phong/")
        assert own.status_code == 503
        assert "có thể do bản mới hơn lưu" in words(own.text)
        assert client.get("/lai_chau/").status_code == 200


def test_a_centre_that_may_not_follow_is_refused_with_its_numbers_in_the_log(
    tmp_path: Path, clock: Clock, sqlite_template: Path, caplog: pytest.LogCaptureFixture
) -> None:
    hall = Hall.of(settings_of(tmp_path, ""), clock, sqlite_template)
    with hall.client:
        hall.take("doan_ket", [submission(**place("doan_ket"))])
        with hall.context("doan_ket").store.database.begin(write=True) as connection:
            connection.exec_driver_sql("DELETE FROM centre_version")
    text = (tmp_path / "doan_ket.toml").read_text("utf-8")
    (tmp_path / "doan_ket.toml").write_text(text.replace('"van_phong"', '"khac"'), "utf-8")
    with pytest.raises(StorageError):
        create_province(hall.province, clock).branches["doan_ket"].opened()
    assert "doan_ket cannot be opened: 1 stored counts are of places" in caplog.text
    assert "van_phong / q01: 1" in caplog.text


def test_a_province_has_no_heads_and_no_name_poses_as_its_people(
    tmp_path: Path, clock: Clock, sqlite_template: Path
) -> None:
    hall = Hall.of(settings_of(tmp_path, ""), clock, sqlite_template)
    with hall.client as client:
        hall.sign_in("An", "administrator")
        assert 'value="head"' not in client.get("/accounts").text
        given = {"action": "invite", "name": "x", "role": "head", "department": "lai_chau"}
        assert client.post("/accounts", data=given).status_code == 400
        assert 'value="head"' in client.get("/lai_chau/accounts").text
        link = hall.context("lai_chau").accounts.invite("x", "reader", None, "/lai_chau", "An")
        form = {"name": "@An", "password": PASSWORD, "again": PASSWORD}
        assert client.post(link, data=form).status_code == 422
        # Who has accounts of both acts as the centre's own there.
        hall.sign_in("Chi", "reader", "lai_chau")
        assert 'href="/lai_chau/account">Chi<' in client.get("/lai_chau/").text
        assert client.get("/lai_chau/sign-in?next=/lai_chau/trends").text.count(
            'href="/sign-in?next=%2Flai_chau%2Ftrends"'
        )
        client.post("/lai_chau/sign-out")
        assert 'href="/account">@An<' in client.get("/lai_chau/").text
        client.post("/sign-out")
        assert client.get("/lai_chau/").status_code == 303


def test_centres_of_one_name_are_told_apart_and_one_edited_under_its_answers_is_away(
    tmp_path: Path, clock: Clock, sqlite_template: Path
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    text = (ROOT / "surveys" / "in_centre.toml").read_text("utf-8")
    (own / "in_centre.toml").write_text(text, "utf-8")
    settings = settings_of(tmp_path, "", tan_phong=f'surveys = "{own}"')
    hall = Hall.of(settings, clock, sqlite_template)
    with hall.client as client:
        rate(hall)
        held = hall.context("tan_phong").organisation
        name = hall.context("lai_chau").centre.name
        held.save(held.stored.model_copy(update={"name": name}), "an", "", held.number)
        hall.sign_in("An", "administrator")
        page = words(client.get("/?period=day").text)
        assert f"{name.vi} (lai_chau)" in page
        assert f"{name.vi} (tan_phong)" in page
        assert client.get("/accounts").status_code == 200
    (own / "in_centre.toml").write_text(text.replace("Bình thường", "Tạm được"), "utf-8")
    app = create_province(hall.province, clock)
    with TestClient(app, follow_redirects=False) as client:
        assert client.get("/tan_phong/").status_code == 503
        centres = client.get("/health").json()["centres"]
        assert centres == {"lai_chau": "ok", "tan_phong": "unavailable", "doan_ket": "ok"}
        assert client.get("/lai_chau/").status_code == 303
