"""The file of a province: what it says of each centre, and what is refused in it."""

from pathlib import Path

import pytest

from aggregator.dashboard import province
from aggregator.organisation.province import RESERVED, load_province
from aggregator.settings import Settings
from aggregator.storage.database import place_of
from surveys.definition import DefinitionError
from tests.aggregator.conftest import ROOT
from tests.aggregator.provinces import province_file

SAMPLE = (ROOT / "deploy" / "province.toml").read_text("utf-8").split("[[references]]")
REFERENCE = f"[[references]]{SAMPLE[1]}"  # which the file has, too
SHARED = "postgresql://an:secret@db.example/hailong"


def of_file(folder: Path, more: str = "", url: str = "", **members: str) -> Settings:
    return Settings(
        province=province_file(folder, more, **members),
        var=folder / "var",
        database_url=url,
        dashboard_url="https://gopy.example.vn",
    )


def test_each_centre_has_settings_of_its_own(tmp_path: Path) -> None:
    found = load_province(of_file(tmp_path, doan_ket='surveys = "phieu"'))
    files = {one.database for one in (found.settings, *found.centres.values())}
    assert len(files) == 4
    assert f"sqlite:///{tmp_path}/var/tan_phong/aggregator/hailong.sqlite3" in files
    assert found.settings.address == "https://gopy.example.vn"
    assert found.centres["doan_ket"].address == "https://gopy.example.vn/doan_ket"
    assert found.centres["doan_ket"].surveys == tmp_path / "phieu"
    assert found.centres["lai_chau"].province is None
    whole = found.as_centre(found.names)
    assert [one.id for one in whole.departments] == list(found.centres)
    assert whole.department["doan_ket"].name.vi.endswith("phường Đoàn Kết")
    assert [one.id for one in whole.references] == ["device_2020", "sipas_2019_lai_chau"]


def test_on_postgresql_each_centre_has_a_schema_or_what_is_named(tmp_path: Path) -> None:
    """A centre that was there before is taken up as it is."""
    named = {"lai_chau": 'schema = "public"', "tan_phong": f'database = "{SHARED}_2"'}
    named["doan_ket"] = f'database = "sqlite:///{tmp_path}/cu.db"'
    found = load_province(of_file(tmp_path, url=SHARED, **named))
    assert place_of(found.settings.database)[-2:] == ("hailong", "province")
    assert place_of(found.centres["lai_chau"].database)[-2:] == ("hailong", "public")
    assert found.centres["tan_phong"].database == f"{SHARED}_2"
    assert found.centres["doan_ket"].database == f"sqlite:///{tmp_path}/cu.db"
    plain = load_province(of_file(tmp_path, url=SHARED))
    assert place_of(plain.centres["doan_ket"].database)[-1] == "doan_ket"


@pytest.mark.parametrize(
    ("more", "members", "reason"),
    [
        ("", {"lai_chau": 'schema = "x"'}, "centres.0.schema: only a PostgreSQL database"),
        ("", {"lai_chau": 'database = "mysql://x/y"'}, "lai_chau: database: mysql is neither"),
        ("", {"lai_chau": 'database = "no address"'}, "database is not a database address"),
        (
            "",
            dict.fromkeys(("lai_chau", "tan_phong"), 'database = "sqlite:///same.db"'),
            "tan_phong and lai_chau have the same database",
        ),
        (
            "",
            {
                "tan_phong": f'database = "{SHARED}"',
                "doan_ket": f'database = "{SHARED}?schema=public"',
            },
            "doan_ket and tan_phong have the same database",
        ),
        ("", {"lai_chau": f'database = "{SHARED}"\nschema = "pg_x"'}, "cannot be a schema"),
        ("", {"lai_chau": 'schema = "Sở"'}, "centres.0.schema"),
        ("", {"lai_chau": "colour = 1"}, "centres.0.colour"),
        ('[[centres]]\nid = "lai_chau"\ncentre = "x.toml"', {}, "centre defined twice: lai_chau"),
        ('[[centres]]\nid = "static"\ncentre = "x.toml"', {}, "'static' is an address of"),
        ('[[centres]]\nid = "lai-chau"\ncentre = "x.toml"', {}, "centres.0.id"),
        ('time_zone = "Asia/Sapa"', {}, "province.toml: unknown time zone 'Asia/Sapa'"),
        (REFERENCE, {}, "province.toml: reference"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(
    tmp_path: Path, more: str, members: dict[str, str], reason: str
) -> None:
    with pytest.raises(DefinitionError) as refused:
        load_province(of_file(tmp_path, more, **members))
    assert reason in str(refused.value)
    assert "secret" not in str(refused.value)


def test_one_sqlite_file_cannot_be_the_database_of_all(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="each centre of a province has a file of its own"):
        load_province(of_file(tmp_path, url="sqlite:///all.db"))


def test_the_sample_can_be_used() -> None:
    found = load_province(Settings(province=ROOT / "deploy" / "province.toml"))
    assert set(found.names) == {"lai_chau", "tan_phong"}


def test_no_centre_can_have_the_address_of_a_page() -> None:
    firsts = {route.path.split("/")[1] for route in province.ROUTES}
    assert {first for first in firsts if first.isidentifier()} | {"static", "api"} <= RESERVED
