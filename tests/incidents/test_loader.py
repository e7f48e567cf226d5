"""Loading incident files. The first line of each file in ``broken/`` is the expected error."""

from pathlib import Path

import pytest

from app.cli.demo import SAMPLE_INCIDENT
from app.incidents.errors import InvalidIncident
from app.incidents.items import ITEM_KINDS
from app.incidents.loader import load_incident
from app.incidents.schema import NoticeText
from app.locales import LOCALES

HERE = Path(__file__).parent
VALID = HERE / "valid.toml"
BROKEN = sorted((HERE / "broken").glob("*.toml"))
STATUTORY = ("leaked_items", "circumstances", "self_protection", "response", "relief", "contact", "rights")


def error_message(path: Path) -> str:
    with pytest.raises(InvalidIncident) as caught:
        load_incident(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_a_broken_file_is_rejected_with_place_and_reason(path: Path) -> None:
    expected = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
    message = error_message(path)
    assert message.startswith(expected) or (expected.startswith("(at line") and expected in message)


def test_the_valid_file_loads_so_each_broken_file_has_one_fault() -> None:
    incident = load_incident(VALID)
    assert (incident.slug, incident.kinds, incident.hints) == ("broken-2026", ["name", "phone"], False)
    assert incident.facts[0].authority is not None
    assert incident.actions[0].phone == "118"


def test_the_sample_loads_and_declares_every_item_kind() -> None:
    incident = load_incident(SAMPLE_INCIDENT)
    assert incident.kinds == list(ITEM_KINDS)
    assert incident.hints


def test_a_notice_has_the_statutory_fields() -> None:
    assert tuple(NoticeText.model_fields) == STATUTORY


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("field", STATUTORY)
@pytest.mark.parametrize("fault", ["missing", "empty", "blank", "a number"])
def test_each_statutory_field_is_required_in_each_language(fault: str, field: str, locale: str, tmp_path: Path) -> None:
    valid = VALID.read_text(encoding="utf-8")
    head, notice = valid.split(f"[notice.{locale}]")
    line = next(line for line in notice.splitlines() if line.startswith(f"{field} = "))
    replacement = {
        "missing": "",
        "empty": f'{field} = ""',
        "blank": f'{field} = " \\n\u3000"',
        "a number": f"{field} = 1",
    }[fault]
    path = tmp_path / "incident.toml"
    path.write_text(f"{head}[notice.{locale}]{notice.replace(line, replacement, 1)}", encoding="utf-8")
    reason = {
        "missing": "Field required",
        "empty": "String should have at least 1 character",
        "blank": "String should have at least 1 character",
        "a number": "Input should be a valid string",
    }[fault]
    assert error_message(path) == f"notice.{locale}.{field}: {reason}"


def test_an_english_notice_may_say_exposure(tmp_path: Path) -> None:
    path = tmp_path / "incident.toml"
    text = VALID.read_text(encoding="utf-8").replace("and leaked.", "and leaked: an exposure, 노출 in Korean.")
    path.write_text(text, encoding="utf-8")
    assert "노출" in load_incident(path).notice.en.circumstances


def test_only_a_withheld_fact_needs_an_authority(tmp_path: Path) -> None:
    path = tmp_path / "incident.toml"
    text = VALID.read_text(encoding="utf-8").replace('"withheld"', '"disputed"')
    path.write_text("".join(line for line in text.splitlines(keepends=True) if not line.startswith("a")), "utf-8")
    assert load_incident(path).facts[0].as_of is None


def test_a_byte_order_mark_and_windows_line_ends_are_accepted(tmp_path: Path) -> None:
    path = tmp_path / "incident.toml"
    path.write_bytes(b"\xef\xbb\xbf" + VALID.read_bytes().replace(b"\n", b"\r\n"))
    assert load_incident(path) == load_incident(VALID)


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
def test_unreadable_content_is_rejected_in_one_line(content: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "incident.toml"
    path.write_bytes(content)
    assert reason in error_message(path)


def test_a_missing_file_is_rejected(tmp_path: Path) -> None:
    assert error_message(tmp_path / "no-such.toml") == "cannot be read (No such file or directory)"
    assert error_message(tmp_path) == "cannot be read (Is a directory)"


def test_actions_are_those_for_a_leaked_item() -> None:
    incident = load_incident(SAMPLE_INCIDENT)
    assert [action.id for action in incident.actions_for({"email"})] == ["change-reused-password"]
    assert [action.id for action in incident.actions_for({"door_code"})] == ["change-door-code"]
    assert [action.id for action in incident.actions_for(set())] == []
