"""What a person reads on a page: text without tags, and a table's row by its name."""

import re
from html import unescape


def words(html: str) -> str:
    """The text of a page or fragment, with one space for each run; no-break spaces are kept."""
    return re.sub(r"[ \t\r\n]+", " ", unescape(re.sub(r"<[^>]*>", " ", html))).strip()


def row(html: str, name: str) -> str:
    """The text of the table row that begins with a name."""
    rows = [words(found) for found in re.findall(r"<tr.*?</tr>", html, re.DOTALL)]
    [wanted] = [each for each in rows if each.startswith(name)]
    return wanted


def card(html: str, title: str) -> str:
    """The text of the card with a title."""
    cards = [words(found) for found in re.findall(r'<div class="card.*?</div>', html, re.DOTALL)]
    [wanted] = [each for each in cards if each.startswith(title)]
    return wanted
