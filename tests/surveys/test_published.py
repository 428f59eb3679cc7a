"""The published tables: what the file of Lai Châu holds, and what a broken file is told."""

import csv
import tomllib
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from surveys.centre import load_centre
from surveys.definition import DefinitionError, load_surveys, load_toml
from surveys.published import PublishedTables, load_published

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"
CENTRE = ROOT / "deploy" / "lai_chau.toml"
FILE = ROOT / "deploy" / "lai_chau_published.toml"


@pytest.fixture(scope="module")
def published() -> PublishedTables:
    found = load_published(CENTRE, load_centre(CENTRE))
    assert found is not None
    return found


def golden(name: str) -> list[dict[str, str]]:
    with (GOLDEN / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def as_printed(cell: str) -> Decimal | None:
    return Decimal(cell) if cell else None


def test_the_years_of_par_index(published: PublishedTables) -> None:
    found = [
        (year, row.appraised, row.survey, row.total, row.rank, row.rank_north_west)
        for year, row in published.par_index.years.items()
    ]
    printed = [
        (
            int(row["year"]),
            Decimal(row["appraised_points"]),
            Decimal(row["survey_points"]),
            Decimal(row["printed_total"]),
            int(row["rank_of_63"]),
            int(row["rank_of_6_north_west"]),
        )
        for row in golden("par_index_years")
    ]
    assert found == printed


@pytest.mark.parametrize("row", golden("par_index_domains"), ids=lambda row: row["domain"])
def test_the_domains_of_par_index(published: PublishedTables, row: dict[str, str]) -> None:
    domain = published.par_index.domains[int(row["domain"])]
    assert domain.name.vi == row["name_vi"]
    assert domain.maximum == float(row["max_points"])
    assert domain.points == {2018: Decimal(row["points_2018"]), 2019: Decimal(row["points_2019"])}
    assert domain.rank == {2018: int(row["rank_2018"]), 2019: int(row["rank_2019"])}
    assert domain.survey_maximum == (float(row["survey_max_points"] or 0) or None)
    assert domain.survey_points == as_printed(row["survey_points_2019"])
    # The table of targets has a line for the appraised part of domain 8, none for the whole.
    goal = domain.goal or published.par_index.impact.goal
    ranks = sorted({goal.target_rank.best, goal.target_rank.worst})
    assert str(goal.percent) == row["printed_percent_2019"]
    assert str(goal.target) == row["target_percent_2020"]
    assert "-".join(map(str, ranks)) == row["target_rank_2020"]
    lead = domain.lead if domain.goal else published.par_index.impact.lead
    assert lead.vi == row["lead_department"]


def test_the_sub_indices_of_pci(published: PublishedTables) -> None:
    *rows, total = golden("pci_sub_indices")
    years = (2016, 2017, 2018, 2019)
    found = list(published.pci.sub_indices.values())
    for sub_index, row in zip(found, rows, strict=True):
        assert (sub_index.name.vi, sub_index.name.en) == (row["name_vi"], row["name_en"])
        assert (sub_index.weight, sub_index.lead.vi) == (
            int(row["weight_percent"]),
            row["lead_department"],
        )
        assert sub_index.score == {year: Decimal(row[f"score_{year}"]) for year in years}
        assert sub_index.rank == {year: int(row[f"rank_{year}"]) for year in years}
    assert published.pci.total.score == {y: Decimal(total[f"score_{y}"]) for y in years}
    assert published.pci.total.rank == {y: int(total[f"rank_{y}"]) for y in years}


def test_a_sub_index_has_the_id_name_and_order_of_the_factor_it_stands_beside(
    published: PublishedTables,
) -> None:
    factors = load_surveys()["business"].factors
    assert [(factor.id, factor.lead) for factor in factors] == [
        (id, sub_index.lead.vi) for id, sub_index in published.pci.sub_indices.items()
    ]


def test_the_business_survey_has_every_published_statement() -> None:
    """By sub-index and in order; what the source prints as about is noted as such."""
    found = [
        (number, question.published.value, question.published.unit, question.direction)
        for number, factor in enumerate(load_surveys()["business"].factors, 1)
        for question in factor.questions
        if question.published
    ]
    printed = [
        (
            int(row["sub_index"]),
            float(row["percent_of_firms_2019"]),
            row["unit"].replace(" ", "_"),
            "lower_is_better" if "bad when high" in row["note"] else "higher_is_better",
        )
        for row in golden("pci_indicators_2019")
    ]
    assert len(printed) == 25
    assert found == printed


def test_the_centres_counts(published: PublishedTables) -> None:
    names = {
        "visits": "visits_over",
        "dossiers_online_level_3_and_4": "dossiers_online",
        "ratings_total": "ratings",
    }
    held = {
        name: str(value)
        for name, value in published.operation
        if name not in ("departments", "paper_ballots_favourable")
    }
    assert held == {
        names.get(row["figure"], row["figure"]): row["value"] for row in golden("centre_2019_2020")
    }


def test_the_departments_counts(published: PublishedTables) -> None:
    found = [
        (
            id,
            counts.overdue,
            counts.cancelled,
            counts.online_level_3,
            counts.online_level_4,
            counts.postal,
        )
        for id, counts in published.operation.departments.items()
    ]
    columns = ("overdue_dossiers", "cancelled_dossiers", "online_level_3", "online_level_4")
    printed = [
        (row["department"], *(int(row[column]) for column in (*columns, "postal_uses")))
        for row in golden("departments")
    ]
    assert found == printed


def test_a_figure_stands_in_one_place_or_says_the_same_in_both(published: PublishedTables) -> None:
    """The references that pages compare with are those of the tables."""
    references = {reference.id: reference for reference in load_centre(CENTRE).references}
    operation, goal = published.operation, published.par_index.sipas.goal
    device = references["device_2020"]
    assert (device.k, device.n) == (operation.ratings_very_satisfied, operation.ratings)
    assert (device.period_from, device.period_to) == (operation.period_from, operation.period_to)
    assert references["paper_2020"].n == operation.paper_ballots
    assert references["sipas_2019_lai_chau"].value == float(goal.percent / 100)
    national = published.sipas.national[0].percent[2019]
    assert references["sipas_2019_national"].value == float(national / 100)


def broken(tmp_path: Path, change: Callable[[str], str]) -> str:
    """What is said of the file after a change."""
    text = FILE.read_text("utf-8")
    changed = change(text)
    assert changed != text
    path = tmp_path / FILE.name
    path.write_text(changed, "utf-8")
    with pytest.raises(DefinitionError) as caught:
        load_toml(path, PublishedTables)
    return str(caught.value)


def test_a_printed_figure_without_its_digits_is_refused(tmp_path: Path) -> None:
    said = broken(tmp_path, lambda text: text.replace('appraised = "52.83"', "appraised = 52.83"))
    assert said.startswith("lai_chau_published.toml: par_index.years.2019.appraised: ")
    assert "written as text" in said


@pytest.mark.parametrize("written", ['"52,83"', '"about 52"', '"1e3"', '""'])
def test_a_printed_figure_that_is_no_number_is_refused(tmp_path: Path, written: str) -> None:
    said = broken(
        tmp_path, lambda text: text.replace('appraised = "52.83"', f"appraised = {written}")
    )
    assert "par_index.years.2019.appraised" in said


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('[".appraised", ".survey"]', '[".appraised", ".surveys"]', "par_year: there is no"),
        ('each = "par_index.years"', 'each = "par_index.decades"', "par_year: no row has"),
        ('id = "par_criteria"', 'id = "par_sub_criteria"', "twice: par_sub_criteria"),
        ('["operation.dossiers_overdue"]', '["operation"]', "there is no operation"),
        ('["pci.sub_indices.*.weight"]', "[5, 5]", "pci_total: one weight a term"),
    ],
)
def test_a_statement_that_leads_nowhere_is_refused(
    tmp_path: Path, old: str, new: str, reason: str
) -> None:
    assert reason in broken(tmp_path, lambda text: text.replace(old, new, 1))


