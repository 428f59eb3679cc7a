"""How loud and how bright this kiosk is, as staff set it: a small file beside the outbox.

Not in the browser, whose profile begins empty at each start. Neither touches the machine: the
volume is that of the page's own sounds, and the brightness only darkens the page.
"""

import json
import logging
from pathlib import Path
from typing import Literal

log = logging.getLogger("kiosk")

Name = Literal["volume", "brightness"]
CHOICES: dict[Name, tuple[int, ...]] = {
    "volume": (0, 25, 50, 75, 100),
    "brightness": (55, 70, 85, 100),
}


class Levels:
    """The present levels, in per cent. A file that cannot be read or written is logged."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.volume = self.brightness = 100
        try:
            saved = json.loads(path.read_text("utf-8"))
            for name, choices in CHOICES.items():
                if saved.get(name) in choices:
                    setattr(self, name, int(saved[name]))
        except FileNotFoundError:
            pass
        except (OSError, ValueError, AttributeError):
            log.warning("%s cannot be read: full volume and brightness", path)

    def choose(self, name: Name, value: int) -> None:
        """Keep one of the CHOICES. Raises ValueError for another value."""
        if value not in CHOICES[name]:
            raise ValueError(f"{name}: {value}")
        setattr(self, name, value)
        new = self._path.with_suffix(".new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            new.write_text(json.dumps({"volume": self.volume, "brightness": self.brightness}))
            new.replace(self._path)
        except OSError as error:
            log.warning("%s cannot be written, until the next start: %s", self._path, error)
