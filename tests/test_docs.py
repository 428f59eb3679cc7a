"""The documents say what is there: settings, make targets, commands, files."""

import argparse
import re
from pathlib import Path

import pytest
from pydantic import SecretStr
from pydantic_settings import BaseSettings

import standalone
from aggregator import __main__ as aggregator_commands
from aggregator.settings import Settings as AggregatorSettings
from kiosk import __main__ as kiosk_commands
from kiosk.settings import Settings as KioskSettings
from surveys import centre as definitions
from surveys.alerts import RULES
from surveys.centre import Centre, load_definitions
from surveys.definition import Model
from surveys.laws import KNOWN

ROOT = Path(__file__).parents[1]
ROOMS: dict[str, type[BaseSettings]] = {
    "K": KioskSettings,
    "A": AggregatorSettings,
    "`make run`": standalone.Settings,
}
DOCUMENTS = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "THREATS.md"]
DOCUMENTS += [f"deploy/{name}.md" for name in ("README", "SETTINGS", "COMMANDS")]
# Of the tests, of the kiosk's browser script, and a word that stands for any name.
OTHERS = {"HAILONG_TEST_ALL", "HAILONG_KIOSK_URL", "HAILONG_NAME"}
OTHERS |= {"HAILONG_BACKUP_ALSO", "HAILONG_DRILL_DATABASE"}  # of deploy/backup.py and drill.py

ROW = re.compile(r"^\| `(\w+)` \| (.*?) \| (.*?) \|$", re.M)


