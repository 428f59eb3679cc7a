"""What the server holds in memory without need, and what a page leaves behind."""

import gc
import subprocess
import sys
import weakref
from typing import Any

import pytest

from aggregator.storage.store import Store
from tests.aggregator.conftest import ROOT, Room, ratings


def test_the_server_starts_without_the_library_of_exports() -> None:
    script = (
        "import sys, aggregator.dashboard.app; "
        "print('pandas' in sys.modules, 'pyarrow' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["True", "False"]


def test_after_it_exports_still_find_their_library() -> None:
    script = (
        "import aggregator.dashboard.app, aggregator.documents.exports.parquet as p; "
        "print(p.pa.__name__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "pyarrow"


@pytest.mark.parametrize("path", ["/", "/trends", "/coverage", "/department/so_tu_phap"])
def test_what_a_page_read_is_let_go_with_its_answer(
    room: Room, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """Templates leave cycles behind; the blocks of two years must not wait in one."""
    room.take(ratings([5, 4, 3]))
    room.sign_in()
    seen: list[weakref.ref[Store]] = []
    snapshot = Store.snapshot

    def noted(store: Store) -> Store:
        view = snapshot(store)
        seen.append(weakref.ref(view))
        return view

    monkeypatch.setattr(Store, "snapshot", noted)
    gc.disable()
    try:
        assert room.client.get(path).status_code == 200
        left: list[Any] = [one for one in seen if one() is not None]
    finally:
        gc.enable()
    assert seen
    assert not left


def test_every_template_can_be_prepared(room: Room) -> None:
    room.context.pages.prepare()
