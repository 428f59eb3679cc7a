"""How far an address reaches: which phones can open what a QR code holds."""

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Literal
from urllib.parse import urlsplit

# machine: this machine alone, on a phone it is the phone. network: the phones of one network.
Reach = Literal["machine", "network", "public"]

# Endings of names that mean something inside one network only: RFC 6762, RFC 8375, ICANN's
# "internal", and what routers use.
OF_A_NETWORK = (".local", ".internal", ".home.arpa", ".localdomain", ".lan", ".home", ".intranet")


def reach_of(url: str) -> Reach:
    """How far the host of a URL reaches, by its name or number alone; nothing is looked up."""
    host = (urlsplit(url).hostname or "").rstrip(".").lower()
    address = _number(host)
    if address is not None:
        if address.is_loopback or address.is_unspecified:
            return "machine"
        return "public" if address.is_global else "network"
    if host in ("", "localhost") or host.endswith(".localhost"):
        return "machine"
    return "network" if "." not in host or host.endswith(OF_A_NETWORK) else "public"


def _number(host: str) -> IPv4Address | IPv6Address | None:
    """The IP address that a browser makes of a host; None for a name."""
    try:
        address = ip_address(host)
    except ValueError:
        if not host.rpartition(".")[2][:1].isdigit():
            return None
        try:
            return IPv4Address(socket.inet_aton(host))  # 127.1, 0x7f000001: browsers read them
        except (OSError, ValueError):
            return None
    return getattr(address, "ipv4_mapped", None) or address
