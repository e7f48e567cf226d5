"""Several workers are one service: each of them returns the metrics of all."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from app.crypto.key_files import KeyRing, create_key_file
from app.crypto.keys import ApplicationKey, Pepper, SigningKey
from app.crypto.ratchet_file import RatchetFile
from app.db import Database
from app.db.upgrade import upgrade
from tests.cli.cli_driver import CliDriver

pytestmark = pytest.mark.slow

TOKEN = "a token of the operators"
CALLS_PER_WORKER = 7


def read_metrics(url: str) -> dict[str, float]:
    answer = httpx.get(f"{url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}, trust_env=False)
    assert answer.status_code == 200
    lines = [line.rpartition(" ") for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


@contextmanager
def paused(process: int) -> Iterator[None]:
    """Stop one worker, so that it takes no calls, until the block ends."""
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


def test_metrics_cover_all_workers(tmp_path: Path, valkey_url: str) -> None:
    settings = {"EXPOSURE_REDIS_URL": valkey_url, "EXPOSURE_METRICS_TOKEN": TOKEN, "TMPDIR": str(tmp_path)}
    cli = CliDriver.in_folder(tmp_path).with_settings(**settings)
    create_schema_and_keys(cli)
    with cli.running("serve", "--port", 0, "--workers", 2, "--json") as server:
        url = server.read_event("ready")["url"]
        (folder,) = tmp_path.glob("exposure-metrics-*")
        while len(workers := worker_ids(folder)) < 2:
            httpx.get(f"{url}/healthz", trust_env=False)
        for other in workers:
            with paused(other):
                for _ in range(CALLS_PER_WORKER):
                    assert httpx.get(f"{url}/v1/incidents", trust_env=False).status_code == 200
        count = 'exposure_requests_total{method="GET",route="/v1/incidents",status="2xx"}'
        while read_metrics(url)[count] < 2 * CALLS_PER_WORKER:  # a worker counts a call after its answer
            pass
        for other in workers:
            with paused(other):
                samples = read_metrics(url)
                assert samples[count] == 2 * CALLS_PER_WORKER
                assert samples["exposure_redis_up"] == 1
        assert not [name for name in samples if "pid=" in name]
        os.kill(workers[0], signal.SIGKILL)
        while (
            folder / f"gauge_livemin_{workers[0]}.db"
        ).exists():  # the counters of a dead worker stay, its gauges do not
            assert read_metrics(url)[count] == 2 * CALLS_PER_WORKER
        assert server.stop() == 0
    assert not folder.exists()


def worker_ids(folder: Path) -> list[int]:
    return [int(file.stem.rpartition("_")[2]) for file in folder.glob("gauge_livemin_*.db")]


def create_schema_and_keys(cli: CliDriver) -> None:
    """Create what a server needs."""
    settings = cli.settings
    (cli.folder / "database").mkdir()
    database = Database(settings["EXPOSURE_DATABASE_URL"])
    upgrade(database)
    database.close()
    keys = KeyRing(Path(settings["EXPOSURE_KEY_DIR"]))
    create_key_file(keys.application_key_path, ApplicationKey.generate())
    create_key_file(keys.signing_key_path, SigningKey.generate())
    RatchetFile(keys.folder / "ratchet").create(epoch=0)
    create_key_file(Path(settings["EXPOSURE_PEPPER_FILE"]), Pepper.generate())
