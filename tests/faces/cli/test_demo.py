"""`exposure demo`: the main job from nothing, by one command."""

import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faces.cli.cli_driver import CliDriver, CustomerClient, RunningCommand, runs


def demo(folder: Path, **settings: str) -> CliDriver:
    """Nothing is set but where temporary files go."""
    return CliDriver(folder, {"TMPDIR": str(folder), **settings})


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder of a short name: the path of a Unix socket has 107 bytes at most."""
    with tempfile.TemporaryDirectory(prefix="demo-") as name:
        yield Path(name)


def played(running: RunningCommand) -> None:
    """Be each of the four samples in turn."""
    ready = running.event("ready")
    assert set(ready) == {"event", "url", "samples"}
    samples = ready["samples"]
    for sample in samples:
        assert set(sample) == {"about", "channel", "identifier", "values"}
        assert set(sample["values"]) == {"name", "address"}
    assert [one["channel"] for one in samples] == ["email", "sms", "sms", "sms"]
    told = []
    for sample in samples:
        with CustomerClient(ready["url"], running) as customer:
            sent = customer.sign_in(sample["channel"], sample["identifier"])
            canonical = sample["identifier"]
            if sample["channel"] == "sms":
                canonical = "+82" + canonical.replace("-", "").removeprefix("0")
            assert sent["to"] == canonical
            told.append({item["kind"] for one in customer.exposures()["exposures"] for item in one["items"]})
            roles = {one["role"] for one in customer.exposures()["exposures"]}
            assert roles == {"holder" if len(told) < 3 else "recipient"} or len(told) == 4
            named = customer.http.post(
                "/v1/exposures/check", json={"kind": "name", "value": sample["values"]["name"]}
            ).json()["results"]
            assert {one["value"] for one in named} == ({"matched"} if told[-1] else set())
    assert told[0] == {"name", "email"}
    assert told[1] >= {"phone", "address", "order"}
    assert told[2] >= {"phone", "address"}
    assert told[3] == set()


def test_four_people_are_told_and_nothing_is_left_behind(folder: Path) -> None:
    with demo(folder).running("demo", "--port", 0, "--accounts", 20, "--json") as running:
        played(running)
        (keyholder,) = running.children()
        assert runs(keyholder)
        assert list(folder.glob("exposure-*"))
        assert running.stop() == 143  # 128 + SIGTERM: it unwound
        assert not runs(keyholder)
        assert "Traceback" not in running.errors()
    assert list(folder.glob("exposure-*")) == []  # its keys lay there


def test_for_people_it_says_whom_to_ask_for(folder: Path) -> None:
    with demo(folder).running("demo", "--port", 0, "--accounts", 20) as running:
        assert running.line().startswith("Exposure Lookup answers at http://127.0.0.1:")
        lines = [running.line() for _ in range(6)]
        assert lines[2].startswith("  holder with name and email only: email ")


@pytest.mark.parametrize("name", ["EXPOSURE_CODE_TTL", "EXPOSURE_REDIS_URL"])
def test_a_bad_setting_is_named_unless_the_demo_has_its_own(name: str, folder: Path) -> None:
    console = demo(folder, **{name: "sesame"})
    if name == "EXPOSURE_CODE_TTL":
        assert console.expect_refusal("demo", "--port", 0, "--accounts", 20).startswith("EXPOSURE_CODE_TTL: ")
        return
    with console.running("demo", "--port", 0, "--accounts", 20, "--json") as running:
        running.event("ready")


def test_a_port_that_is_taken_is_refused_in_one_line(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = demo(folder).expect_refusal("demo", "--port", port, "--accounts", 20)
    assert said.startswith("--host, --port: cannot listen there")
    assert list(folder.glob("exposure-*")) == []