def test_a_department_that_the_centre_lacks_is_refused(tmp_path: Path) -> None:
    centre = load_centre(CENTRE)
    text = FILE.read_text("utf-8").replace("so_y_te = {", "so_y_khoa = {")
    (tmp_path / FILE.name).write_text(text, "utf-8")
    with pytest.raises(DefinitionError, match=r"operation\.departments: .* no 'so_y_khoa'"):
        load_published(tmp_path / CENTRE.name, centre)


def test_a_centre_may_do_without() -> None:
    centre = load_centre(CENTRE).model_copy(update={"published": None})
    assert load_published(CENTRE, centre) is None


def test_every_claim_has_its_own_key_and_is_filled_in(published: PublishedTables) -> None:
    claims = list(published.claims())
    assert len({(claim.id, claim.section) for claim in claims}) == len(claims)
    for claim in claims:
        assert "{" not in claim.text.vi + claim.text.en + claim.section
        assert claim.section
        assert claim.terms


def test_rows_without_the_figures_make_no_claim(published: PublishedTables) -> None:
    """Domains 1 and 3 have no survey part."""
    ids = {claim.id for claim in published.claims()}
    assert {f"par_survey_lost.{n}" for n in (2, 4, 5, 6, 7, 8)} <= ids
    assert not {"par_survey_lost.1", "par_survey_lost.3"} & ids


def test_the_file_is_toml_that_any_reader_reads() -> None:
    assert tomllib.loads(FILE.read_text("utf-8"))["pci"]["total"]["score"]["2019"] == "59.95"
