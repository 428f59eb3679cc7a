"""Who comes in where, what a bad address gets, and what each role may take along."""

import pytest

from aggregator.storage.audit import Search, entry
from tests.aggregator.conftest import PASSWORD, Room, submission
from tests.aggregator.reading import words
from tests.methods import check_wrong_methods

HTMX = {"hx-request": "true", "hx-request-type": "partial"}
LOCKED = [
    "/",
    "/department/so_tu_phap",
    "/department/nowhere",
    "/exports/submissions.csv",
    "/account",
]


@pytest.mark.parametrize("path", [*LOCKED, "/?from=2020-01-01&to=2020-02-01"])
def test_pages_lead_strangers_to_the_sign_in_and_back(room: Room, path: str) -> None:
    answer = room.client.get(path)
    assert answer.status_code == 303
    page = room.client.get(answer.headers["location"])
    assert page.status_code == 200
    assert f'name="next" value="{path.replace("&", "&amp;")}"' in page.text


@pytest.mark.parametrize("path", LOCKED)
def test_a_fragment_leads_the_whole_page_to_the_sign_in(room: Room, path: str) -> None:
    answer = room.client.get(path, headers=HTMX)
    assert answer.status_code == 401
    assert answer.headers["hx-redirect"].startswith("/sign-in?next=%2F")
    assert answer.text == ""


@pytest.mark.parametrize("cookie", ["", "x", "ầ", "a" * 5000, "../../x"])
def test_an_invented_session_is_a_stranger(room: Room, cookie: str) -> None:
    room.client.cookies.set("hailong_session", cookie.encode().hex() or '""')
    assert room.client.get("/").status_code == 303


@pytest.mark.parametrize(
    ("query", "vi", "en"),
    [
        ("period=decade", "Kỳ không hợp lệ", "Not a valid period"),
        ("date=hôm nay", "Ngày không hợp lệ", "Not a valid date"),
        ("date=2026-11-23T00:00", "Ngày không hợp lệ", "Not a valid date"),
        ("from=2020-02-01&to=2020-01-01", "Ngày đầu sau ngày cuối", "The first day is after"),
        ("survey=sipas_2031", "Lựa chọn trong địa chỉ trang", "names a survey, channel"),
        ("survey=../in_centre", "Lựa chọn trong địa chỉ trang", "names a survey, channel"),
        ("channel=fax", "Lựa chọn trong địa chỉ trang", "names a survey, channel"),
    ],
)
def test_a_bad_parameter_is_400_in_the_askers_language(
    room: Room, query: str, vi: str, en: str
) -> None:
    room.sign_in()
    for path in ("/", "/department/so_tu_phap"):
        answer = room.client.get(f"{path}?{query}")
        assert answer.status_code == 400
        assert vi in words(answer.text)
        english = room.client.get(f"{path}?{query}&lang=en")
        assert english.status_code == 400
        assert en in words(english.text)
        room.client.cookies.delete("lang")


def test_a_measure_of_another_survey_falls_back_to_the_surveys_own(room: Room) -> None:
    """The form sends the old measure along when the survey is changed."""
    room.sign_in()
    answer = room.client.get("/?survey=paper_ballot_2020&measure=very_satisfied")
    assert answer.status_code == 200
    assert '<option value="favourable" selected>' in answer.text


@pytest.mark.parametrize("path", ["/department/nowhere", "/department/", "/x", "/static/x.css"])
def test_what_is_not_there_is_404_and_said_kindly(room: Room, path: str) -> None:
    room.sign_in()
    answer = room.client.get(path)
    assert answer.status_code == 404
    assert "Không có trang này." in words(answer.text)
    english = room.client.get(f"{path}?lang=en")
    assert "There is no such page." in words(english.text)


def test_an_error_says_its_reason_once_and_is_named_after_it(room: Room) -> None:
    room.sign_in()
    shown = room.client.get("/x").text
    assert "<h1>Không có trang này.</h1>" in shown
    assert "<title>Không có trang này. ·" in shown
    assert "Không có trang này" not in shown.partition("</h1>")[2]


def test_json_errors_are_json(room: Room) -> None:
    answer = room.client.get("/api/v1/nothing", headers={"accept-language": "en"})
    assert answer.status_code == 404
    assert answer.json() == {"error": "There is no such page."}


def test_a_wrong_method_is_405_and_told_which_are_right(room: Room) -> None:
    room.sign_in()
    check_wrong_methods(room.app.routes, room.client)


@pytest.mark.parametrize("path", ["/sign-in", "/sign-out", "/account", "/api/v1/submissions"])
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
    ids=str,
)
def test_another_sites_page_may_not_post(room: Room, path: str, headers: dict[str, str]) -> None:
    room.sign_in()
    assert room.client.post(path, data={"x": "y"}, headers=headers).status_code == 403
    assert room.client.get("/").status_code == 200  # still signed in


def test_managers_take_the_data_along(room: Room) -> None:
    room.take([submission(comment="Cảm ơn"), submission(answered_at="2026-11-20T08:00:00+07:00")])
    room.sign_in()
    answer = room.client.get("/exports/submissions.csv?period=day")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/csv")
    header, *rows = answer.text.splitlines()
    assert header.startswith("\ufeffid,survey,fingerprint,department,counter,channel,visit")
    assert len(rows) == 1
    assert "Cảm ơn" in rows[0]
    assert len(room.client.get("/exports/submissions.csv?period=week").text.splitlines()) == 2
    assert len(room.client.get("/exports/submissions.csv").text.splitlines()) == 3
    assert "/exports/submissions.csv?" in room.client.get("/").text


def test_viewers_see_figures_but_not_what_people_wrote(room: Room) -> None:
    room.take([submission(comment="Cảm ơn")])
    room.context.accounts.add_user("xem", "reader", PASSWORD)
    room.sign_in("xem")
    shown = room.client.get("/")
    assert shown.status_code == 200
    assert "submissions.csv" not in shown.text
    refused = room.client.get("/exports/submissions.csv")
    assert refused.status_code == 403
    assert "không có quyền" in words(refused.text)
    assert "Cảm ơn" not in refused.text


def test_a_removed_account_is_out_at_once(room: Room) -> None:
    room.sign_in()
    assert room.client.get("/").status_code == 200
    room.context.accounts.add_user("another", "administrator")
    room.context.store.credentials.remove_user(
        "giam_doc", entry(room.clock(), "", "account.removed", name="giam_doc")
    )
    assert room.client.get("/").status_code == 303


def test_what_people_do_is_recorded(room: Room) -> None:
    """Each once, by whom, and of wrong passwords only those of accounts that exist."""
    room.context.accounts.add_user("giam_doc", "administrator", PASSWORD)
    room.sign_in()
    for name in ("giam_doc", "my secret password", "giam_doc"):  # of a minute one is enough
        room.client.post("/sign-in", data={"name": name, "password": "wrong"})
    room.client.post("/sign-in", data={"name": "giam_doc", "password": PASSWORD})
    assert room.client.get("/exports/submissions.csv?survey=in_centre").status_code == 200
    room.get("/api/v1/submissions.csv")
    every = room.context.store.audit.entries(Search(), 99)
    found = [(one.actor, one.event) for one in every if one.kind != "organisation"]
    assert found == [
        ("", "export.by_token"),
        ("giam_doc", "export.file"),
        ("giam_doc", "sign_in.password"),
        ("", "sign_in.failed"),
        ("giam_doc", "sign_in.link"),
        ("", "account.link"),
        ("", "account.added"),
    ]
