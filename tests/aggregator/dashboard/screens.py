"""Checks for every screen: its figures are explained, viewers see it, it works as a fragment."""

import re
from html import unescape

from tests.aggregator.conftest import Room

PARTIAL = {"hx-request": "true", "hx-request-type": "partial"}


def shown(room: Room, path: str) -> str:
    answer = room.client.get(path)
    assert answer.status_code == 200, answer.text
    return str(answer.text)


def answers_for_its_figures(room: Room, path: str) -> int:
    """Ask how figures of a page were computed; returns how many figures it has.

    Of figures whose names differ only in numbers or departments, the first and last are asked.
    """
    links = re.findall(r'class="ask" href="([^"]+)"', shown(room, path))
    places = "|".join(room.context.centre.department)
    kinds: dict[str, list[str]] = {}
    for link in links:
        name = link.rpartition("how=")[2]
        kinds.setdefault(re.sub(rf"\d+|{places}", "0", name), []).append(unescape(link))
    for alike in kinds.values():
        for link in {alike[0], alike[-1]}:
            panel = room.client.get(link, headers=PARTIAL).text
            assert panel.lstrip().startswith('<section id="how"'), link
            assert "Cách tính" in panel, link
            assert "Nguồn" in panel, link
    return len(links)


def is_a_fragment_to_htmx(room: Room, path: str) -> None:
    fragment = room.client.get(path, headers=PARTIAL).text.strip()
    assert fragment.startswith('<section id="figures"')
    assert fragment.endswith("</section>")
    assert "<html" not in fragment


def is_shown_to_a_viewer(room: Room, path: str) -> None:
    accounts = room.context.accounts
    accounts.add_user("nguoi_xem", "reader", None)
    room.client.get(accounts.new_link("nguoi_xem", ""))
    assert "<h1" in shown(room, path)


def needs_no_script(room: Room, path: str) -> None:
    """Page and explanation are in the first response, without inline script or style."""
    page = shown(room, path)
    assert not re.search(r"\son\w+=|style=|javascript:", page)
    link = unescape(re.findall(r'class="ask" href="([^"]+)"', page)[0])
    whole = shown(room, link)
    assert "<html" in whole
    assert '<section id="how"' in whole
    assert "Cách tính" in whole
