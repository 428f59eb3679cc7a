"""By which names a server may be asked: hosts in settings, and in the Host header of a request.

A page of another site can make its own name lead to this machine (DNS rebinding). Its requests
differ from those of our own pages only in the name that their Host header gives.
"""

import re
from functools import lru_cache
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_HEADER = re.compile(rb"(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{0,5})?", re.IGNORECASE)


def host_names(*addresses: str) -> frozenset[str]:
    """The hosts of URLs, names and IP addresses, without ports, as browsers send them.

    A text may hold several, separated by commas: ``"https://gopy.example.vn, quay05, [::1]"``
    gives gopy.example.vn, quay05 and ::1. Raises ValueError for what is no host.
    """
    parts = (part.strip() for text in addresses for part in text.split(","))
    return frozenset(_host_name(part) for part in parts if part)


def _host_name(address: str) -> str:
    try:
        return str(ip_address(address.strip("[]")))
    except ValueError:
        pass
    try:
        host = urlsplit(address if "://" in address else f"//{address}").hostname or ""
        # Browsers send a name with Vietnamese letters in this form.
        name = host if ":" in host else host.encode("idna").decode()
    except ValueError:
        name = ""
    if ":" in name or _NAME.fullmatch(name):
        return name
    raise ValueError(f"{address[:60]!r} is no name or address of a host")


@lru_cache(maxsize=64)  # clients name the same few hosts with every request
def asked_host(header: bytes) -> str | None:
    """The host that a Host header names, without its port; None where it names none."""
    found = _HEADER.fullmatch(header)
    return (found[1] or found[2]).decode().lower() if found else None


def _checked_hosts(text: str) -> str:
    host_names(text)
    return text


def _checked_url(url: str) -> str:
    if url:
        if not url.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https:// and name a host")
        _host_name(url)
    return url.rstrip("/")


# Types of settings: pydantic says which setting is wrong, and why.
Hosts = Annotated[str, AfterValidator(_checked_hosts)]  # a host, or several as host_names reads
WebAddress = Annotated[str, AfterValidator(_checked_url)]  # without a slash at its end, or ''
