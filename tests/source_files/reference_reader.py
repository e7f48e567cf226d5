"""A second reader of data set files: one character at a time, without blocks, Arrow and the csv module. Slow, and plain enough to be read.

It states the rules of the format itself, as far as `generated_files` uses them, and shares only the canonical forms of values with the application.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from tests.source_files.reference_values import read_cell

COLUMNS = [
    "account_ref",
    "recipient_ref",
    "email",
    "phone",
    "name",
    "address",
    "items",
    "cohort",
    "count",
    "confidence",
]
CONFIDENCES = ["withdrawn", "possible", "confirmed"]
DEFAULTS = [("account_ref", ""), ("recipient_ref", ""), ("cohort", ""), ("count", "1"), ("confidence", "confirmed")]
LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
LINE_START_MARKS = re.compile("(?:(?<=[\r\n])|\\A)\ufeff+")

Row = tuple[int, dict[str, Any] | str]
"""Line and cells; instead of the cells the column if the row is a reject (empty: the whole row)."""
Person = dict[tuple[str, ...], int]
"""Facts about a person: values, items with their counts, items of each cohort, confidence, first line."""
Place = tuple[int, str]
"""Line (0: the whole file) and column (empty: the whole line)."""


class Contents(NamedTuple):
    people: dict[str, Person]
    """By both references, joined by NUL."""
    rejects: list[Place]
    error: Place | None
    """If the file is refused."""


class Refused(Exception):
    """The file cannot be used. The arguments are a `Place`."""


def read_lines(data: bytes) -> Iterator[tuple[int, str, str]]:
    """Yield the number, the text and the end of each physical line."""
    text = LINE_START_MARKS.sub("", data.decode("utf-8", "surrogateescape"))
    for number, line in enumerate(LINE.findall(text), start=1):
        if re.search("[\0\ud800-\udfff]", line):
            raise Refused(number, "")
        body = line.rstrip("\r\n")
        yield number, body, line[len(body) :]


def read_records(data: bytes, *, is_csv: bool) -> Iterator[tuple[int, list[str]]]:
    """Yield the first line and the cells of each record that is not empty. A line of NDJSON is a record of one cell."""
    start, size, file_end = 1, 0, ""
    cells, state = [""], "start"
    for number, body, end in read_lines(data):
        size += len(body + end)
        if size > 100_000:
            raise Refused(start, "")
        state = read_cells(number, body, cells, state) if is_csv else "plain"
        if state == "quoted":
            cells[-1] += end
            continue
        file_end = file_end or end
        if end not in ("", file_end):
            raise Refused(number, "")
        if state != "start" or cells != [""]:
            yield start, cells if is_csv else [body]
        start, size, cells, state = number + 1, 0, [""], "start"
    if state == "quoted":
        raise Refused(start, "")


def read_cells(number: int, line: str, cells: list[str], state: str) -> str:
    """Add the characters of a line to *cells*. The state says where in the last one the line begins, and where it ends."""
    for char in line:
        if char == "," and state != "quoted":
            cells.append("")
            state = "start"
        elif char == '"' and state != "plain":
            cells[-1] += '"' * (state == "closed")
            state = "closed" if state == "quoted" else "quoted"
        elif char == '"' or state == "closed":
            raise Refused(number, "")
        else:
            cells[-1] += char
            state = "plain" if state == "start" else state
    return state


def read_csv(data: bytes) -> Iterator[Row]:
    records = read_records(data, is_csv=True)
    line, header = next(records, (0, COLUMNS))
    for number, name in enumerate(header):
        if name not in COLUMNS or name in header[:number]:
            raise Refused(line, name if name in COLUMNS else str(number + 1))
    for names in ("account_ref", "items", "email or phone"):
        if not {*names.split(" or ")} & {*header}:
            raise Refused(line, names)
    for line, cells in records:
        yield line, dict(zip(header, cells, strict=True)) if len(cells) == len(header) else ""


def read_ndjson(data: bytes) -> Iterator[Row]:
    for line, (text,) in read_records(data, is_csv=False):
        try:
            pairs = json.loads(text, object_pairs_hook=lambda pairs: {"pairs": pairs})["pairs"]
        except (ValueError, TypeError):
            pairs = [("", "")]
        bad = [key for place, (key, _) in enumerate(pairs) if key not in COLUMNS or key in dict(pairs[:place])]
        if text.strip():
            yield line, (bad[0] if bad[0] in COLUMNS else "") if bad else dict(pairs)


def read_people(rows: Iterable[Row], declared: frozenset[str], *, is_csv: bool) -> Contents:
    people: dict[str, Person] = {}
    rejects: list[Place] = []
    for line, cells in rows:
        row = (
            {name: read_cell(name, cells.get(name), is_csv=is_csv) for name in COLUMNS}
            if isinstance(cells, dict)
            else {}
        )
        bad = [cells] if isinstance(cells, str) else [name for name, values in row.items() if values is None]
        if row.get("email") == [""] and not row.get("phone"):  # nothing is left to find the person by
            bad = sorted([*bad, "email"], key=COLUMNS.index)
        account, recipient, cohort, count, confidence = ((row.get(name) or [default])[0] for name, default in DEFAULTS)
        items = {*(row.get("items") or ())}
        if bad or not items <= declared or not (items or confidence == "withdrawn"):
            rejects.append((line, (bad or ["items"])[0]))
            continue
        person = people.setdefault(f"{account}\0{recipient}", {("line",): line, ("confidence",): 0})
        person[("confidence",)] = max(person[("confidence",)], CONFIDENCES.index(confidence))
        person |= {(kind, value): 1 for kind in COLUMNS[2:6] for value in row[kind] or () if value}
        person |= {("cohort", cohort): 1} | {("cohort", cohort, item): 1 for item in items}
        for item in items:
            person[("item", item)] = person.get(("item", item), 0) + int(count)
    return Contents(people, rejects, None if people or rejects else (0, ""))
