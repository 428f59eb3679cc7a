"""The systemd units: what systemd itself says of them, and what each service must bound."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from pydantic import SecretStr

from aggregator.settings import Settings as AggregatorSettings
from kiosk.settings import Settings as KioskSettings
from tests.conftest import missing

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = sorted(file for file in DEPLOY.iterdir() if file.suffix in (".service", ".timer"))
SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]
MOST_EXPOSED = 2.0  # of 10


def analyze(*arguments: str | Path) -> str:
    """What systemd-analyze says, on both outputs."""
    program = shutil.which("systemd-analyze")
    if program is None:
        missing("systemd-analyze is not installed (Debian: systemd)")
    done = subprocess.run(
        [program, *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    return done.stdout + done.stderr


def test_there_are_units() -> None:
    assert {unit.suffix for unit in UNITS} == {".service", ".timer"}


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.stem)
def test_a_service_is_little_exposed(unit: Path) -> None:
    said = analyze("security", "--offline=true", "--no-pager", unit)
    level = re.search(r"Overall exposure level for \S+: ([0-9.]+)", said)
    assert level is not None, said
    assert float(level[1]) <= MOST_EXPOSED, said


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_understands_every_line(unit: Path) -> None:
    lines = analyze("verify", "--man=no", unit).splitlines()
    # The programs are where the installation puts them, not here.
    assert [line for line in lines if "is not executable: No such file" not in line] == []


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.stem)
def test_a_service_says_how_many_files_it_may_open(unit: Path) -> None:
    assert re.search(r"^LimitNOFILE=\d+$", unit.read_text("utf-8"), re.MULTILINE)


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.stem)
def test_what_systemd_hands_on_are_secret_settings(unit: Path) -> None:
    """By a name without a path systemd looks in /etc/credstore, and starts without it, too."""
    named = re.findall(r"^LoadCredential=hailong_(\w+)$", unit.read_text("utf-8"), re.MULTILINE)
    assert len(named) == unit.read_text("utf-8").count("LoadCredential=")
    known = KioskSettings.model_fields | AggregatorSettings.model_fields
    for name in named:
        assert name == "database_url" or known[name].annotation is SecretStr