def text_of(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def settings_table() -> dict[str, tuple[str, str]]:
    """The rows of deploy/SETTINGS.md: name -> (default, whose)."""
    table = text_of("deploy/SETTINGS.md")
    rows = re.findall(r"^\| `(HAILONG_\w+)` \| (.*?) \| (.*?) \|", table, re.M)
    names = [name for name, _, _ in rows]
    assert len(names) == len(set(names)), "a setting is listed twice"
    return {name: (default, whose) for name, default, whose in rows}


def written_default(settings: type[BaseSettings], field: str) -> str:
    value = settings.model_fields[field].default
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if value in (None, ""):
        return "empty"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def actual_settings() -> dict[str, dict[str, str]]:
    """Each setting by name: whose it is -> its default as that table writes it."""
    found: dict[str, dict[str, str]] = {}
    for room, settings in ROOMS.items():
        for field in settings.model_fields:
            name = f"HAILONG_{field.upper()}"
            found.setdefault(name, {})[room] = written_default(settings, field)
    return found


def test_the_settings_are_listed_exactly() -> None:
    assert set(settings_table()) == set(actual_settings())


@pytest.mark.parametrize("name", sorted(actual_settings()))
def test_each_setting_has_its_default_and_its_rooms(name: str) -> None:
    default, whose = settings_table()[name]
    actual = actual_settings()[name]
    said = re.findall(r"`[^`]*`|^empty", default)
    assert set(actual.values()) <= set(said), "another default"
    assert said[0] in actual.values(), "the default comes first"
    assert {room for room in ROOMS if room in f"{default} {whose}"} == set(actual), "other rooms"


def test_every_setting_has_a_description() -> None:
    for settings in ROOMS.values():
        assert all(field.description for field in settings.model_fields.values())


@pytest.mark.parametrize(
    "path",
    [
        *DOCUMENTS,
        "Makefile",
        *sorted(p.relative_to(ROOT).as_posix() for p in ROOT.glob("deploy/*.[!m]*")),
    ],
)
def test_no_document_names_a_setting_that_is_not_there(path: str) -> None:
    named = set(re.findall(r"\bHAILONG_[A-Z_]*[A-Z]\b", text_of(path)))
    assert named <= set(actual_settings()) | OTHERS


def centre_table() -> dict[str, tuple[str, str]]:
    """The rows of deploy/README.md on the centre file: key -> (default, what it is)."""
    section = text_of("deploy/README.md").partition("## Your own centre file")[2].partition("\n## ")
    return {key: (default, what) for key, default, what in ROW.findall(section[0])}


def test_every_key_of_a_centre_file_is_documented_with_its_default() -> None:
    table = centre_table()
    assert list(table) == list(Centre.model_fields)
    for key, field in Centre.model_fields.items():
        default = "needed" if field.is_required() else field.default
        if isinstance(default, Model):
            default = "`, `".join(map(str, default.model_dump().values()))
        elif key == "alert_rules":
            default = "`, `".join(rule.id for rule in RULES)
        elif key == "laws":
            default = "`, `".join(law.id for law in KNOWN)
        written = default if default == "needed" else f"`{default}`" if default else "none"
        assert table[key][0] == written, key


@pytest.mark.parametrize(
    "part",
    [
        "Instruments",
        "TouchScreen",
        "Documents",
        "Reference",
        "SeriesBreak",
        "Margin",
        "AlertRule",
        "Law",
    ],
)
def test_every_key_of_a_part_of_a_centre_file_is_documented(part: str) -> None:
    named = " ".join(what for _, what in centre_table().values())
    keys = getattr(definitions, part).model_fields
    assert [key for key in keys if f"`{key}`" not in named] == []


def test_the_examples_of_the_centre_file_are_valid_and_name_what_may_be_left_out(
    tmp_path: Path,
) -> None:
    text = text_of("deploy/lai_chau.toml").replace('published = "', '# "')
    live = re.sub(r"^# ((?:\[\[?)?\w+(?: = .*|\]+)?)$", r"\1", text, flags=re.M)
    path = tmp_path / "centre.toml"
    path.write_text(live, "utf-8")
    centre, _ = load_definitions(path)
    assert centre.parent is not None
    assert {"minimum_ratings", "minimum_cell", "instruments"} <= centre.model_fields_set
    assert len(centre.series_breaks) == len(centre.margins) == 1


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_make_target_named_exists(document: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", text_of("Makefile"), re.M))
    named = set(re.findall(r"(?:`|^\s*)make ([a-z][a-z-]*)", text_of(document), re.M))
    assert named <= targets


def test_the_readme_starts_with_what_works() -> None:
    assert "make run" in text_of("README.md")
    assert {"run", "demo", "test", "bench", "check", "help"} <= set(
        re.findall(r"^([a-z-]+):.*?##", text_of("Makefile"), re.M)
    )


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_of_a_document_leads_somewhere(document: str) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", text_of(document))
    local = [link for link in links if "://" not in link]
    missing = [link for link in local if not ((ROOT / document).parent / link).exists()]
    assert missing == []


def test_every_file_in_the_architecture_exists() -> None:
    """A bare name is a file of some room; what the set-up fills need not be there yet."""
    rooms = [ROOT, *(ROOT / name for name in ("surveys", "kiosk", "aggregator", "deploy", "tests"))]
    rooms += (path for path in (ROOT / "aggregator").iterdir() if path.is_dir())
    named = re.findall(
        r"`([\w./-]+(?:\.(?:py|toml|css|js|md|html)|/))`", text_of("ARCHITECTURE.md")
    )
    wanted = {name for name in named if not name.startswith(("_name", "static/vendor", "var"))}
    assert len(wanted) > 20
    missing = {name for name in wanted if not any((room / name).exists() for room in rooms)}
    assert missing == set()


@pytest.mark.parametrize(
    ("room", "parser"),
    [("aggregator", aggregator_commands._parser("en")), ("kiosk", kiosk_commands._parser())],
)
def test_every_command_named_exists_and_every_command_is_named(
    room: str, parser: argparse.ArgumentParser
) -> None:
    [subparsers] = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    commands = set(subparsers.choices)
    lines = re.findall(rf"python -m {room} ([^\n`]*)", text_of("deploy/COMMANDS.md"))
    named = {word for line in lines for word in re.findall(r"(?:^|\| |\|)([a-z-]+)", line)}
    assert commands <= named, "not told of"
    elsewhere = re.findall(rf"python -m {room} ([a-z-]+)", text_of("README.md"))
    assert set(elsewhere) <= commands


def test_the_version_and_the_changelog_agree() -> None:
    version = re.search(r'^version = "(.*)"', text_of("pyproject.toml"), re.M)
    newest = re.search(r"^## \[?v?([\w.]+)", text_of("CHANGELOG.md"), re.M)
    assert version
    assert newest
    assert newest[1] in (version[1], "Unreleased")
