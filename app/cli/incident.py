"""`exposure incident`."""

from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy.orm import Session

from app.cli.output import JsonOption, emit
from app.cli.resources import open_catalog, open_database
from app.config import load_settings
from app.incidents import service as incidents
from app.incidents.loader import load_incident
from app.incidents.schema import Incident

commands = typer.Typer(add_completion=False, help="Incidents and their notices.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(help="incident file (TOML)")]


@commands.command("create")
def create(file: File, json: JsonOption = False) -> None:
    """Create an incident, with version 1 of its notice."""
    incident = load_incident(file)
    with open_catalog() as (db, now):
        incidents.create_incident(db, incident, now=now)
    _print_change("created", incident, 1, as_json=json)


@commands.command("update")
def update(file: File, json: JsonOption = False) -> None:
    """Change an incident; a changed notice becomes a new version."""
    incident = load_incident(file)
    with open_catalog() as (db, now):
        version = incidents.update_incident(db, incident, now=now)
    _print_change("updated", incident, version, as_json=json)


@commands.command("list")
def list_incidents(json: JsonOption = False) -> None:
    """List the incidents."""
    with open_database(load_settings()) as database, database.read() as db:
        for incident in incidents.list_incidents(db):
            fields = _fields(db, incident)
            text = f"{incident.slug}  {incident.status}  notice {fields['notice_version']}  {incident.title.en}"
            emit(fields, text, as_json=json)


@commands.command("show")
def show(slug: Annotated[str, typer.Argument(help="the incident's slug")], json: JsonOption = False) -> None:
    """Show one incident with its notice."""
    with open_database(load_settings()) as database, database.read() as db:
        incident = incidents.get_incident(db, slug)
        fields = incident.model_dump(mode="json", exclude_none=True) | _fields(db, incident)
    emit(fields, incident.model_dump_json(indent=2, exclude_none=True), as_json=json)


def _fields(db: Session, incident: Incident) -> dict[str, Any]:
    return {
        "slug": incident.slug,
        "status": incident.status,
        "title": incident.title.model_dump(),
        "notice_version": incidents.latest_notice_version(db, incident.slug),
    }


def _print_change(event: str, incident: Incident, version: int, *, as_json: bool) -> None:
    fields = {"event": event, "slug": incident.slug, "notice_version": version}
    emit(fields, f"incident {incident.slug} {event}; its notice is version {version}", as_json=as_json)
