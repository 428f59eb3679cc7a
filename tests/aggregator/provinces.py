"""A province of three centres over real databases, and how its clients speak to it."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from aggregator.dashboard.accounts import Accounts
from aggregator.dashboard.context import Context
from aggregator.dashboard.province import ProvinceApp, create_province
from aggregator.intake.ingest import Ingest, Offer
from aggregator.organisation.province import Province, load_province
from aggregator.settings import Settings
from aggregator.storage.migrations import migrate
from aggregator.storage.store import Store
from aggregator.storage.together import Together
from tests.aggregator.conftest import ROOT, SUBMISSIONS, Clock

WARD = (ROOT / "deploy" / "tan_phong.toml").read_text("utf-8")
# Of each centre a place where answers are given.
PLACES = {
    "lai_chau": {"department": "so_tu_phap", "counter": "q05"},
    "tan_phong": {"department": "kinh_te", "counter": "q02"},
    "doan_ket": {"department": "van_phong", "counter": "q01"},
}


def province_file(folder: Path, more: str = "", **members: str) -> Path:
    """A file of the three centres; ``members`` has lines for the table of a centre by its id."""
    ward = WARD.replace("Tân Phong", "Đoàn Kết").replace('"tan_phong"', '"doan_ket"')
    (folder / "doan_ket.toml").write_text(ward, "utf-8")
    files = {
        "lai_chau": ROOT / "deploy" / "lai_chau.toml",
        "tan_phong": ROOT / "deploy" / "tan_phong.toml",
        "doan_ket": "doan_ket.toml",
    }
    sample = (ROOT / "deploy" / "province.toml").read_text("utf-8")
    references = sample[sample.index("[[references]]") :]
    centres = "\n".join(
        f'[[centres]]\nid = "{id}"\ncentre = "{file}"\n{members.get(id, "")}'
        for id, file in files.items()
    )
    path = folder / "province.toml"
    name = 'name = { vi = "Tỉnh Lai Châu", en = "Lai Châu province" }'
    path.write_text(f"{name}\n{more}\n{centres}\n{references}", "utf-8")
    return path


def settings_of(folder: Path, url: str, **members: str) -> Settings:
    """Settings of such a province; SQLite has a file for each centre, so ``url`` is not named."""
    shared = url if url.startswith("postgresql") else ""
    return Settings(province=province_file(folder, **members), var=folder, database_url=shared)


def migrated(province: Province, template: Path) -> Province:
    """The province with every store at the present schema; ``template`` is such a SQLite file."""
    for settings in (province.settings, *province.centres.values()):
        store = Store(settings.database)
        if store.engine.dialect.name == "sqlite":
            shutil.copy(template, store.engine.url.database or "")
        else:
            migrate(store.engine)
        store.close()
    return province


@dataclass
class Hall:
    """A running province; ``client`` needs no network."""

    province: Province
    app: ProvinceApp
    client: TestClient
    clock: Clock

    @classmethod
    def of(cls, settings: Settings, clock: Clock, template: Path) -> "Hall":
        province = migrated(load_province(settings), template)
        app = create_province(province, clock)
        return cls(province, app, TestClient(app, follow_redirects=False), clock)

    def context(self, id: str = "") -> Context:
        """That of a centre, or without an id the province's own."""
        own: Context = self.app.branches[id].context if id else self.app.state.context
        return own

    @property
    def together(self) -> Together:
        store = self.context().store.snapshot()
        assert isinstance(store, Together)
        return store

    def sign_in(self, name: str, role: Any, id: str = "") -> None:
        """Sign the client in with an account of a centre, or of the province."""
        accounts: Accounts = self.context(id).accounts
        if self.context(id).store.credentials.user(name) is None:
            accounts.add_user(name, role)
        path = accounts.new_link(name, f"/{id}" if id else "")
        assert self.client.get(path).status_code == 303

    def take(self, id: str, items: Sequence[object]) -> None:
        """Store items at a centre, without HTTP."""
        own = self.context(id)
        ingest = Ingest(own.store, own.surveys, own.centre, self.clock)
        [receipts] = ingest.accept([Offer(items, "en")])
        assert {one.status for one in receipts} == {"accepted"}

    def device(self, id: str) -> str:
        return self.context(id).accounts.enrol(f"máy {self.clock.moment:%H%M%S%f}")

    def post(self, id: str, token: str, items: Sequence[object]) -> Any:
        bearer = {"authorization": f"Bearer {token}"}
        asked = f"/{id}{SUBMISSIONS}"
        return self.client.post(asked, json={"submissions": items}, headers=bearer)
