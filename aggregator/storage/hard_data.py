"""Numbers from records beside business feedback; batches of the desk set them."""

from sqlalchemy import select
from sqlmodel import col

from aggregator.storage.database import Database
from aggregator.storage.tables import HardData


def read_hard_data(database: Database, until: int, department: str | None) -> list[HardData]:
    """The numbers of years up to ``until``, in the order of their keys.

    With a department: its own, and those of the whole province. Raises StorageError.
    """
    of = col(HardData.department)
    query = select(HardData.__table__).where(col(HardData.year) <= until)  # type: ignore[attr-defined]
    if department is not None:
        query = query.where(of.in_(["", department]))
    query = query.order_by(col(HardData.year), of, col(HardData.indicator))
    with database.begin() as connection:
        return [HardData(**row._mapping) for row in connection.execute(query)]
