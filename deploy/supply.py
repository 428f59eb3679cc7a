"""What the product is built of: known faults in it (audit), and a list of it (sbom).

pip-audit, CycloneDX and npm do the work; here is only what they are told and how they are read.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from deploy.vendor import npm

ROOT = Path(__file__).resolve().parent.parent
PYTHON_LOCK = ROOT / "requirements" / "run.txt"
PIP_AUDIT = ["--disable-pip", "--require-hashes", "--progress-spinner", "off", "--format", "json"]
SECONDS = 120  # one answer a package; a network that needs more allows no audit


class Unreachable(Exception):
    """Nobody could be asked; the message says why."""


def audit() -> int:
    """Ask about every locked package. Returns 1 where a fault is known, and prints each.

    A network that allows no such question is no fault: a line says what was not asked.
    """
    status = 0
    for name, ask in (("pip-audit", python_faults), ("npm audit", browser_faults)):
        try:
            asked, faults = ask()
        except Unreachable as why:
            print(f"{name}: not asked, the network does not allow it ({why})")
            continue
        print(f"{name}: {asked} asked, {len(faults)} known faults", *faults, sep="\n  ")
        status |= bool(faults)
    return status


def python_faults() -> tuple[str, list[str]]:
    """How many Python packages were asked about, and their known faults. Raises Unreachable."""
    return read_pip_audit(
        _run([sys.executable, "-m", "pip_audit", "-r", str(PYTHON_LOCK), *PIP_AUDIT])
    )


def browser_faults() -> tuple[str, list[str]]:
    """How many browser packages were asked about, and their known faults. Raises Unreachable."""
    return read_npm_audit(_run([*npm(ROOT), "audit", "--package-lock-only", "--json"]))


def read_pip_audit(answer: str) -> tuple[str, list[str]]:
    """Read pip-audit's JSON. A package it could not ask about is counted, and no fault."""
    packages = _parsed(answer)["dependencies"]
    asked = [package for package in packages if "vulns" in package]
    if not asked:
        raise Unreachable(packages[0]["skip_reason"] if packages else "no package")
    faults = [
        f"{package['name']} {package['version']}: {fault['id']}, mended in "
        f"{', '.join(fault['fix_versions']) or 'no release yet'}"
        for package in asked
        for fault in package["vulns"]
    ]
    return f"{len(asked)} of {len(packages)} packages", faults


def read_npm_audit(answer: str) -> tuple[str, list[str]]:
    """Read the JSON of ``npm audit``."""
    told = _parsed(answer)
    if "vulnerabilities" not in told:
        raise Unreachable(told.get("message") or told.get("error", {}).get("code", "no answer"))
    faults = [
        f"{name}: {fault['severity']}, versions {fault['range']}"
        for name, fault in told["vulnerabilities"].items()
    ]
    return f"{told['metadata']['dependencies']['total']} packages", faults


def sbom(folder: Path) -> None:
    """Write ``python.cdx.json`` and ``browser.cdx.json`` (CycloneDX) from the locks."""
    folder.mkdir(parents=True, exist_ok=True)
    listed = {
        "python": [
            *(sys.executable, "-m", "cyclonedx_py", "requirements", str(PYTHON_LOCK)),
            *("--pyproject", str(ROOT / "pyproject.toml"), "--output-reproducible"),
        ],
        "browser": [*npm(ROOT), "sbom", "--sbom-format", "cyclonedx", "--package-lock-only"],
    }
    for name, command in listed.items():
        done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
        file = folder / f"{name}.cdx.json"
        file.write_text(done.stdout, "utf-8")
        print(file)


def _run(command: list[str]) -> str:
    try:
        done = subprocess.run(
            command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        raise Unreachable(f"no answer in {SECONDS} s") from None
    return done.stdout


def _parsed(answer: str) -> dict[str, Any]:
    try:
        told: dict[str, Any] = json.loads(answer)
    except ValueError:
        raise Unreachable("no answer that can be read") from None
    return told


if __name__ == "__main__":
    if sys.argv[1] == "audit":
        sys.exit(audit())
    sbom(Path(sys.argv[2]))
