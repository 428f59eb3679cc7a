"""Every kind of document opens in LibreOffice and keeps its layout there: all in one call."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
from pypdf import PdfReader

from aggregator.documents.exports.joined import JoinedTable
from aggregator.documents.exports.writing import write_export
from aggregator.documents.reports import docx, pdf, typesetting, xlsx
from aggregator.documents.reports.attitude import build_attitude
from aggregator.documents.reports.model import Intervals, Likert, Report, Trend
from aggregator.wording.periods import period_of
from tests.aggregator.conftest import Room, rooms
from tests.aggregator.documents.reporting import QUARTER, fill, printed_rows, report_of
from tests.conftest import missing

SOFFICE = shutil.which("soffice") or ""
KINDS = ("day", "internal", "week", "month", "quarter", "attitude")
FAULTS = re.compile(r"Err:\d|#(NAME\?|VALUE!|REF!|DIV/0!|NUM!|N/A)")
# LibreOffice computes all formulas anew, and has the documents' typeface.
SETTINGS = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
  <item oor:path="/org.openoffice.Office.Calc/Formula/Load">
    <prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop>
  </item>
</oor:items>
"""
FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>{fonts}</dir>
  <cachedir>{cache}</cachedir>
  <alias binding="same">
    <family>Times New Roman</family>
    <prefer><family>Tinos</family></prefer>
  </alias>
</fontconfig>
"""


@dataclass
class Opened:
    """The reports by kind, and the text of each page by the file's name, such as ``day.docx``.

    Of ``day.pdf`` these are the pages that we typeset, of the others those of LibreOffice.
    """

    reports: dict[str, Report]
    pages: dict[str, list[str]]


@pytest.fixture(scope="module")
def opened(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path, unwatched: Path
) -> Opened:
    if not SOFFICE:
        missing("no LibreOffice (Debian: libreoffice-writer-nogui libreoffice-calc-nogui)")
    folder = tmp_path_factory.mktemp("libreoffice")
    with rooms(folder, sqlite_template, unwatched) as make:
        room = make()
        fill(room)
        reports = {kind: report(room, kind) for kind in KINDS}
        made, sources = folder / "made", []
        for kind, one in reports.items():
            for suffix, renderer in (("pdf", pdf), ("docx", docx), ("xlsx", xlsx)):
                file = folder / f"{kind}.{suffix}"
                file.write_bytes(renderer.render(one))
                sources += [file] if suffix != "pdf" else []
        context = room.context
        table = JoinedTable(context.store.database, context.centre, dict(context.surveys))
        given = {"language": "vi", "now": room.clock(), "advance": lambda more: None}
        write_export(folder / "export.xlsx", "xlsx", table, **given)  # type: ignore[arg-type]
        convert([*sources, folder / "export.xlsx"], made)
    pages = {file.name: text_of(folder / "made" / f"{file.name}.pdf") for file in sources}
    pages |= {f"{kind}.pdf": text_of(folder / f"{kind}.pdf") for kind in KINDS}
    pages["export.xlsx"] = text_of(made / "export.xlsx.pdf")
    return Opened(reports, pages)


def report(room: Room, kind: str) -> Report:
    if kind == "attitude":
        context, period = room.context, period_of("quarter", QUARTER)
        shown = context.centre
        return build_attitude(context.store, context.surveys, shown, period, "vi", room.clock())
    if kind == "internal":
        return report_of(room, "day", internal=True)
    return report_of(room, kind, "en" if kind == "month" else "vi")  # type: ignore[arg-type]


def convert(files: list[Path], to: Path) -> None:
    """Have one LibreOffice print all files as PDF; ``day.docx`` becomes ``day.docx.pdf``."""
    home = to.parent / "profile"
    (home / "user").mkdir(parents=True)
    (home / "user" / "registrymodifications.xcu").write_text(SETTINGS, "utf-8")
    fonts = home / "fonts.conf"
    fonts.write_text(FONTS.format(fonts=typesetting.fonts(), cache=home / "fonts"), "utf-8")
    named = [file.rename(file.with_name(f"{file.name}{file.suffix}")) for file in files]
    command = [SOFFICE, f"-env:UserInstallation=file://{home}", "--headless", "--convert-to", "pdf"]
    ran = subprocess.run(
        [*command, "--outdir", str(to), *map(str, named)],
        env={**os.environ, "FONTCONFIG_FILE": str(fonts)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    assert {file.stem for file in to.glob("*.pdf")} == {file.name for file in files}, ran.stderr


def text_of(file: Path) -> list[str]:
    """The text of each page of a PDF, without spaces."""
    return [squeezed(page.extract_text()) for page in PdfReader(file).pages]


def squeezed(text: str) -> str:
    return re.sub(r"\s", "", text)


@pytest.mark.parametrize("kind", KINDS)
def test_a_docx_has_the_pages_of_the_pdf_and_all_its_headings(opened: Opened, kind: str) -> None:
    one = opened.reports[kind]
    pages, typeset = opened.pages[f"{kind}.docx"], opened.pages[f"{kind}.pdf"]
    assert abs(len(pages) - len(typeset)) <= (0 if one.kind == "day" else 1)
    for found in (pages, typeset):
        text = "".join(found)
        places = [text.index(squeezed(part.title.upper())) for part in one.sections if part.title]
        assert places == sorted(places)
        titled = [part.blocks for part in one.sections if part.title]
        for blocks, (start, end) in zip(titled, pairwise([*places, len(text)]), strict=True):
            for block in blocks:
                if isinstance(block, Intervals | Trend | Likert):
                    assert start < text.index(squeezed(block.title)) < end, block.title


@pytest.mark.parametrize("suffix", ["docx", "pdf"])
def test_no_table_goes_on_without_its_head_and_no_page_ends_in_one_line(
    opened: Opened, suffix: str
) -> None:
    split = 0
    for kind in KINDS:
        pages = opened.pages[f"{kind}.{suffix}"]
        for table, (head, *rows) in printed_rows(opened.reports[kind]):
            lines = [squeezed("".join(row)) for row in rows if len(row) == len(head)]
            on = [[line for line in lines if line in page] for page in pages]
            for page, found in zip(pages, on, strict=True):
                assert not found or squeezed("".join(head)) in page, (kind, table.title)
            split += sum(map(bool, on)) > 1
            last = [number for number, found in enumerate(on) if found][-1:]
            for note in table.notes:
                assert last
                assert squeezed(note) in pages[last[0]], (kind, table.title)
        assert len(pages[-1]) > 120, kind
    assert split >= 3


@pytest.mark.parametrize("kind", [*KINDS, "export"])
def test_a_workbook_has_no_error_and_heads_on_every_page(opened: Opened, kind: str) -> None:
    pages = opened.pages[f"{kind}.xlsx"]
    assert not [fault[0] for page in pages for fault in FAULTS.finditer(page)]
    if kind == "export":
        return
    one = opened.reports[kind]
    heads = [squeezed(table.columns[0].title) for table in one.tables()]
    heads += [squeezed(one.words["chart_item"])] * len([*one.charts()])
    sheets = pages[len(pages) - len(heads) :] if one.kind == "day" else pages
    assert len(pages) > len(heads)
    for chart in one.charts():
        [drawn] = [page for page in sheets if squeezed(chart.title) in page]
        if isinstance(chart, Intervals):
            assert squeezed(chart.legend) in drawn, "the chart is drawn, with its legend"
    first = next(at for at, page in enumerate(pages) if squeezed(next(one.tables()).title) in page)
    for page in pages[first:]:
        assert any(head in page for head in heads)
