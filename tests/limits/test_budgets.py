"""The file of budgets, and the defaults against the contract."""

from pathlib import Path

import pytest
from limits import parse

from app.limits import BadBudgets, Budgets, read_budgets


def test_the_defaults_are_what_the_contract_promises() -> None:
    budgets = Budgets()
    assert 30 <= parse(budgets.verifications).amount <= 120
    assert 60 <= parse(budgets.confirmations).amount <= 200
    assert 120 <= parse(budgets.other).amount <= 300
    assert parse(budgets.verifications_of_subnet).amount <= 4 * parse(budgets.verifications).amount
    for budget in (budgets.verifications, budgets.verifications_of_subnet, budgets.confirmations, budgets.other):
        assert parse(budget).get_expiry() == 60


def test_a_file_takes_the_place_of_what_it_names(tmp_path: Path) -> None:
    path = tmp_path / "limits.toml"
    path.write_text('[client]\nother = "7/minute"\n')
    assert read_budgets(path) == Budgets(other="7/minute")
    assert read_budgets(None) == Budgets()


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ('[client]\nothr = "7/minute"', "othr"),
        ('[server]\nother = "7/minute"', "server"),
        ('[client]\nother = "many"', "client.other"),
        ("[client]\nother = 7", "client.other"),
        ("client = 7", "client"),
        ("[client]\nother = \nmore", "line 2"),
    ],
)
def test_a_bad_file_is_refused_at_its_place(tmp_path: Path, content: str, place: str) -> None:
    path = tmp_path / "limits.toml"
    path.write_text(content)
    with pytest.raises(BadBudgets, match=r"^EXPOSURE_LIMITS_FILE: ") as refused:
        read_budgets(path)
    assert place in str(refused.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadBudgets, match="cannot be read"):
        read_budgets(tmp_path / "nowhere.toml")
