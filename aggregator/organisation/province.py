"""A province's file: which centres one aggregator serves, and where each one keeps its own data.

A centre is a store of its own: its settings are those of an aggregator that serves it alone.
"""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from aggregator.organisation.acts import checked
from aggregator.settings import Settings
from aggregator.storage.database import StorageError, in_schema, place_of
from surveys.centre import Centre, Reference, load_centre
from surveys.definition import DefinitionError, Identifier, Model, Text, load_toml, read_alike
from surveys.messages import MessageError

OWN = "province"  # the folder or schema of what is the province's own
# First parts of addresses that are the province's own, and folders that have another use.
RESERVED = frozenset(
    {
        "account", "accounts", "aggregator", "api", "audit", "demo", "documents", "health",
        "invitation", "kiosk", "method", "metrics", "oidc", "province", "sign", "static", "voices",
    }
)  # fmt: skip


class Member(Model):
    """One of the centres; files are named from the folder of the province's file.

    ``id`` is the first part of its addresses, and for good: tokens, links and codes hold it.
    Without ``database`` its data lie in a file of its own in the data folder, or in the schema
    ``schema`` (else ``id``) of HAILONG_DATABASE_URL.
    """

    id: Identifier
    centre: Path
    surveys: Path | None = None
    ddci: Path | None = None
    database: str | None = Field(default=None, min_length=1)
    schema_: Identifier | None = Field(default=None, alias="schema")

    @model_validator(mode="after")
    def _free(self) -> Self:
        if self.id in RESERVED:
            raise ValueError(f"id {self.id!r} is an address of the province's own")
        return self


class ProvinceFile(Model):
    """The whole file. ``references`` are what centres may be compared with.

    ``minimum_ratings`` and ``minimum_cell`` are those of a centre's file.
    """

    name: Text
    time_zone: str = "Asia/Ho_Chi_Minh"
    minimum_ratings: int = Field(default=30, ge=1)
    minimum_cell: int = Field(default=5, ge=1)
    surveys: Path | None = None
    references: tuple[Reference, ...] = ()
    centres: tuple[Member, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _apart(self) -> Self:
        ids = [one.id for one in self.centres]
        if doubled := {one for one in ids if ids.count(one) > 1}:
            raise ValueError(f"centre defined twice: {', '.join(sorted(doubled))}")
        if bound := [one.id for one in self.references if one.department is not None]:
            raise ValueError(f"reference {bound[0]} is of a department")
        return self


@dataclass(frozen=True)
class Province:
    """A province that has been read: its file, its own settings, and those of each centre."""

    file: ProvinceFile
    settings: Settings
    centres: dict[str, Settings] = field(default_factory=dict)

    @cached_property
    def names(self) -> dict[str, Text]:
        """What the centres are called in their files, until their own stores have been read.

        One whose file cannot be read is called by its id: it keeps no other out.
        """
        return {id: _name_in(settings.centre, id) for id, settings in self.centres.items()}

    def as_centre(self, names: dict[str, Text]) -> Centre:
        """The province as a centre whose departments are the centres, under these names.

        So whatever compares departments compares them. Where two have the same name, each is
        told by its id, too.
        """
        file = self.file
        if read_alike(names.items()):
            names = {
                id: Text(vi=f"{one.vi} ({id})", en=f"{one.en} ({id})") for id, one in names.items()
            }
        departments = [{"id": id, "name": names[id]} for id in self.centres]
        return Centre.model_validate(
            {
                "id": OWN,
                "name": file.name,
                "province": file.name,
                "time_zone": file.time_zone,
                "minimum_ratings": file.minimum_ratings,
                "minimum_cell": file.minimum_cell,
                "departments": departments,
                "references": file.references,
            }
        )


def load_province(settings: Settings) -> Province:
    """Read the file that the settings name.

    Raises DefinitionError: file, key and reason.
    """
    path = settings.province
    if path is None:
        raise DefinitionError("HAILONG_PROVINCE: is not set")
    file = load_toml(path, ProvinceFile)
    if settings.database_url and not _is_postgresql(settings.database_url):
        raise DefinitionError(
            "HAILONG_DATABASE_URL: each centre of a province has a file of its own in HAILONG_VAR; "
            "leave it empty, or name a PostgreSQL database"
        )
    folder = path.parent
    own = settings.model_copy(
        update={
            "province": None,
            "var": settings.var / OWN,
            "database_url": settings.database_url and in_schema(settings.database_url, OWN),
            "dashboard_url": settings.address,
            "surveys": folder / file.surveys if file.surveys else settings.surveys,
            "ddci": None,
        }
    )
    centres = {}
    for number, one in enumerate(file.centres):
        key = f"{path.name}: centres.{number}"
        centres[one.id] = settings.model_copy(
            update={
                "province": None,
                "centre": folder / one.centre,
                "surveys": folder / one.surveys if one.surveys else settings.surveys,
                "ddci": folder / one.ddci if one.ddci else settings.ddci,
                "var": settings.var / one.id,
                "database_url": _database(one, settings.database_url, key),
                "dashboard_url": f"{settings.address}/{one.id}",
            }
        )
    _refuse_shared(path.name, {OWN: own, **centres})
    found = Province(file, own, centres)
    try:
        checked(lambda: found.as_centre({id: Text(vi=id, en=id) for id in centres}))
    except (MessageError, DefinitionError) as error:
        raise DefinitionError(f"{path.name}: {error}") from None
    return found


def _name_in(file: Path, id: str) -> Text:
    try:
        return load_centre(file).name
    except DefinitionError:
        return Text(vi=id, en=id)


def _is_postgresql(url: str) -> bool:
    return url.startswith("postgresql")


def _database(one: Member, shared: str, key: str) -> str:
    """The address of a centre's database; '' is a file in its data folder."""
    if one.schema_ and not _is_postgresql(one.database or shared):
        raise DefinitionError(f"{key}.schema: only a PostgreSQL database has schemas")
    if one.database is None:
        return shared and in_schema(shared, one.schema_ or one.id)
    return in_schema(one.database, one.schema_) if one.schema_ else one.database


def _refuse_shared(name: str, settings: dict[str, Settings]) -> None:
    """Raise DefinitionError where two keep their data at the same place, or one at none."""
    owners: dict[tuple[str, ...], str] = {}
    for id, one in settings.items():
        try:
            place = place_of(one.database)
        except StorageError as error:
            reason = str(error).replace("HAILONG_DATABASE_URL", "database")
            raise DefinitionError(f"{name}: {id}: {reason}") from error
        if other := owners.get(place):
            raise DefinitionError(f"{name}: {id} and {other} have the same database")
        owners[place] = id
