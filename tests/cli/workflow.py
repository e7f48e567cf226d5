"""The workflow of an operator: set up, import, publish, serve, verify, suppress, roll back, retire. Each step is a command."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.cli.demo import SAMPLE_INCIDENT
from app.crypto.key_files import KeyRing
from app.crypto.keys import StoreKey
from tests.cli.cli_driver import CliDriver, CommandResult, CustomerClient, run_in_process

SHARED, MINA, JUN = "010-2000-0001", "mina@example.com", "jun@example.com"
FAMILY = f"""account_ref,recipient_ref,email,phone,name,items,cohort,confidence
a1,,{MINA},{SHARED},김민아,name|email,list,confirmed
a2,,{JUN},{SHARED},김준,name,list,possible
a2,r1,,010-2000-0009,이소라,name|phone,,confirmed
"""
BROKEN = """account_ref,email,items
a1,mina@example.com,name
a2,sesame@,name
a3,sora@example.com,name|sesame
"""


class WorkflowRun:
    """The results of the commands of a workflow, by step name, and what else was observed."""

    def __init__(self, cli: CliDriver) -> None:
        self.cli = cli
        self.folder = cli.folder
        self.results: dict[str, CommandResult] = {}
        self.observed: dict[str, Any] = {}

    def execute(self, step: str, *arguments: object, **options: Any) -> list[dict[str, Any]]:
        """Run a command with `--json` and return the objects that it printed."""
        self.results[step] = self.cli(*arguments, "--json", **options)
        return self.results[step].objects

    def objects(self, step: str) -> list[dict[str, Any]]:
        """Return the objects that a step printed."""
        return self.results[step].objects

    def single_object(self, step: str) -> dict[str, Any]:
        """Return the only object that a step printed."""
        (found,) = self.objects(step)
        return found


def write_text(path: Path, content: str) -> Path:
    path.write_text(content, encoding="utf-8")
    return path


def import_and_publish(run: WorkflowRun) -> None:
    run.execute("upgraded", "db", "upgrade")
    run.execute("generated", "keys", "generate")
    run.execute("created", "incident", "create", SAMPLE_INCIDENT)
    run.execute(
        "synthesized", "dataset", "synthesize", "--accounts", 30, "--out", run.folder / "people.csv", "--seed", 3
    )
    full = ("dataset", "import", run.folder / "people.csv", "--incident", "sample-2025", "--cost", "minimal")
    planting = ("--canaries", 4, "--canary-domain", "letters.example")
    (staged,) = run.execute("imported", *full, "--workers", 1, *planting)
    run.execute("canaries", "dataset", "canaries", staged["id"])
    run.execute("published", "dataset", "publish", staged["id"])
    run.execute("verified", "dataset", "verify", staged["id"], run.folder / "people.csv")


def serve_and_acknowledge(run: WorkflowRun) -> None:
    """Run the server, look up and acknowledge an exposure as a customer, and save the receipt."""
    with run.cli.running("serve", "--port", 0, "--json") as server:
        ready = server.read_event("ready")
        with CustomerClient(ready["url"], server) as customer:
            run.observed["code"] = customer.sign_in("email", "Mina@Example.com")
            run.observed["answer"] = answer = customer.exposures()
            (exposure,) = answer["exposures"]
            body = {"exposure_id": exposure["id"], "notice_version": exposure["notice_version"], "locale": "ko"}
            receipt = customer.http.post("/v1/acknowledgements", json=body)
            run.observed["ready"], run.observed["receipt"] = ready, receipt.json()
            write_text(run.folder / "receipt.json", receipt.text)
            write_text(run.folder / "keys.json", customer.http.get("/v1/receipt-keys").text)
        children = server.children()
        run.observed["exit"] = server.stop()
        run.observed["log"] = server.stderr_text()
        run.observed["children"] = children


def run_workflow(folder: Path) -> WorkflowRun:
    """Run the whole workflow on SQLite: its first commands and the server as an operator does, the others in this process, which is faster."""
    run = WorkflowRun(CliDriver.in_folder(folder))
    import_and_publish(run)
    run.cli = replace(run.cli, run=run_in_process)
    pepper = (run.folder / "pepper" / "pepper.key").read_bytes()
    run.execute("generated again", "keys", "generate")
    run.observed["pepper kept"] = (run.folder / "pepper" / "pepper.key").read_bytes() == pepper

    sample = SAMPLE_INCIDENT.read_text(encoding="utf-8")
    same = write_text(run.folder / "same.toml", sample.replace('"investigating"', '"confirmed"'))
    other = write_text(run.folder / "other.toml", sample.replace("Data leak desk (sample)", "Data leak desk"))
    run.execute("updated", "incident", "update", same)
    run.execute("updated the notice", "incident", "update", other)
    run.execute("incidents", "incident", "list")
    run.execute("incident", "incident", "show", "sample-2025")

    full = run.single_object("imported")["id"]
    family = write_text(run.folder / "family.csv", FAMILY)
    broken = write_text(run.folder / "broken.csv", BROKEN)
    into = ("--incident", "sample-2025")
    run.results["imported broken"] = run.cli("dataset", "import", broken, *into, exit_code=2)
    rejects = ("--rejects", run.folder / "rejects.csv", "--kind", "supplement")
    run.execute("imported with rejects", "dataset", "import", broken, *into, *rejects)
    (staged,) = run.execute("imported family", "dataset", "import", family, *into)
    run.execute("listed", "dataset", "list")
    run.results["shrank"] = run.cli("dataset", "publish", staged["id"], exit_code=2)
    run.execute("published family", "dataset", "publish", staged["id"], "--accept-loss", 1000)
    run.execute("verified another file", "dataset", "verify", staged["id"], run.folder / "people.csv", exit_code=1)
    serve_and_acknowledge(run)

    receipt = run.observed["receipt"]
    write_text(run.folder / "tampered.json", json.dumps(receipt | {"payload": receipt["payload"][:-2] + "AA"}))
    run.execute("receipt", "receipt", "verify", run.folder / "receipt.json")
    run.execute("receipt by key", "receipt", "verify", run.folder / "receipt.json", "--key", run.folder / "keys.json")
    run.results["tampered"] = run.cli("receipt", "verify", run.folder / "tampered.json", exit_code=2)
    keys = ("--key", run.folder / "keys.json")
    run.results["tampered by key"] = run.cli("receipt", "verify", run.folder / "tampered.json", *keys, exit_code=2)

    suppress = ("dataset", "suppress", staged["id"])
    run.execute("shared", *suppress, stdin=f"{SHARED}\n", exit_code=2)
    run.execute("suppressed", *suppress, stdin=f"{MINA}\n")
    run.results["suppressed again"] = run.cli(*suppress, stdin=f"{MINA}\n", exit_code=2)
    run.execute("suppressed by entry", *suppress, "--entry", 0, stdin=f"{SHARED}\n")
    run.execute("verified after", "dataset", "verify", staged["id"])

    run.execute("rolled back", "dataset", "publish", full)
    run.execute("retired", "dataset", "retire", staged["id"])
    run.execute("listed at last", "dataset", "list")
    orphan = StoreKey.generate()
    KeyRing(run.folder / "keys").save_store_key(orphan)
    run.observed["orphan"] = orphan.id
    run.execute("keys", "keys", "list")
    in_use = next(key["id"] for key in run.objects("keys") if key.get("dataset") == full)
    run.results["destroyed key in use"] = run.cli("keys", "destroy", in_use, exit_code=2)
    run.execute("destroyed", "keys", "destroy", orphan.id)
    return run
