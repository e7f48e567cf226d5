"""An operator's workflow with the real console script.

One test runs the workflow and then all checks: a command takes seconds to start, and most steps need the ones before them.
"""

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.crypto.key_files import KeyRing
from tests.cli.cli_driver import is_running
from tests.cli.workflow import JUN, MINA, WorkflowRun, run_workflow

pytestmark = pytest.mark.slow

CHECKS: list[Callable[[WorkflowRun], None]] = []


def workflow_check(check: Callable[[WorkflowRun], None]) -> Callable[[WorkflowRun], None]:
    """Register a check of the workflow test."""
    CHECKS.append(check)
    return check


@workflow_check
def check_schema_upgrade(run: WorkflowRun) -> None:
    assert run.single_object("upgraded") == {"event": "upgraded"}


@workflow_check
def check_keys_are_created_once_and_readable_by_owner_only(run: WorkflowRun) -> None:
    keys = run.folder / "keys"
    expected = {
        "application": keys / "application.key",
        "signing": keys / "signing.key",
        "ratchet": keys / "ratchet" / "ratchet.key",
        "pepper": run.folder / "pepper" / "pepper.key",
    }
    first, again = run.objects("generated"), run.objects("generated again")
    assert first == [{"role": role, "path": str(path), "made": True} for role, path in expected.items()]
    assert again == [{"role": role, "path": str(path), "made": False} for role, path in expected.items()]
    assert run.observed["pepper kept"]
    for role, path in expected.items():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.stat().st_size == (36 if role == "ratchet" else 32)


@workflow_check
def check_incident_and_notices(run: WorkflowRun) -> None:
    assert run.single_object("created") == {"event": "created", "slug": "sample-2025", "notice_version": 1}
    assert run.single_object("updated") == {"event": "updated", "slug": "sample-2025", "notice_version": 1}
    assert run.single_object("updated the notice")["notice_version"] == 2
    listed, shown = run.single_object("incidents"), run.single_object("incident")
    assert listed == {
        "slug": "sample-2025",
        "status": "investigating",
        "title": {"ko": "2025년 고객정보 유출 사고 (예시)", "en": "Customer data leak of 2025 (sample)"},
        "notice_version": 2,
    }
    assert shown["notice_version"] == 2
    assert shown["notice"]["en"]["contact"] == "Data leak desk: privacy@example.com"
    assert [item["kind"] for item in shown["items"]][:2] == ["name", "email"]
    assert shown["occurred_from"] == "2025-06-24"


@workflow_check
def check_synthesized_file(run: WorkflowRun) -> None:
    result = run.single_object("synthesized")
    assert result["path"] == str(run.folder / "people.csv")
    assert result["rows"] == len((run.folder / "people.csv").read_text("utf-8").splitlines()) - 1


@workflow_check
def check_import_result(run: WorkflowRun) -> None:
    result = run.objects("imported")[-1]
    assert set(result) >= {"event", "id", "rows", "people", "rejected", "unreachable", "seconds"}
    assert result["event"] == "staged"
    assert UUID(result["id"])
    assert result["rows"] > result["people"] >= 30
    assert (result["rejected"], result["unreachable"]) == (0, 0)
    assert run.single_object("imported family")["people"] == 3


@workflow_check
def check_canaries(run: WorkflowRun) -> None:
    assert run.single_object("imported")["canaries"] == 4
    assert run.single_object("imported family")["canaries"] == 0
    listed = run.objects("canaries")
    assert len(listed) >= 4
    assert {canary["event"] for canary in listed} == {"canary"}
    assert all(
        canary["kind"] == ("email" if canary["identifier"].endswith("@letters.example") else "phone")
        for canary in listed
    )


@workflow_check
def check_invalid_row_stops_the_import(run: WorkflowRun) -> None:
    (line,) = run.results["imported broken"].stderr.strip().splitlines()[-1:]
    assert "broken.csv: line 3, column email: " in line
    assert "(and 1 more); nothing was imported" in line
    assert "sesame" not in run.results["imported broken"].stderr


@workflow_check
def check_rejects_file(run: WorkflowRun) -> None:
    assert run.single_object("imported with rejects")["rejected"] == 2
    lines = (run.folder / "rejects.csv").read_text("utf-8").splitlines()
    assert lines[0] == "line,column,reason"
    assert [line.split(",")[:2] for line in lines[1:]] == [["3", "email"], ["4", "items"]]
    assert "sesame" not in "".join(lines)


@workflow_check
def check_data_set_list(run: WorkflowRun) -> None:
    listed = run.objects("listed")
    assert [(dataset["version"], dataset["kind"], dataset["state"]) for dataset in listed] == [
        (1, "full", "published"),
        (2, "supplement", "staged"),
        (3, "full", "staged"),
    ]
    contract = {"id", "incident", "kind", "state", "version", "rows", "people", "imported_at"}
    assert set(listed[1]) == contract  # what does not apply is left out
    assert set(listed[0]) == contract | {"published_at"}
    assert listed[0]["imported_at"].endswith("Z")
    assert [dataset["id"] for dataset in listed][::2] == [
        run.single_object("imported")["id"],
        run.single_object("imported family")["id"],
    ]


@workflow_check
def check_publish_and_roll_back(run: WorkflowRun) -> None:
    full, family = run.single_object("imported")["id"], run.single_object("imported family")["id"]
    assert run.objects("published") == [{"event": "published", "id": full}]
    assert "--accept-loss" in run.results["shrank"].stderr
    assert run.objects("published family") == [
        {"event": "superseded", "id": full},
        {"event": "published", "id": family},
    ]
    assert sorted(run.objects("rolled back"), key=str) == [
        {"event": "published", "id": full},
        {"event": "staged", "id": family},
    ]


