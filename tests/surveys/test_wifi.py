"""The Wi-Fi of a centre file: what can be joined, and what is refused by name."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveys.definition import DefinitionError, load_toml
from surveys.wifi import PASSPHRASE, Wifi

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1)
PASSWORDS = st.from_regex(PASSPHRASE, fullmatch=True)
FIELD = re.compile(r"([TSP]):((?:\\.|[^\\;])*);")


def as_a_phone_reads(text: str) -> dict[str, str]:
    """The fields of a code, read by the rules that ZXing wrote down."""
    assert re.fullmatch(rf"WIFI:({FIELD.pattern})+;", text)
    return {key: re.sub(r"\\(.)", r"\1", value) for key, value in FIELD.findall(text[5:])}


@given(NAMES.filter(lambda name: len(name.encode()) <= 32 and name.isprintable()), PASSWORDS)
def test_a_phone_reads_name_and_password_as_they_are(name: str, password: str) -> None:
    joining = Wifi(name=name, password=password).joining
    assert joining is not None
    assert as_a_phone_reads(joining) == {"T": "WPA", "S": name, "P": password}


def test_an_open_wifi_joins_without_and_one_without_a_password_is_only_named() -> None:
    assert Wifi(name="Khách;1", open=True).joining == r"WIFI:T:nopass;S:Khách\;1;;"
    assert Wifi(name="Khách").joining is None


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ('name = ""', "name: "),
        (f'name = "{"ắ" * 11}"', "name: .*longer than the 32 bytes"),
        ('name = "a\\u202eb"', "name: .*cannot be seen"),
        ('name = "a\\nb"', "name: .*cannot be seen"),
        ('name = "a"\npassword = "1234567"', "password: .*8 to 63"),
        (f'name = "a"\npassword = "{"g" * 64}"', "password: .*64 hex digits"),
        ('name = "a"\npassword = "mật khẩu dài"', "password: .*of ASCII"),
        ('name = "a"\npassword = "12345678"\nopen = true', "an open Wi-Fi has no password"),
        ('name = "a"\nsecurity = "WEP"', "security: "),
    ],
)
def test_a_wifi_that_cannot_be_is_refused_by_name(tmp_path: Path, lines: str, words: str) -> None:
    file = tmp_path / "wifi.toml"
    file.write_text(lines, "utf-8")
    with pytest.raises(DefinitionError, match=words):
        load_toml(file, Wifi)
