"""The file of budgets, and the defaults against the contract."""

from pathlib import Path

import pytest

from app.limits import BadBudgets, ClientBudgets, Policy, read_policy


def test_the_defaults_are_what_the_contract_promises() -> None:
    limits = Policy().limits()
    assert 30 <= limits["client.verifications"].count <= 120
    assert 60 <= limits["client.confirmations"].count <= 200
    assert 120 <= limits["client.other"].count <= 300
    assert limits["client.verifications_of_subnet"].count <= 4 * limits["client.verifications"].count
    for name in ("verifications", "verifications_of_subnet", "confirmations", "other"):
        assert limits[f"client.{name}"].seconds == 60
    assert limits["client.checks_of_session"].count >= 30


def test_no_budget_by_meaning_refuses_what_the_budget_of_calls_lets_through_in_a_minute() -> None:
    limits = Policy().limits()
    for name in ("unconfirmed", "unproven"):
        assert limits[f"client.{name}"].count >= limits["client.verifications"].count
    assert limits["client.wrong_codes"].count >= limits["client.confirmations"].count


def test_a_file_takes_the_place_of_what_it_names(tmp_path: Path) -> None:
    path = tmp_path / "limits.toml"
    path.write_text('record_only = true\ncountries = ["82", "1"]\n[client]\nother = "7/minute"\n')
    assert read_policy(path) == Policy(ClientBudgets(other="7/minute"), countries=("82", "1"), record_only=True)
    assert read_policy(None) == Policy()


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ('[client]\nothr = "7/minute"', "client.othr"),
        ('[server]\nother = "7/minute"', "server"),
        ('[client]\nother = "many"', "client.other"),
        ('[service]\nmessages = "0/minute"', "service.messages"),
        ("[target]\ncodes = 7", "target.codes"),
        ("client = 7", "client"),
        ("[client]\nother = \nmore", "line 2"),
        ('countries = "82"', "countries"),
        ('countries = ["+82"]', "countries"),
        ("countries = [82]", "countries"),
        ("record_only = 1", "record_only"),
    ],
)
def test_a_bad_file_is_refused_at_its_place(tmp_path: Path, content: str, place: str) -> None:
    path = tmp_path / "limits.toml"
    path.write_text(content)
    with pytest.raises(BadBudgets, match=r"^EXPOSURE_LIMITS_FILE: ") as refused:
        read_policy(path)
    assert place in str(refused.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadBudgets, match="cannot be read"):
        read_policy(tmp_path / "nowhere.toml")


@pytest.mark.parametrize(
    ("content", "requirement"),
    [
        ("client = 7", "client: must be a table of limits"),
        ('client = {other = "many"}', "client.other: must be a limit such as 60/minute"),
        ("countries = 82", 'countries: must be a list of calling codes such as ["82"]'),
        ("record_only = 1", "record_only: must be true or false"),
    ],
)
def test_an_error_states_what_a_key_of_the_limits_file_must_be(tmp_path: Path, content: str, requirement: str) -> None:
    path = tmp_path / "limits.toml"
    path.write_text(content)
    with pytest.raises(BadBudgets) as caught:
        read_policy(path)
    assert str(caught.value) == f"EXPOSURE_LIMITS_FILE: {path}: {requirement}"
