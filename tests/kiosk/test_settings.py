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


@pytest.mark.parametrize("token", ["hl_abc ", " hl_abc", "hl_abc\r\n"])
def test_a_token_copied_with_its_blanks_is_the_token(
    monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("HAILONG_DEVICE_TOKEN", token)
    assert Settings.from_env().device_token.get_secret_value() == "hl_abc"


@pytest.mark.parametrize("token", ["hl_abc def", "hl_abc\ndef", "hl_abcộ", "hl_abc\x7f"])
def test_a_token_that_no_header_can_carry_is_refused_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("HAILONG_DEVICE_TOKEN", token)
    with pytest.raises(ValidationError, match="printable ASCII") as refused:
        Settings.from_env()
    assert "hl_abc" not in str(refused.value)


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


def test_secrets_come_from_the_credentials_that_systemd_hands_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "hailong_device_token").write_text("of-the-file\n")
    monkeypatch.delenv("HAILONG_DEVICE_TOKEN", raising=False)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert Settings.from_env().device_token.get_secret_value() == "of-the-file"
    monkeypatch.setenv("HAILONG_DEVICE_TOKEN", "of-the-environment")
    assert Settings.from_env().device_token.get_secret_value() == "of-the-environment"
    monkeypatch.setenv("HAILONG_DEVICE_TOKEN", "")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "nowhere"))
    assert Settings.from_env().device_token.get_secret_value() == ""
