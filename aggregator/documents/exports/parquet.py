"""The joined table as Parquet: typed columns, with labels and codes in their metadata."""

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from aggregator.documents.exports.columns import ColumnKind, ExportColumn

GROUP = 5_000  # rows
DISTINCT = (
    "id",
    "visit",
    "comment",
)  # texts that hardly repeat, so a dictionary of them would save nothing


def write_parquet(
    path: Path,
    rows: Iterable[Sequence[Any]],
    columns: Sequence[ExportColumn],
    zone: str,
    facts: Mapping[str, str],
) -> None:
    """Write ``exports.typed_rows`` by groups of rows, so that memory does not grow with them.

    A moment is an instant with the centre's zone; ``facts`` are about the file as a whole.
    """
    fields = [
        pa.field(column.name, _type(column, zone), metadata=_metadata(column)) for column in columns
    ]
    schema = pa.schema(fields, metadata=dict(facts))
    waiting = iter(rows)
    with pq.ParquetWriter(path, schema) as writer:
        while group := list(islice(waiting, GROUP)):
            arrays = [
                pa.array(values, field.type)
                for values, field in zip(zip(*group, strict=True), fields, strict=True)
            ]
            writer.write_batch(pa.record_batch(arrays, schema=schema))


def _type(column: ExportColumn, zone: str) -> pa.DataType:
    if column.kind in ("text", "many"):
        repeats = column.name not in DISTINCT
        return pa.dictionary(pa.int32(), pa.string()) if repeats else pa.string()
    types: Mapping[ColumnKind, pa.DataType] = {
        "moment": pa.timestamp("us", tz=zone),
        "day": pa.date32(),
        "ticked": pa.int8(),
    }
    return types.get(column.kind, pa.int32())


def _metadata(column: ExportColumn) -> dict[str, str]:
    """The metadata of a column: label and codes in both languages, and its survey."""
    metadata = {"label_vi": column.label.vi, "label_en": column.label.en}
    for language in ("vi", "en"):
        meanings = {str(value): getattr(text, language) for value, text in column.values}
        if meanings:
            metadata[f"values_{language}"] = json.dumps(meanings, ensure_ascii=False)
    if column.survey is not None:
        given = " ".join(one.fingerprint for one in column.definitions)
        metadata |= {"survey": column.survey.id, "fingerprint": given}
    return metadata