@workflow_check
def check_verify(run: WorkflowRun) -> None:
    result = run.single_object("verified")
    assert result["event"] == "verified"
    assert result["rows"] == run.single_object("imported")["rows"]
    assert result["sampled"] > 0
    assert result["problems"] == []
    assert len(run.single_object("verified another file")["problems"]) == 1
    after = run.single_object("verified after")
    assert (after["problems"], after["suppressed"], after["rows"]) == ([], 2, 2)


@workflow_check
def check_people_with_a_shared_identifier_are_masked(run: WorkflowRun) -> None:
    result = run.results["shared"]
    assert [(person["entry"], person["role"]) for person in result.objects] == [(0, "holder"), (1, "holder")]
    assert "--entry" in result.stderr
    for hidden in (MINA, JUN, "김민아", "2000-0001", "20000001"):
        assert hidden not in result.stdout + result.stderr
    assert sorted("email" in person["items"] for person in result.objects) == [False, True]
    assert all(person["hints"] for person in result.objects)


@workflow_check
def check_suppress(run: WorkflowRun) -> None:
    family = run.single_object("imported family")["id"]
    supplement = run.single_object("imported with rejects")["id"]
    assert run.objects("suppressed") == [  # a1 is in the broken file too, by the same email
        {"event": "suppressed", "id": supplement, "rows": 1},
        {"event": "suppressed", "id": family, "rows": 2},
    ]
    assert "no one in this data set" in run.results["suppressed again"].stderr
    assert MINA not in run.results["suppressed again"].stderr
    assert run.objects("suppressed by entry") == [{"event": "suppressed", "id": family, "rows": 2}]


@workflow_check
def check_retire_destroys_the_key(run: WorkflowRun) -> None:
    family = run.single_object("imported family")["id"]
    assert run.single_object("retired") == {"event": "retired", "id": family}
    assert {dataset["id"]: dataset["state"] for dataset in run.objects("listed at last")}[family] == "retired"
    assert family not in {key.get("dataset") for key in run.objects("keys")}


@workflow_check
def check_key_list(run: WorkflowRun) -> None:
    by_role: dict[str, list[dict[str, Any]]] = {}
    for key in run.objects("keys"):
        by_role.setdefault(key["role"], []).append(key)
    counts = {role: len(found) for role, found in by_role.items()}
    assert counts == {"application": 1, "signing": 1, "ratchet": 1, "store": 3}
    served = {key["id"]: key.get("dataset") for key in by_role["store"]}
    assert served[run.observed["orphan"]] is None
    assert set(served.values()) == {
        None,
        run.single_object("imported")["id"],
        run.single_object("imported with rejects")["id"],
    }


@workflow_check
def check_key_in_use_is_kept(run: WorkflowRun) -> None:
    assert f"is used by data set {run.single_object('imported')['id']}" in run.results["destroyed key in use"].stderr


@workflow_check
def check_unused_key_is_destroyed(run: WorkflowRun) -> None:
    assert run.single_object("destroyed") == {"event": "destroyed", "id": run.observed["orphan"]}
    assert not KeyRing(run.folder / "keys").store_key_path(run.observed["orphan"]).exists()


@workflow_check
def check_server_prints_its_url_and_codes(run: WorkflowRun) -> None:
    ready, code = run.observed["ready"], run.observed["code"]
    assert set(ready) == {"event", "url"}
    assert ready["url"].startswith("http://127.0.0.1:")
    assert set(code) == {"event", "to", "code"}
    assert code["to"] == MINA  # canonical, whatever was typed
    assert len(code["code"]) == 8


@workflow_check
def check_customer_answer(run: WorkflowRun) -> None:
    (exposure,) = run.observed["answer"]["exposures"]
    assert {item["kind"] for item in exposure["items"]} == {"name", "email"}
    assert exposure["confidence"] == "confirmed"
    assert exposure["notice_version"] == 2


@workflow_check
def check_server_stops_with_its_keyholder(run: WorkflowRun) -> None:
    assert run.observed["exit"] == 143  # 128 + SIGTERM: it unwound
    assert len(run.observed["children"]) == 1
    assert not is_running(run.observed["children"][0])
    assert "Traceback" not in run.observed["log"]


@workflow_check
def check_log_has_no_identifier(run: WorkflowRun) -> None:
    for hidden in ("mina", "Mina", run.observed["code"]["code"]):
        assert hidden not in run.observed["log"]


@workflow_check
def check_valid_receipt(run: WorkflowRun) -> None:
    for result in (run.single_object("receipt"), run.single_object("receipt by key")):
        assert result["event"] == "valid"
        assert result["kid"] == run.observed["receipt"]["kid"]
        assert result["payload"]["incident"] == "sample-2025"
        assert result["payload"]["notice_version"] == 2


@workflow_check
def check_tampered_receipt(run: WorkflowRun) -> None:
    for result in (run.results["tampered"], run.results["tampered by key"]):
        assert result.stderr == "the signature is invalid\n"
        assert result.stdout == ""


def test_operator_workflow_on_sqlite(tmp_path: Path) -> None:
    run = run_workflow(tmp_path)
    assert len(CHECKS) > 15
    for check in CHECKS:
        check(run)
