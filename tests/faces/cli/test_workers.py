"""Several workers are one service: whichever of them is asked for the metrics tells of all."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from app.crypto.key_files import KeyRing, create_key_file
from app.crypto.keys import ApplicationKey, Pepper, SigningKey
from app.db import Database
from app.db.upgrade import upgrade
from tests.faces.cli.cli_driver import CliDriver

TOKEN = "a token of the operators"
EACH = 7


def scraped(url: str) -> dict[str, float]:
    answer = httpx.get(f"{url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}, trust_env=False)
    assert answer.status_code == 200
    lines = [line.rpartition(" ") for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


@contextmanager
def asleep(process: int) -> Iterator[None]:
    """Have one worker take no calls for as long as the block lasts."""
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


def test_the_metrics_are_of_all_workers(tmp_path: Path, valkey_url: str) -> None:
    settings = {"EXPOSURE_REDIS_URL": valkey_url, "EXPOSURE_METRICS_TOKEN": TOKEN, "TMPDIR": str(tmp_path)}
    console = CliDriver.in_folder(tmp_path).with_settings(**settings)
    upgrade_and_key(console)
    with console.running("serve", "--port", 0, "--workers", 2, "--json") as server:
        url = server.event("ready")["url"]
        (folder,) = tmp_path.glob("exposure-metrics-*")
        while len(workers := workers_in(folder)) < 2:
            httpx.get(f"{url}/healthz", trust_env=False)
        for other in workers:
            with asleep(other):
                for _ in range(EACH):
                    assert httpx.get(f"{url}/v1/incidents", trust_env=False).status_code == 200
        count = 'exposure_requests_total{method="GET",route="/v1/incidents",status="2xx"}'
        for other in workers:
            with asleep(other):
                samples = scraped(url)
                assert samples[count] == 2 * EACH
                assert samples["exposure_redis_up"] == 1
        assert not [name for name in samples if "pid=" in name]
        os.kill(workers[0], signal.SIGKILL)
        while (folder / f"gauge_livemin_{workers[0]}.db").exists():  # what it counted stays, what it was does not
            assert scraped(url)[count] == 2 * EACH
        assert server.stop() == 0
    assert not folder.exists()


def workers_in(folder: Path) -> list[int]:
    return [int(file.stem.rpartition("_")[2]) for file in folder.glob("gauge_livemin_*.db")]


def upgrade_and_key(console: CliDriver) -> None:
    """Make what a server needs."""
    settings = console.settings
    (console.folder / "database").mkdir()
    database = Database(settings["EXPOSURE_DATABASE_URL"])
    upgrade(database)
    database.close()
    keys = KeyRing(Path(settings["EXPOSURE_KEY_DIR"]))
    create_key_file(keys.application_key_path, ApplicationKey.generate())
    create_key_file(keys.signing_key_path, SigningKey.generate())
    create_key_file(Path(settings["EXPOSURE_PEPPER_FILE"]), Pepper.generate())
