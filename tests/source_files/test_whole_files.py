"""Whole files: the reader of an import finds the people, the places of the rejects and the errors that the reference reader finds."""

import random
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from tests.source_files.generated_files import (
    DECLARED_ITEMS,
    GeneratedFile,
    csv_records,
    generate_file,
    generate_rows,
    join_lines,
    ndjson_lines,
    write_parquet,
)
from tests.source_files.import_reader import read_files
from tests.source_files.reference_reader import Contents, Person, Refused, read_csv, read_ndjson, read_people

CHUNKS, FILES_OF_CHUNK = 8, 2_500


def read_with_reference(file: GeneratedFile) -> Contents:
    try:
        if file.name == "set.parquet":
            return read_people(enumerate(file.rows, start=1), DECLARED_ITEMS, is_csv=False)
        read_rows = read_csv if ".csv" in file.name else read_ndjson
        return read_people(read_rows(file.content), DECLARED_ITEMS, is_csv=read_rows is read_csv)
    except Refused as refused:
        line, column = refused.args
        return Contents({}, [], (line, column))


@pytest.mark.fuzz
@settings(max_examples=2 * settings().max_examples)
@given(st.randoms(use_true_random=False))
def test_reader_finds_what_the_reference_reader_finds(tmp_path_factory: pytest.TempPathFactory, draws: Random) -> None:
    file = generate_file(draws)
    note(repr(file))
    assert read_files(tmp_path_factory.mktemp("set"), [file]) == [read_with_reference(file)]


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_reader_finds_what_the_reference_reader_finds_in_thousands_of_files(tmp_path: Path, chunk: int) -> None:
    seed = f"{random.getrandbits(32)}/{chunk}"  # another one in each run; pytest-randomly can repeat it
    files = [generate_file(Random(f"{seed}/{index}")) for index in range(FILES_OF_CHUNK)]
    for index, (file, found) in enumerate(zip(files, read_files(tmp_path, files), strict=True)):
        assert found == read_with_reference(file), f"generate_file(Random('{seed}/{index}'))"


@pytest.mark.fuzz
@given(st.randoms(use_true_random=False))
def test_the_same_rows_in_every_format_give_the_same_people(
    tmp_path_factory: pytest.TempPathFactory, draws: Random
) -> None:
    rows, size = generate_rows(draws), draws.randrange(64, 512)
    contents = {
        "set.csv": join_lines(draws, csv_records(draws, rows)),
        "set.ndjson": join_lines(draws, ndjson_lines(draws, rows)),
        "set.parquet": write_parquet(draws, rows),
    }
    files = [GeneratedFile(name, content, size, rows) for name, content in contents.items()]
    of_csv, of_ndjson, of_parquet = map(without_lines, read_files(tmp_path_factory.mktemp("set"), files))
    assert of_csv == of_ndjson == of_parquet


def without_lines(contents: Contents) -> tuple[dict[str, Person], list[str]]:
    assert contents.error is None
    people = {
        person_ref: {fact: number for fact, number in person.items() if fact != ("line",)}
        for person_ref, person in contents.people.items()
    }
    return people, [column for _, column in contents.rejects]
