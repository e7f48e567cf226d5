"""The installed command. All other tests start it in other ways."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("command", [[Path(sys.executable).with_name("exposure")], [sys.executable, "-m", "app"]])
def test_installed_command_starts(command: list[str]) -> None:
    done = subprocess.run([*command, "dataset", "import", "--help"], capture_output=True, text=True, check=True)
    assert "rejects" in done.stdout
