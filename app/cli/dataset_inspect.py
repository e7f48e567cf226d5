"""`exposure dataset inspect`."""

import os
from pathlib import Path
from typing import Annotated

import typer

from app.cli.import_progress import ProgressBars
from app.cli.output import JsonOption
from app.cli.resources import open_database, open_keys
from app.config import Settings, load_settings
from app.datasets import service as datasets
from app.datasets.cohort_counts import PublishedCounts
from app.errors import InvalidInput
from app.incidents.items import ITEM_KINDS
from app.incidents.service import get_incident
from app.source_files.encodings import find_codec


def inspect_dataset_file(
    file: Annotated[Path, typer.Argument(help="CSV, NDJSON or Parquet file; the ending decides")],
    encoding: Annotated[str, typer.Option(help="text encoding of a CSV or NDJSON file")] = "utf-8",
    incident: Annotated[
        str | None, typer.Option(help="slug of an incident: check its items, and compare with its published data set")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="number of worker processes; default: one for each core")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Report what a file holds and what an import would refuse, without storing anything: exit code 0 if it would refuse nothing, 2 otherwise."""
    from app.cli.inspection_report import print_inspection  # noqa: PLC0415  imports Arrow, 50 MiB that a server does not need
    from app.importing.inspection.inspect_file import inspect_file  # noqa: PLC0415  as above
    from app.rate_limits import load_policy  # noqa: PLC0415  imports Redis, which no other command of the group needs

    find_codec(encoding)  # checked before anything is started
    settings = load_settings()
    sms_countries = load_policy(settings.limits_file).sms_countries
    declared_items, has_hints, published = frozenset[str](ITEM_KINDS), False, None
    if incident is not None:
        declared_items, has_hints, published = _load_incident(settings, incident)
    with ProgressBars(as_json=json) as bars:
        report = inspect_file(
            file,
            encoding=encoding,
            declared_items=declared_items,
            has_hints=has_hints,
            workers=workers or os.cpu_count() or 1,
            work_dir=settings.work_dir,
            on_progress=bars.show,
        )
    print_inspection(report, sms_countries, published, as_json=json)
    if not report.is_importable:
        raise InvalidInput(report.refusal)


def _load_incident(settings: Settings, slug: str) -> tuple[frozenset[str], bool, PublishedCounts | None]:
    """Return the items that an incident declares, whether it allows hints, and the counts of its published data set."""
    with open_database(settings) as database:
        keys = open_keys(settings, database)
        with database.read() as db:
            incident = get_incident(db, slug)
            return frozenset(incident.kinds), incident.hints, datasets.load_published_counts(db, slug, keys=keys)
