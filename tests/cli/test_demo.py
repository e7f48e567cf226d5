"""`exposure demo`: the whole service with one command."""

import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.cli_driver import CliDriver, CustomerClient, RunningCommand, is_running

pytestmark = pytest.mark.slow


def demo_cli(folder: Path, **settings: str) -> CliDriver:
    """Create a driver without settings but the folder for temporary files."""
    return CliDriver(folder, {"TMPDIR": str(folder), **settings})


@pytest.fixture
def folder() -> Iterator[Path]:
    """Create a folder with a short name: the path of a Unix socket has at most 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="demo-") as name:
        yield Path(name)


def look_up_samples(running: RunningCommand) -> None:
    """Sign in as each of the four sample people and check the answers."""
    ready = running.read_event("ready")
    assert set(ready) == {"event", "url", "samples"}
    samples = ready["samples"]
    for sample in samples:
        assert set(sample) == {"about", "channel", "identifier", "values"}
        assert set(sample["values"]) == {"name", "address"}
    assert [sample["channel"] for sample in samples] == ["email", "sms", "sms", "sms"]
    items_of_samples = []
    for sample in samples:
        with CustomerClient(ready["url"], running) as customer:
            code_event = customer.sign_in(sample["channel"], sample["identifier"])
            canonical = sample["identifier"]
            if sample["channel"] == "sms":
                canonical = "+82" + canonical.replace("-", "").removeprefix("0")
            assert code_event["to"] == canonical
            items_of_samples.append(
                {item["kind"] for exposure in customer.exposures()["exposures"] for item in exposure["items"]}
            )
            roles = {exposure["role"] for exposure in customer.exposures()["exposures"]}
            assert roles == {"holder" if len(items_of_samples) < 3 else "recipient"} or len(items_of_samples) == 4
            results = customer.http.post(
                "/v1/exposures/check", json={"kind": "name", "value": sample["values"]["name"]}
            ).json()["results"]
            assert {result["value"] for result in results} == ({"matched"} if items_of_samples[-1] else set())
    assert items_of_samples[0] == {"name", "email"}
    assert items_of_samples[1] >= {"phone", "address", "order"}
    assert items_of_samples[2] >= {"phone", "address"}
    assert items_of_samples[3] == set()


def test_four_sample_people_are_answered_and_all_files_are_deleted(folder: Path) -> None:
    with demo_cli(folder).running("demo", "--port", 0, "--accounts", 20, "--json") as running:
        look_up_samples(running)
        (keyholder,) = running.children()
        assert is_running(keyholder)
        assert list(folder.glob("exposure-*"))
        assert running.stop() == 143  # 128 + SIGTERM: the stack was unwound
        assert not is_running(keyholder)
        assert "Traceback" not in running.stderr_text()
    assert list(folder.glob("exposure-*")) == []  # its keys were in there


def test_text_output_lists_the_sample_people(folder: Path) -> None:
    with demo_cli(folder).running("demo", "--port", 0, "--accounts", 20) as running:
        assert running.read_line().startswith("Exposure Lookup answers at http://127.0.0.1:")
        lines = [running.read_line() for _ in range(6)]
        assert lines[2].startswith("  holder with name and email only: email ")


@pytest.mark.parametrize("name", ["EXPOSURE_CODE_TTL", "EXPOSURE_REDIS_URL"])
def test_invalid_setting_is_named_unless_the_demo_overrides_it(name: str, folder: Path) -> None:
    cli = demo_cli(folder, **{name: "sesame"})
    if name == "EXPOSURE_CODE_TTL":
        assert cli.expect_refusal("demo", "--port", 0, "--accounts", 20).startswith("EXPOSURE_CODE_TTL: ")
        return
    with cli.running("demo", "--port", 0, "--accounts", 20, "--json") as running:
        running.read_event("ready")


def test_port_in_use_is_refused_with_one_line(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        error = demo_cli(folder).expect_refusal("demo", "--port", port, "--accounts", 20)
    assert error.startswith("--host, --port: cannot listen there")
    assert list(folder.glob("exposure-*")) == []
