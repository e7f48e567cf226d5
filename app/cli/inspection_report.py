"""Output of `exposure dataset inspect`: the report as text or as JSON. It holds counts and lines, and no value of the file."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from app.cli.output import emit
from app.datasets.cohort_counts import PEOPLE_KEY, CountDiff, PublishedCounts, diff_counts
from app.importing.inspection.report import InspectionReport
from app.importing.occurrences import Occurrences

_SEPARATOR_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars", ":": "colons", " ": "spaces"}


def print_inspection(
    report: InspectionReport, sms_countries: Collection[str], published: PublishedCounts | None, *, as_json: bool
) -> None:
    """Print a report."""
    fields = _to_fields(report, sms_countries, published)
    emit(fields, "\n".join(_to_lines(report, fields, published)), as_json=as_json)


def _to_fields(
    report: InspectionReport, sms_countries: Collection[str], published: PublishedCounts | None
) -> dict[str, Any]:
    traits, blocks, people = report.traits, report.blocks, report.people
    recognized = {
        "format": traits.format,
        "compression": traits.compression,
        "encoding": traits.encoding,
        "separator": traits.separator,
        "line_ends": traits.line_ends,
    }
    fields: dict[str, Any] = {
        "event": "inspected",
        "importable": report.is_importable,
        **{name: value for name, value in recognized.items() if value},
        "byte_order_marks": traits.byte_order_marks,
        "columns": {"present": [*report.columns], "absent": report.absent_columns},
        "rows": blocks.rows,
        "people": people.people,
        "holders": people.people - people.recipients,
        "recipients": people.recipients,
        "unreachable": people.unreachable,
        "not_served": report.not_served(sms_countries),
        "rejected": report.rejected,
        "rejects": [
            {"column": reject.column, "reason": reject.reason, **_to_counts(reject.found)} for reject in report.rejects
        ],
        "markers": dict(blocks.markers),
        "doubtful_names": blocks.doubtful_names,
        "emails_left_out": _to_counts(blocks.emails_left_out),
        "spellings": {kind: asdict(spellings) for kind, spellings in report.spellings.items()},
        "items": dict(people.items),
        "cohorts": report.cohorts,
        "confidences": dict(people.confidences),
        "several_names": people.several_names,
        "shared": dict(report.sharers.shared),
        "repetitions": [
            {"kind": each.kind, **_to_counts(each.found), "people": each.people} for each in report.repetitions
        ],
        "causes": report.causes,
    }
    if published is not None:
        rows = diff_counts(published.counts, report.cohorts)
        differences = [{**asdict(row), "change": row.after - row.before} for row in rows]
        fields["published"] = {"id": published.id, "people": published.people, "counts": differences}
    return fields


def _to_counts(found: Occurrences) -> dict[str, Any]:
    return {"count": found.count, "lines": [*found.first_lines]}


def _to_lines(report: InspectionReport, fields: Mapping[str, Any], published: PublishedCounts | None) -> Iterator[str]:
    yield f"{report.file}: {', '.join(_describe_traits(report))}"
    columns = fields["columns"]
    yield f"columns: {', '.join(columns['present']) or 'none'}; absent: {', '.join(columns['absent']) or 'none'}"
    yield (
        f"{fields['rows']:,} rows; {fields['people']:,} people: {fields['holders']:,} holders, {fields['recipients']:,} recipients; "
        f"{fields['unreachable']:,} more without a usable identifier; {fields['not_served']:,} with only a phone of a country that is not served"
    )
    for kind, spelling in report.spellings.items():
        if spelling.cells:
            yield (
                f"{kind}: {spelling.cells:,} cells, {spelling.values:,} values, {spelling.several:,} cells with several, "
                f"{spelling.rare:,} in a rare spelling"
            )
    yield f"people by item: {_list_counts(fields['items'])}"
    yield f"people by confidence: {_list_counts(fields['confidences'])}"
    for cohort, counts in report.cohorts.items():
        items = {kind: count for kind, count in counts.items() if kind != PEOPLE_KEY}
        yield f"cohort {cohort or '-'}: {counts[PEOPLE_KEY]:,} people; {_list_counts(items)}"
    yield f"rejected: {fields['rejected']:,} rows"
    for reject in report.rejects:
        column = f"column {reject.column}: " if reject.column else ""
        yield f"  {reject.found.count:,} × {column}{reject.reason} ({reject.found.place})"
    if report.blocks.markers:
        yield f"markers of nothing: {_list_counts(report.blocks.markers)}"
    if fields["doubtful_names"]:
        yield f"doubtful names, such as Null, that may stand for nothing: {fields['doubtful_names']:,}"
    if (left_out := report.blocks.emails_left_out).count:
        yield f"malformed emails, left out of rows with another identifier: {left_out.count:,} ({left_out.place})"
    yield f"people with several names: {fields['several_names']:,}; identifiers of several people: {_list_counts(fields['shared'])}"
    for repetition in report.repetitions:
        found, description = repetition.found, _REPETITIONS[repetition.kind]
        yield f"suspicious: {found.count:,} × {description}, {repetition.people:,} people ({found.place})"
    if published is not None:
        change = report.people.people - published.people
        yield f"published: data set {published.id} with {published.people:,} people; this file has {change:+,}"
        yield from map(_format_difference, diff_counts(published.counts, report.cohorts))
    yield from (f"cannot be imported as it is: {cause}" for cause in report.causes)
    yield "an import would accept this file" if report.is_importable else "an import would refuse this file"


_REPETITIONS = {
    "email_of_many_people": "email of over 20 people, which will answer cannot_tell",
    "phone_of_many_people": "phone of over 20 people, which will answer cannot_tell",
    "contradictory_rows": "person with contradictory rows, who may be strangers with the same references",
    "reference_with_many_names": "reference with over five names, which may be several people",
    "rounded_reference": "long reference that ends in zeros, as if a spreadsheet had rounded it",
}


def _describe_traits(report: InspectionReport) -> Iterator[str]:
    traits = report.traits
    yield traits.format.upper() or "unknown format"
    if traits.compression:
        yield f"compressed ({traits.compression})"
    if traits.encoding:
        yield traits.encoding
    if traits.byte_order_marks:
        yield (
            "with a byte order mark" if traits.byte_order_marks == 1 else f"{traits.byte_order_marks} byte order marks"
        )
    if traits.separator:
        yield f"separated by {_SEPARATOR_NAMES.get(traits.separator, 'another character')}"
    if traits.line_ends:
        yield f"line ends {traits.line_ends}"


def _list_counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items() if count) or "none"


def _format_difference(row: CountDiff) -> str:
    return f"  {row.cohort or '-':20} {row.item:18} {row.before:>14,} {row.after:>14,} {row.after - row.before:>+14,}"
