"""Write a small data set file, read the cells of a row, and check that an error carries no value."""

from pathlib import Path

from app.source_files import RejectedRow, SourceRow

SECRET = "홍길동010-9876-5432"
HEADER = "account_ref,email,items,count,confidence\n"


def write_file(folder: Path, content: str | bytes, name: str = "set.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def cells_of(row: SourceRow | RejectedRow) -> tuple[object, ...]:
    assert isinstance(row, SourceRow)
    return tuple(getattr(row, name) for name in SourceRow.__dataclass_fields__ if name != "line")


def assert_no_value(error: BaseException) -> None:
    """Check that neither the error nor its context carries a value of the file."""
    assert error.__context__ is None or isinstance(error.__context__, OSError)
    assert SECRET[:3] not in repr((str(error), error.args, vars(error)))
