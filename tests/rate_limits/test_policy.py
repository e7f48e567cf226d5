"""The limits file, and the defaults against the contract."""

from pathlib import Path

import pytest

from app.rate_limits import ClientLimits, InvalidLimitsFile, RateLimitPolicy, load_policy


def test_the_defaults_are_what_the_contract_promises() -> None:
    limits = RateLimitPolicy().limits_by_name()
    assert 30 <= limits["client.verifications"].count <= 120
    assert 60 <= limits["client.confirmations"].count <= 200
    assert 120 <= limits["client.other"].count <= 300
    assert limits["client.verifications_per_subnet"].count <= 4 * limits["client.verifications"].count
    for name in ("verifications", "verifications_per_subnet", "confirmations", "other"):
        assert limits[f"client.{name}"].seconds == 60
    assert limits["client.value_checks_per_identifier"].count >= 30


def test_no_action_limit_is_smaller_than_a_minute_of_requests() -> None:
    limits = RateLimitPolicy().limits_by_name()
    assert limits["client.unverified_codes"].count >= limits["client.verifications"].count
    assert limits["client.wrong_codes"].count >= limits["client.confirmations"].count


def test_a_file_overrides_the_keys_that_it_has(tmp_path: Path) -> None:
    path = tmp_path / "limits.toml"
    path.write_text('dry_run = true\nsms_countries = ["82", "1"]\n[client]\nother = "7/minute"\n')
    assert load_policy(path) == RateLimitPolicy(ClientLimits(other="7/minute"), sms_countries=("82", "1"), dry_run=True)
    assert load_policy(None) == RateLimitPolicy()


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ('[client]\nothr = "7/minute"', "client.othr"),
        ('[client]\nnew_identifiers = "400/day"', "client.new_identifiers: unknown key"),
        ('[client]\nvalue_checks_per_session = "60/hour"', "client.value_checks_per_session: unknown key"),
        ('[server]\nother = "7/minute"', "server"),
        ('[client]\nother = "many"', "client.other"),
        ('[client]\nother = "7/week"', "client.other"),
        ('[service]\nmessages = "0/minute"', "service.messages"),
        ("[target]\ncodes = 7", "target.codes"),
        ("client = 7", "client"),
        ("[client]\nother = \nmore", "line 2"),
        ('sms_countries = "82"', "sms_countries"),
        ('sms_countries = ["+82"]', "sms_countries"),
        ("sms_countries = [82]", "sms_countries"),
        ("dry_run = 1", "dry_run"),
    ],
)
def test_an_invalid_file_is_rejected_with_the_place_of_the_error(tmp_path: Path, content: str, place: str) -> None:
    path = tmp_path / "limits.toml"
    path.write_text(content)
    with pytest.raises(InvalidLimitsFile, match=r"^EXPOSURE_LIMITS_FILE: ") as error:
        load_policy(path)
    assert place in str(error.value)


def test_a_missing_file_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(InvalidLimitsFile, match="cannot be read"):
        load_policy(tmp_path / "nowhere.toml")


@pytest.mark.parametrize(
    ("content", "requirement"),
    [
        ("client = 7", "client: must be a table of rates"),
        ('client = {other = "many"}', "client.other: must be a rate over at most a day, such as 60/minute"),
        ("sms_countries = 82", 'sms_countries: must be a list of calling codes such as ["82"]'),
        ("dry_run = 1", "dry_run: must be true or false"),
    ],
)
def test_an_error_states_what_a_key_of_the_limits_file_must_be(tmp_path: Path, content: str, requirement: str) -> None:
    path = tmp_path / "limits.toml"
    path.write_text(content)
    with pytest.raises(InvalidLimitsFile) as caught:
        load_policy(path)
    assert str(caught.value) == f"EXPOSURE_LIMITS_FILE: {path}: {requirement}"
