"""Steps of the set-up: one line where they succeed, all of their output where they fail."""

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STEP = ROOT / "deploy" / "step.sh"
NOISE = "echo notice; echo progress >&2"


def step(script: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["sh", STEP, "Doing it", "sh", "-c", script], capture_output=True, text=True, check=False
    )


def test_a_step_that_succeeds_says_one_line() -> None:
    done = step(NOISE)
    assert (done.returncode, done.stdout, done.stderr) == (0, "Doing it …\n", "")


def test_a_step_that_fails_shows_all_of_its_output_and_fails_alike() -> None:
    done = step(f"{NOISE}; exit 3")
    assert (done.returncode, done.stdout) == (3, "Doing it …\n")
    assert done.stderr == "notice\nprogress\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with our Makefile, a library of its own to install, and an environment."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy", ignore=shutil.ignore_patterns("__*"))
    wheel = tmp_path / "wheels" / "small-1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    with zipfile.ZipFile(wheel, "w") as archive:
        info = "small-1.0.dist-info"
        archive.writestr("small.py", "")
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: small\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    (tmp_path / "requirements").mkdir()
    lock(tmp_path, hashlib.sha256(wheel.read_bytes()).hexdigest())
    return tmp_path


def lock(project: Path, digest: str) -> None:
    text = f"small==1.0 --hash=sha256:{digest}\n"
    (project / "requirements" / "run.txt").write_text(text)


def make(project: Path) -> "subprocess.CompletedProcess[str]":
    """``make .venv/run.stamp`` with a pip that is set to warn: one of its folders is missing."""
    clean = {n: v for n, v in os.environ.items() if not n.startswith(("MAKE", "PIP_"))}
    own = {
        "PYTHON": sys.executable,
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": f"{project / 'wheels'} {project / 'nowhere'}",
    }
    return subprocess.run(
        ["make", ".venv/run.stamp"],
        cwd=project,
        env=clean | own,
        capture_output=True,
        text=True,
        check=False,
    )


def test_installing_says_one_line_a_step(project: Path) -> None:
    done = make(project)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first.startswith("Making .venv with ")
    assert second == "Installing the libraries (requirements/run.txt) …"
    assert done.stderr == ""


def test_installing_what_is_not_what_was_locked_fails_and_says_why(project: Path) -> None:
    lock(project, "0" * 64)
    done = make(project)
    assert done.returncode != 0
    assert "nowhere" in done.stderr  # the warning, too
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in done.stderr
    assert not (project / ".venv" / "run.stamp").exists()
