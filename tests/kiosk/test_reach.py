"""How far an address reaches, by its host alone."""

import pytest

from kiosk.reach import reach_of

HOSTS = {
    "machine": """127.0.0.1 127.8.9.1 127.1 0x7f000001 2130706433 0.0.0.0 localhost LOCALHOST
        localhost. kiosk.localhost [::1] [::] [::ffff:127.0.0.1]""",
    "network": """10.1.2.3 172.16.0.9 172.31.255.1 192.168.1.50 192.168.257 169.254.7.7 100.64.0.1
        [fe80::1] [fc00::7] [fd12:3456::1] [::ffff:10.0.0.1] kiosk quay05 may-chu.local quay05.LAN
        hailong.internal hailong.home.arpa""",
    "public": """gopy.laichau.gov.vn 203.162.4.191 172.32.0.1 [2001:ee0:4161::1] xn--qung-0ra.vn
        127.0.0.1.gov.vn local.gov.vn localhost.gov.vn 1a.gov.vn""",
}


@pytest.mark.parametrize("reach", HOSTS)
def test_a_host_reaches_so_far(reach: str) -> None:
    hosts = HOSTS[reach].split()
    for form in ("http://{}", "https://{}:8001", "http://{}:8001/f/7K4MP2QR9XWT"):
        assert {host: reach_of(form.format(host)) for host in hosts} == dict.fromkeys(hosts, reach)
