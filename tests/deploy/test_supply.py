"""What the product is built of: how answers of audits are read, and the list of all parts."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from deploy import supply

FAULT = {"id": "CVE-2026-0001", "fix_versions": ["1.1"], "aliases": [], "description": ""}
UNASKED = {"name": "b", "skip_reason": "not found: b (2.0)"}


def pip_audit(*packages: dict[str, Any]) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


def test_a_known_fault_is_named_with_the_release_that_mends_it() -> None:
    package = {"name": "a", "version": "1.0", "vulns": [FAULT, {**FAULT, "fix_versions": []}]}
    asked, faults = supply.read_pip_audit(pip_audit(package, UNASKED))
    assert asked == "1 of 2 packages"
    assert faults == [
        "a 1.0: CVE-2026-0001, mended in 1.1",
        "a 1.0: CVE-2026-0001, mended in no release yet",
    ]


def test_faults_of_browser_packages_are_named() -> None:
    fault = {"name": "a", "severity": "high", "range": "<2.0.0"}
    told = {"vulnerabilities": {"a": fault}, "metadata": {"dependencies": {"total": 4}}}
    assert supply.read_npm_audit(json.dumps(told)) == ("4 packages", ["a: high, versions <2.0.0"])


@pytest.mark.parametrize("answer", ["", "<html>", pip_audit(UNASKED), pip_audit()])
def test_a_network_without_an_answer_is_no_fault(answer: str) -> None:
    with pytest.raises(supply.Unreachable):
        supply.read_pip_audit(answer)


@pytest.mark.parametrize("answer", ["", '{"message": "405"}', '{"error": {"code": "ENOTFOUND"}}'])
def test_a_registry_that_refuses_is_no_fault(answer: str) -> None:
    with pytest.raises(supply.Unreachable):
        supply.read_npm_audit(answer)


def told(faults: list[str]) -> tuple[str, list[str]]:
    return "1 packages", faults


def test_the_audit_fails_by_a_fault_and_says_who_was_not_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def unreachable() -> tuple[str, list[str]]:
        raise supply.Unreachable("no network")

    monkeypatch.setattr(supply, "browser_faults", unreachable)
    for faults, status in (([], 0), (["a: bad"], 1)):
        monkeypatch.setattr(supply, "python_faults", lambda faults=faults: told(faults))
        assert supply.audit() == status
    said = capsys.readouterr().out
    assert "npm audit: not asked, the network does not allow it (no network)" in said
    assert "pip-audit: 1 packages asked, 1 known faults\n  a: bad" in said


def test_the_list_of_parts_has_every_locked_package_with_its_hash(tmp_path: Path) -> None:
    supply.sbom(tmp_path)
    locked = re.findall(
        r"^([a-z0-9-]+)(?:\[.*?\])?==", supply.PYTHON_LOCK.read_text("utf-8"), re.MULTILINE
    )
    package = json.loads((supply.ROOT / "package.json").read_text("utf-8"))
    browser, version = package["dependencies"], package["version"]
    for name, wanted in (("python", set(locked)), ("browser", set(browser))):
        parts = json.loads((tmp_path / f"{name}.cdx.json").read_text("utf-8"))
        assert parts["bomFormat"] == "CycloneDX"
        assert parts["metadata"]["component"]["version"] == version
        assert {part["name"] for part in parts["components"]} == wanted
        assert "sha" in json.dumps(parts["components"]).lower()
