"""A centre's own instruments: the kiosk asks what the centre file names of them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from surveys.definition import DefinitionError
from tests.kiosk.conftest import Kiosk

ROOT = Path(__file__).parents[2]


def test_the_faces_ask_the_instrument_that_the_centre_names(
    make_kiosk: Callable[..., Kiosk], tmp_path: Path
) -> None:
    own, centre = tmp_path / "own", tmp_path / "centre.toml"
    own.mkdir()
    ours = (ROOT / "surveys" / "in_centre.toml").read_text("utf-8")
    text = ours.replace('id = "in_centre"', 'id = "hall"').replace("Rất hài lòng", "Ưng lắm")
    (own / "hall.toml").write_text(text, "utf-8")
    lines = (ROOT / "deploy" / "lai_chau.toml").read_text("utf-8").splitlines()
    kept = "\n".join(line for line in lines if not line.startswith("published ="))
    head, mark, rest = kept.partition("[[")
    centre.write_text(f'{head}[instruments]\nrating = "hall"\n\n{mark}{rest}', "utf-8")
    kiosk = make_kiosk(centre=centre, surveys=own, counter="q05")
    assert "Ưng lắm" in kiosk.client.get("/").text
    assert kiosk.tap(5, fingerprint=kiosk.fingerprint("hall")).status_code == 303
    with pytest.raises(DefinitionError, match="rating: there is no survey 'hall'"):
        make_kiosk(centre=centre, counter="q05")
