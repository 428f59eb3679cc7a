"""The case study of deploy/examples reads an export as it is made today."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from aggregator.documents.exports.joined import JoinedTable
from aggregator.documents.exports.writing import write_export
from surveys.centre import Centre
from surveys.definition import Survey
from tests.aggregator.conftest import NOW, ROOT, Intake, ratings, submission

EXAMPLES = ROOT / "deploy" / "examples"
VISIT = "019b0000-0000-7000-8000-00000000000b"


@pytest.fixture
def export(intake: Intake, centre: Centre, surveys: dict[str, Survey], tmp_path: Path) -> Path:
    asked = submission(answers={"reasons": [2]}, visit=VISIT)
    intake([*ratings([5] * 7 + [4] * 3), submission(answers={"rating": 1}, visit=VISIT), asked])
    path = tmp_path / "answers.parquet"
    table = JoinedTable(intake.store.database, centre, surveys)
    write_export(path, "parquet", table, language="vi", now=NOW, advance=lambda more: None)
    return path


def test_the_notebook_reads_an_export(
    export: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(export.parent)
    book = json.loads((EXAMPLES / "answers.ipynb").read_text("utf-8"))
    known: dict[str, Any] = {}
    for cell in book["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            exec("".join(cell["source"]), known)
    said = capsys.readouterr().out
    assert "| 12 rows" in said
    assert re.search(r"Justice +7 +11 +0\.636", said)
    assert "0 ratings came more than a day after" in said
    assert list(known["chosen"].loc[1]) == [0, 1, 0, 0, 0]
