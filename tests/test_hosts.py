"""Which hosts settings and headers name."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from aggregator.settings import Settings as AggregatorSettings
from hosts import asked_host, host_names
from kiosk.settings import Settings as KioskSettings


@pytest.mark.parametrize(
    ("texts", "names"),
    [
        ([""], []),
        ([" , "], []),
        (["Quay05.Example.VN"], ["quay05.example.vn"]),
        (["https://gopy.example.vn/x, quay05:8000", "[::1]"], ["gopy.example.vn", "quay05", "::1"]),
        (["[::1]:8000,0:0::2,10.0.0.5:80"], ["::1", "::2", "10.0.0.5"]),
        (["http://Bücher.example"], ["xn--bcher-kva.example"]),
    ],
)
def test_hosts_are_read_from_names_addresses_and_urls(texts: list[str], names: list[str]) -> None:
    assert host_names(*texts) == set(names)


@pytest.mark.parametrize("text", ["*", "*.vn", "a b", "http://", "a..b", "http://[x", "x" * 300])
def test_what_is_no_host_is_refused_by_the_name_of_its_setting(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match="no name or address of a host"):
        host_names("localhost", text)
    monkeypatch.setenv("HAILONG_ALLOWED_HOSTS", text)
    for settings in (AggregatorSettings, KioskSettings):
        with pytest.raises(ValidationError, match="allowed_hosts"):
            settings.from_env()


@pytest.mark.parametrize("url", ["quanly.example.vn", "ftp://x", "https://", "http://a b"])
@pytest.mark.parametrize("name", ["DASHBOARD_URL", "PUBLIC_URL", "AGGREGATOR_URL"])
def test_a_setting_that_is_an_address_must_be_one(
    url: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"HAILONG_{name}", url)
    settings = AggregatorSettings if name == "DASHBOARD_URL" else KioskSettings
    with pytest.raises(ValidationError, match=name.lower()):
        settings.from_env()


HOSTS = st.one_of(
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(lambda address: f"[{address}]"),
    st.from_regex(r"[a-z0-9-]{1,20}(\.[a-z0-9-]{1,20}){0,3}", fullmatch=True),
)


@given(host=HOSTS, port=st.none() | st.integers(0, 65535))
def test_a_header_names_the_host_that_a_setting_names(host: str, port: int | None) -> None:
    header = host if port is None else f"{host}:{port}"
    assert asked_host(header.encode()) == asked_host(header.upper().encode())
    assert {asked_host(header.encode())} == {host.strip("[]")}
    if not host.endswith("-"):  # a name that a setting may not have either
        assert host_names(header) in ({host.strip("[]")}, {str(asked_host(header.encode()))})


@given(st.binary(max_size=40))
def test_a_header_of_any_bytes_names_one_plain_host_or_none(header: bytes) -> None:
    name = asked_host(header)
    assert name is None or re.fullmatch(r"[a-z0-9._-]+|[0-9a-f:.]+", name)
