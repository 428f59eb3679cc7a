"""Settings: read from the environment, each with a default and a description."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from kiosk.settings import Settings


def test_every_setting_has_a_default_and_a_description() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert not field.is_required(), name


def test_the_environment_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAILONG_PORT", "9001")
    monkeypatch.setenv("HAILONG_VAR", "elsewhere")
    monkeypatch.setenv("HAILONG_OUTBOX", "")
    monkeypatch.setenv("HAILONG_DEVICE_TOKEN", "secret")
    monkeypatch.setenv("HAILONG_PUBLIC_URL", "https://danhgia.example/")
    settings = Settings.from_env()
    assert settings.port == 9001
    assert settings.outbox_file == Path("elsewhere/kiosk/outbox.sqlite3")
    assert settings.deep_link == "https://danhgia.example"
    assert "secret" not in repr(settings)


def test_codes_carry_host_and_port_where_nothing_else_is_said() -> None:
    assert Settings(host="10.0.0.5", port=80).deep_link == "http://10.0.0.5:80"


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "many"), ("PORT", "70000"), ("AGGREGATOR_URL", "ftp://x"), ("IDLE_SECONDS", "1")],
)
def test_nonsense_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"HAILONG_{name}", value)
    with pytest.raises(ValidationError, match=name.lower()):
        Settings.from_env()
