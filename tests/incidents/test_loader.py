"""Reading an incident file: each broken one in ``broken/`` says in its first line what is complained of."""

from pathlib import Path

import pytest

from app.faces.cli.demo import SAMPLE_INCIDENT
from app.incidents import ITEM_KINDS, LOCALES, InvalidIncident, load_incident
from app.incidents.schema import NoticeText

HERE = Path(__file__).parent
WHOLE = HERE / "whole.toml"
BROKEN = sorted((HERE / "broken").glob("*.toml"))
STATUTORY = ("leaked_items", "circumstances", "self_protection", "response", "relief", "contact", "rights")


def complaint(path: Path) -> str:
    with pytest.raises(InvalidIncident) as caught:
        load_incident(path)
    said = str(caught.value)
    assert said.startswith(f"{path}: ")
    assert "\n" not in said
    return said.removeprefix(f"{path}: ")


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_a_broken_file_is_refused_with_the_place_and_the_reason(path: Path) -> None:
    expected = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
    said = complaint(path)
    assert said.startswith(expected) or (expected.startswith("(at line") and expected in said)


def test_the_whole_file_is_taken_so_that_each_broken_one_has_one_fault() -> None:
    incident = load_incident(WHOLE)
    assert (incident.slug, incident.kinds, incident.hints) == ("broken-2026", ["name", "phone"], False)
    assert incident.facts[0].authority is not None
    assert incident.actions[0].phone == "118"


def test_the_sample_is_taken_and_declares_every_kind() -> None:
    incident = load_incident(SAMPLE_INCIDENT)
    assert incident.kinds == list(ITEM_KINDS)
    assert incident.hints


def test_the_statutory_fields_are_these() -> None:
    assert tuple(NoticeText.model_fields) == STATUTORY


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("field", STATUTORY)
@pytest.mark.parametrize("fault", ["missing", "empty", "blank", "a number"])
def test_each_statutory_field_is_required_in_each_language(fault: str, field: str, locale: str, tmp_path: Path) -> None:
    whole = WHOLE.read_text(encoding="utf-8")
    head, notice = whole.split(f"[notice.{locale}]")
    line = next(line for line in notice.splitlines() if line.startswith(f"{field} = "))
    put = {"missing": "", "empty": f'{field} = ""', "blank": f'{field} = " \\n\u3000"', "a number": f"{field} = 1"}[
        fault
    ]
    path = tmp_path / "incident.toml"
    path.write_text(f"{head}[notice.{locale}]{notice.replace(line, put, 1)}", encoding="utf-8")
    reason = {
        "missing": "Field required",
        "empty": "String should have at least 1 character",
        "blank": "String should have at least 1 character",
        "a number": "Input should be a valid string",
    }[fault]
    assert complaint(path) == f"notice.{locale}.{field}: {reason}"


def test_an_english_notice_may_say_exposure(tmp_path: Path) -> None:
    path = tmp_path / "incident.toml"
    text = WHOLE.read_text(encoding="utf-8").replace("and leaked.", "and leaked: an exposure, 노출 in Korean.")
    path.write_text(text, encoding="utf-8")
    assert "노출" in load_incident(path).notice.en.circumstances


def test_what_is_not_withheld_needs_no_authority(tmp_path: Path) -> None:
    path = tmp_path / "incident.toml"
    text = WHOLE.read_text(encoding="utf-8").replace('"withheld"', '"disputed"')
    path.write_text("".join(line for line in text.splitlines(keepends=True) if not line.startswith("a")), "utf-8")
    assert load_incident(path).facts[0].as_of is None


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    path = tmp_path / "incident.toml"
    path.write_bytes(b"\xef\xbb\xbf" + WHOLE.read_bytes().replace(b"\n", b"\r\n"))
    assert load_incident(path) == load_incident(WHOLE)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"slug = 'caf\xe9'", "byte 12 is not UTF-8"),
        (b"slug = " + b"[" * 100_000, "nested too deeply"),
        (b"slug = " + b"1" * 10_000, "a number too long"),
        (b"\0", "(at line 1, column 1)"),
    ],
    ids=["not UTF-8", "too deep", "too long", "NUL"],
)
def test_what_no_toml_reader_takes_is_refused_in_one_line(content: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "incident.toml"
    path.write_bytes(content)
    assert reason in complaint(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert complaint(tmp_path / "no-such.toml") == "cannot be read (No such file or directory)"
    assert complaint(tmp_path) == "cannot be read (Is a directory)"


def test_the_steps_that_apply_are_those_about_a_leaked_item() -> None:
    incident = load_incident(SAMPLE_INCIDENT)
    assert [action.id for action in incident.actions_for({"email"})] == ["change-reused-password"]
    assert [action.id for action in incident.actions_for({"door_code"})] == ["change-door-code"]
    assert [action.id for action in incident.actions_for(set())] == []
