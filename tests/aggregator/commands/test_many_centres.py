"""``python -m aggregator`` for a province: all centres, one of them, or the province itself."""

from collections.abc import Callable
from pathlib import Path

import pytest

from aggregator.__main__ import main
from aggregator.organisation.province import load_province
from aggregator.settings import Settings
from aggregator.storage.store import Store
from tests.aggregator.provinces import province_file

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command line on a province; gives exit status, output and errors."""
    monkeypatch.setenv("HAILONG_PROVINCE", str(province_file(tmp_path)))
    monkeypatch.setenv("HAILONG_VAR", str(tmp_path / "var"))

    def call(*arguments: str) -> tuple[int, str, str]:
        status = main(("--lang", "en", *arguments))
        return status, *capsys.readouterr()

    return call


def test_commands_are_for_all_centres_for_one_or_for_the_province(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("serve")[0] == 1  # nothing is migrated
    in_the_way = tmp_path / "var" / "tan_phong"
    in_the_way.write_text("no folder")
    status, _, errors = run("migrate")
    assert status == 1
    assert errors.startswith("tan_phong: ")
    in_the_way.unlink()
    assert run("migrate") == (0, "", "")
    assert run("--at", "tan_phong", "migrate")[0] == 0

    assert run("export", "-")[2] == "this server serves several centres: please give --at ID\n"
    unknown = run("export", "-", "--at", "nope")[2]
    assert unknown.startswith("there is no centre nope; there are: lai_chau, tan_phong, doan_ket")
    assert run("device", "add", "q1")[0] == 1
    assert "leave --at out" in run("--at", "tan_phong", "serve")[2]

    answers = tmp_path / "answers.csv"
    answers.write_text("survey,answered_at,count,rating\nin_centre,2026-09-01T09:00:00+07:00,7,5\n")
    assert run("--at", "lai_chau", "import", str(answers))[0] == 0
    rows = {id: run("--at", id, "export", "-")[1].count("\n") for id in ("lai_chau", "doan_ket")}
    assert rows == {"lai_chau": 1 + 7, "doan_ket": 1}
    assert run("--at", "lai_chau", "rebuild")[0] == 0

    link = run("user", "add", "An", "--role", "administrator", "--no-password")[1]
    assert link.startswith("http://127.0.0.1:8000/sign-in/")
    inside = run("--at", "doan_ket", "user", "add", "An", "--no-password")[1]
    assert inside.startswith("http://127.0.0.1:8000/doan_ket/sign-in/")
    refused = run("user", "add", "Bo", "--role", "head", "--department", "so_y_te")
    assert refused[0] == 1
    assert "no department heads" in refused[2]
    province = load_province(Settings.from_env())
    for settings, names in (
        (province.settings, ["An"]),
        (province.centres["doan_ket"], ["An"]),
        (province.centres["lai_chau"], []),
    ):
        store = Store(settings.database)
        assert [user.name for user in store.credentials.users()] == names
        store.close()
    monkeypatch.delenv("HAILONG_PROVINCE")
    assert "--at needs HAILONG_PROVINCE" in run("--at", "tan_phong", "migrate")[2]
