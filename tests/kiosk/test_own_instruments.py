"""A centre's own instruments: the kiosk asks what the centre file names of them."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from surveys.centre import load_definitions
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


def test_an_instrument_of_the_document_is_asked_with_what_belongs_to_its_texts(
    make_kiosk: Callable[..., Kiosk], tmp_path: Path
) -> None:
    """A new version that follows the older one: its pictures and translations need no new files."""
    centre, surveys = load_definitions(ROOT / "deploy" / "lai_chau.toml")
    hall = surveys["in_centre"].model_dump(mode="json")
    hall["scales"]["reasons"]["levels"][0] |= {"vi": "Ghế ngồi", "en": "Seats"}
    text = {"vi": "Ông/Bà chờ bao lâu?", "en": "How long did you wait?"}
    bounds = {"kind": "number", "minimum": 0, "maximum": 600}
    asked = {"id": "q_waiting", "text": text, "wording": "own", **bounds}
    hall["factors"][1]["questions"].append(asked)
    why = {"vi": "Hỏi thêm", "en": "One more question"}
    follows = {"survey": "in_centre", "day": "2026-11-23", "reason": why}
    whole = centre.model_dump(mode="json", exclude_defaults=True)
    whole["surveys"] = [hall | {"id": "hall_2", "follows": follows}]
    whole["instruments"] = {"rating": "hall_2", "citizens": "hall_2"}
    (tmp_path / "kiosk").mkdir()
    (tmp_path / "kiosk" / "centre.json").write_text(json.dumps(whole), "utf-8")
    language = tmp_path / "languages" / "hmn"
    language.mkdir(parents=True)
    (language / "language.toml").write_text('name = "Hmoob"', "utf-8")
    older = 'title = "Teb"\n[questions]\nrating = "Zoo?"\n[scales.satisfaction]\n'
    older += "".join(f'{code} = "Txiaj {code}"\n' for code in range(1, 6))
    (language / "in_centre.toml").write_text(older, "utf-8")
    kiosk = make_kiosk(counter="q05", languages=language.parent)
    assert "Zoo?" in kiosk.client.get("/?lang=hmn").text
    kiosk.client.cookies.clear()
    visit = str(uuid4())
    assert kiosk.tap(5, fingerprint=kiosk.fingerprint("hall_2"), visit=visit).status_code == 303
    page = kiosk.client.get(f"/thanks?visit={visit}&department=so_tu_phap").text
    assert "Ông/Bà chờ bao lâu?" in page
    assert "3 câu hỏi ngắn" in page
    drawn = {name: 'viewBox="0 0' in part for name, part in _answers(page).items()}
    assert drawn == {"1": False, "2": True, "3": True, "4": True, "5": True}  # no seats are drawn
    fields = {"visit": visit, "fingerprint": kiosk.fingerprint("hall_2"), "q_waiting": "15"}
    assert kiosk.client.post("/follow-up", data={**fields, "then": "send"}).status_code == 303
    [given] = kiosk.queued()
    assert (given["survey"], given["answers"]) == ("hall_2", {"rating": 5, "q_waiting": 15})


@pytest.mark.parametrize("comment", [True, False])
def test_a_rating_alone_counts_with_a_comment_or_without(
    make_kiosk: Callable[..., Kiosk], tmp_path: Path, *, comment: bool
) -> None:
    ours = (ROOT / "surveys" / "in_centre.toml").read_text("utf-8")
    text = ours.replace("comment = true", f"comment = {str(comment).lower()}")
    reasons = text.index('[[factors]]\nid = "reasons"')
    (tmp_path / "in_centre.toml").write_text(text[:reasons], "utf-8")
    kiosk = make_kiosk(surveys=tmp_path, counter="q05")
    assert list(kiosk.context.rating_survey.questions) == ["rating"]
    sent = kiosk.thanked(), kiosk.thanked()
    phone = kiosk.client.get(f"/f/{kiosk.code()}").text
    thanks = kiosk.client.get(f"/thanks?visit={sent[0]}&department=so_tu_phap").text
    for page in (phone, thanks):
        assert ('name="comment"' in page) == comment
    fields = {"fingerprint": kiosk.fingerprint(), "comment": "Cảm ơn"}
    kiosk.client.post("/follow-up", data={**fields, "visit": sent[0], "then": "send"})
    # Silence after something was typed, as the clock of the screen sends it.
    kiosk.client.post("/follow-up", data={**fields, "visit": sent[1], "idle": "1"})
    queued = [(one["answers"], one["comment"]) for one in kiosk.queued()]
    words = "Cảm ơn" if comment else None
    assert queued == [({"rating": 5}, words)] * (2 if comment else 1)  # one is typed anew
    assert kiosk.context.outbox.status().refused == 0
    assert {one["visit"] for one in kiosk.stored()} == set(sent)


def _answers(page: str) -> dict[str, str]:
    """The labels of the reasons, by code."""
    found = re.findall(r'<label class="answer".*?</label>', page, re.DOTALL)
    return {re.findall(r'value="(\d)"', one)[0]: one for one in found if 'name="reasons"' in one}
