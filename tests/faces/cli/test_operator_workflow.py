"""An operator's whole day, through the real console script, and the main part of it once more on PostgreSQL.

One test lives the day and then looks at what each part of it said: a command takes seconds to start, and most make sense only after others.
"""

import json
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import create_engine, make_url, text

from app.crypto.key_files import KeyRing
from app.crypto.keys import StoreKey
from app.faces.cli.demo import SAMPLE_INCIDENT
from tests.faces.cli.cli_driver import CliDriver, CustomerClient, CommandResult, runs

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


class Day:
    """What was done, by name, and what came of it."""

    def __init__(self, console: CliDriver) -> None:
        self.console = console
        self.folder = console.folder
        self.ran: dict[str, CommandResult] = {}
        self.told: dict[str, Any] = {}

    def do(self, name: str, *arguments: object, **how: Any) -> list[dict[str, Any]]:
        self.ran[name] = self.console(*arguments, "--json", **how)
        return self.ran[name].objects

    def said(self, name: str) -> list[dict[str, Any]]:
        return self.ran[name].objects

    def one(self, name: str) -> dict[str, Any]:
        (found,) = self.said(name)
        return found


def write(path: Path, content: str) -> Path:
    path.write_text(content, encoding="utf-8")
    return path


def morning(day: Day) -> None:
    day.do("upgraded", "db", "upgrade")
    day.do("generated", "keys", "generate")
    day.do("created", "incident", "create", SAMPLE_INCIDENT)
    day.do("synthesized", "dataset", "synthesize", "--accounts", 30, "--out", day.folder / "people.csv", "--seed", 3)
    full = ("dataset", "import", day.folder / "people.csv", "--incident", "sample-2025", "--cost", "minimal")
    planting = ("--canaries", 4, "--canary-domain", "letters.example")
    (staged,) = day.do("imported", *full, "--workers", 1, *planting)
    day.do("canaries", "dataset", "canaries", staged["id"])
    day.do("published", "dataset", "publish", staged["id"])
    day.do("verified", "dataset", "verify", staged["id"], day.folder / "people.csv")


def service(day: Day) -> None:
    """Serve, tell a customer, and keep the receipt."""
    with day.console.running("serve", "--port", 0, "--json") as server:
        ready = server.event("ready")
        with CustomerClient(ready["url"], server) as customer:
            day.told["code"] = customer.sign_in("email", "Mina@Example.com")
            day.told["answer"] = answer = customer.exposures()
            (exposure,) = answer["exposures"]
            body = {"exposure_id": exposure["id"], "notice_version": exposure["notice_version"], "locale": "ko"}
            receipt = customer.http.post("/v1/acknowledgements", json=body)
            day.told["ready"], day.told["receipt"] = ready, receipt.json()
            write(day.folder / "receipt.json", receipt.text)
            write(day.folder / "keys.json", customer.http.get("/v1/receipt-keys").text)
        children = server.children()
        day.told["exit"] = server.stop()
        day.told["log"] = server.errors()
        day.told["children"] = children


def whole_day(folder: Path) -> Day:
    """All of it, on SQLite."""
    day = Day(CliDriver.in_folder(folder))
    morning(day)
    pepper = (day.folder / "pepper" / "pepper.key").read_bytes()
    day.do("generated again", "keys", "generate")
    day.told["pepper kept"] = (day.folder / "pepper" / "pepper.key").read_bytes() == pepper

    sample = SAMPLE_INCIDENT.read_text(encoding="utf-8")
    same = write(day.folder / "same.toml", sample.replace('"investigating"', '"confirmed"'))
    other = write(day.folder / "other.toml", sample.replace("Data leak desk (sample)", "Data leak desk"))
    day.do("updated", "incident", "update", same)
    day.do("updated the notice", "incident", "update", other)
    day.do("incidents", "incident", "list")
    day.do("incident", "incident", "show", "sample-2025")

    full = day.one("imported")["id"]
    family = write(day.folder / "family.csv", FAMILY)
    broken = write(day.folder / "broken.csv", BROKEN)
    into = ("--incident", "sample-2025")
    day.ran["imported broken"] = day.console("dataset", "import", broken, *into, code=2)
    rejects = ("--rejects", day.folder / "rejects.csv", "--kind", "supplement")
    day.do("imported with rejects", "dataset", "import", broken, *into, *rejects)
    (staged,) = day.do("imported family", "dataset", "import", family, *into)
    day.do("listed", "dataset", "list")
    day.ran["shrank"] = day.console("dataset", "publish", staged["id"], code=2)
    day.do("published family", "dataset", "publish", staged["id"], "--accept-loss", 1000)
    day.do("verified another file", "dataset", "verify", staged["id"], day.folder / "people.csv", code=1)
    service(day)

    receipt = day.told["receipt"]
    write(day.folder / "tampered.json", json.dumps(receipt | {"payload": receipt["payload"][:-2] + "AA"}))
    day.do("receipt", "receipt", "verify", day.folder / "receipt.json")
    day.do("receipt by key", "receipt", "verify", day.folder / "receipt.json", "--key", day.folder / "keys.json")
    day.ran["tampered"] = day.console("receipt", "verify", day.folder / "tampered.json", code=2)
    keys = ("--key", day.folder / "keys.json")
    day.ran["tampered by key"] = day.console("receipt", "verify", day.folder / "tampered.json", *keys, code=2)

    suppress = ("dataset", "suppress", staged["id"])
    day.do("shared", *suppress, stdin=f"{SHARED}\n", code=2)
    day.do("suppressed", *suppress, stdin=f"{MINA}\n")
    day.ran["suppressed again"] = day.console(*suppress, stdin=f"{MINA}\n", code=2)
    day.do("suppressed by entry", *suppress, "--entry", 0, stdin=f"{SHARED}\n")
    day.do("verified after", "dataset", "verify", staged["id"])

    day.do("rolled back", "dataset", "publish", full)
    day.do("retired", "dataset", "retire", staged["id"])
    day.do("listed at last", "dataset", "list")
    orphan = StoreKey.generate()
    KeyRing(day.folder / "keys").save_store_key(orphan)
    day.told["orphan"] = orphan.id
    day.do("keys", "keys", "list")
    in_use = next(one["id"] for one in day.said("keys") if one.get("dataset") == full)
    day.ran["destroyed one in use"] = day.console("keys", "destroy", in_use, code=2)
    day.do("destroyed", "keys", "destroy", orphan.id)
    return day


CHECKS: list[Callable[[Day], None]] = []


def seen(check: Callable[[Day], None]) -> Callable[[Day], None]:
    """Have the day's test look at this."""
    CHECKS.append(check)
    return check


@seen
def the_schema(day: Day) -> None:
    assert day.one("upgraded") == {"event": "upgraded"}


@seen
def keys_are_made_once_and_for_their_owner_alone(day: Day) -> None:
    keys = day.folder / "keys"
    expected = {
        "application": keys / "application.key",
        "signing": keys / "signing.key",
        "pepper": day.folder / "pepper" / "pepper.key",
    }
    first, again = day.said("generated"), day.said("generated again")
    assert first == [{"role": role, "path": str(path), "made": True} for role, path in expected.items()]
    assert again == [{"role": role, "path": str(path), "made": False} for role, path in expected.items()]
    assert day.told["pepper kept"]
    for path in expected.values():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.stat().st_size == 32


@seen
def the_incident_and_its_notices(day: Day) -> None:
    assert day.one("created") == {"event": "created", "slug": "sample-2025", "notice_version": 1}
    assert day.one("updated") == {"event": "updated", "slug": "sample-2025", "notice_version": 1}
    assert day.one("updated the notice")["notice_version"] == 2
    listed, shown = day.one("incidents"), day.one("incident")
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


@seen
def a_made_up_file(day: Day) -> None:
    said = day.one("synthesized")
    assert said["path"] == str(day.folder / "people.csv")
    assert said["rows"] == len((day.folder / "people.csv").read_text("utf-8").splitlines()) - 1


@seen
def an_import_says_what_it_staged(day: Day) -> None:
    said = day.said("imported")[-1]
    assert set(said) >= {"event", "id", "rows", "people", "rejected", "unreachable", "seconds"}
    assert said["event"] == "staged"
    assert UUID(said["id"])
    assert said["rows"] > said["people"] >= 30
    assert (said["rejected"], said["unreachable"]) == (0, 0)
    assert day.one("imported family")["people"] == 3


@seen
def canaries_are_planted_and_listed(day: Day) -> None:
    assert day.one("imported")["canaries"] == 4
    assert day.one("imported family")["canaries"] == 0
    listed = day.said("canaries")
    assert len(listed) >= 4
    assert {one["event"] for one in listed} == {"canary"}
    assert all(
        one["kind"] == ("email" if one["identifier"].endswith("@letters.example") else "phone") for one in listed
    )


@seen
def a_bad_row_is_named_by_its_place_and_ends_the_import(day: Day) -> None:
    (line,) = day.ran["imported broken"].err.strip().splitlines()[-1:]
    assert "broken.csv: line 3, column email: " in line
    assert "(and 1 more); nothing was imported" in line
    assert "sesame" not in day.ran["imported broken"].err


@seen
def rejects_go_to_a_file_without_their_values(day: Day) -> None:
    assert day.one("imported with rejects")["rejected"] == 2
    lines = (day.folder / "rejects.csv").read_text("utf-8").splitlines()
    assert lines[0] == "line,column,reason"
    assert [line.split(",")[:2] for line in lines[1:]] == [["3", "email"], ["4", "items"]]
    assert "sesame" not in "".join(lines)


@seen
def the_list(day: Day) -> None:
    listed = day.said("listed")
    assert [(one["version"], one["kind"], one["state"]) for one in listed] == [
        (1, "full", "published"),
        (2, "supplement", "staged"),
        (3, "full", "staged"),
    ]
    contract = {"id", "incident", "kind", "state", "version", "rows", "people", "imported_at"}
    assert set(listed[1]) == contract  # what does not apply is left out
    assert set(listed[0]) == contract | {"published_at"}
    assert listed[0]["imported_at"].endswith("Z")
    assert [one["id"] for one in listed][::2] == [day.one("imported")["id"], day.one("imported family")["id"]]


@seen
def publishing_and_rolling_back_say_what_changed(day: Day) -> None:
    full, family = day.one("imported")["id"], day.one("imported family")["id"]
    assert day.said("published") == [{"event": "published", "id": full}]
    assert "--accept-loss" in day.ran["shrank"].err
    assert day.said("published family") == [
        {"event": "superseded", "id": full},
        {"event": "published", "id": family},
    ]
    assert sorted(day.said("rolled back"), key=str) == [
        {"event": "published", "id": full},
        {"event": "staged", "id": family},
    ]


@seen
def verifying(day: Day) -> None:
    said = day.one("verified")
    assert said["event"] == "verified"
    assert said["rows"] == day.one("imported")["rows"]
    assert said["sampled"] > 0
    assert said["problems"] == []
    assert len(day.one("verified another file")["problems"]) == 1
    after = day.one("verified after")
    assert (after["problems"], after["suppressed"], after["rows"]) == ([], 2, 2)


@seen
def people_who_share_an_identifier_are_listed_masked(day: Day) -> None:
    ran = day.ran["shared"]
    assert [(one["entry"], one["role"]) for one in ran.objects] == [(0, "holder"), (1, "holder")]
    assert "--entry" in ran.err
    for hidden in (MINA, JUN, "김민아", "2000-0001", "20000001"):
        assert hidden not in ran.out + ran.err
    assert sorted("email" in one["items"] for one in ran.objects) == [False, True]
    assert all(one["hints"] for one in ran.objects)


@seen
def suppressing(day: Day) -> None:
    family = day.one("imported family")["id"]
    supplement = day.one("imported with rejects")["id"]
    assert day.said("suppressed") == [  # a1 is in the broken file too, by the same email
        {"event": "suppressed", "id": supplement, "rows": 1},
        {"event": "suppressed", "id": family, "rows": 2},
    ]
    assert "no one in this data set" in day.ran["suppressed again"].err
    assert MINA not in day.ran["suppressed again"].err
    assert day.said("suppressed by entry") == [{"event": "suppressed", "id": family, "rows": 2}]


@seen
def retiring_takes_the_key_along(day: Day) -> None:
    family = day.one("imported family")["id"]
    assert day.one("retired") == {"event": "retired", "id": family}
    assert {one["id"]: one["state"] for one in day.said("listed at last")}[family] == "retired"
    assert family not in {one.get("dataset") for one in day.said("keys")}


@seen
def the_list_says_what_each_serves(day: Day) -> None:
    by_role: dict[str, list[dict[str, Any]]] = {}
    for one in day.said("keys"):
        by_role.setdefault(one["role"], []).append(one)
    assert {role: len(found) for role, found in by_role.items()} == {"application": 1, "signing": 1, "store": 3}
    served = {one["id"]: one.get("dataset") for one in by_role["store"]}
    assert served[day.told["orphan"]] is None
    assert set(served.values()) == {
        None,
        day.one("imported")["id"],
        day.one("imported with rejects")["id"],
    }


@seen
def one_in_use_is_not_destroyed(day: Day) -> None:
    assert f"serves data set {day.one('imported')['id']}" in day.ran["destroyed one in use"].err


@seen
def one_that_serves_nothing_is(day: Day) -> None:
    assert day.one("destroyed") == {"event": "destroyed", "id": day.told["orphan"]}
    assert not KeyRing(day.folder / "keys").store_key_path(day.told["orphan"]).exists()


@seen
def it_says_where_it_answers_and_prints_each_code(day: Day) -> None:
    ready, code = day.told["ready"], day.told["code"]
    assert set(ready) == {"event", "url"}
    assert ready["url"].startswith("http://127.0.0.1:")
    assert set(code) == {"event", "to", "code"}
    assert code["to"] == MINA  # canonical, whatever was typed
    assert len(code["code"]) == 8


@seen
def a_customer_was_told(day: Day) -> None:
    (exposure,) = day.told["answer"]["exposures"]
    assert {item["kind"] for item in exposure["items"]} == {"name", "email"}
    assert exposure["confidence"] == "confirmed"
    assert exposure["notice_version"] == 2


@seen
def told_to_end_it_ends_with_its_keyholder(day: Day) -> None:
    assert day.told["exit"] == 143  # 128 + SIGTERM: it unwound
    assert len(day.told["children"]) == 1
    assert not runs(day.told["children"][0])
    assert "Traceback" not in day.told["log"]


@seen
def no_identifier_in_the_log(day: Day) -> None:
    for hidden in ("mina", "Mina", day.told["code"]["code"]):
        assert hidden not in day.told["log"]


@seen
def a_receipt_holds(day: Day) -> None:
    for said in (day.one("receipt"), day.one("receipt by key")):
        assert said["event"] == "valid"
        assert said["kid"] == day.told["receipt"]["kid"]
        assert said["payload"]["incident"] == "sample-2025"
        assert said["payload"]["notice_version"] == 2


@seen
def a_tampered_receipt_does_not(day: Day) -> None:
    for ran in (day.ran["tampered"], day.ran["tampered by key"]):
        assert ran.err == "the signature is invalid\n"
        assert ran.out == ""


def test_an_operators_whole_day(tmp_path: Path) -> None:
    day = whole_day(tmp_path)
    assert len(CHECKS) > 15
    for check in CHECKS:
        check(day)


@pytest.fixture
def own_postgresql(postgresql_url: str) -> Iterator[str]:
    """An empty database, on no schema yet."""
    url = make_url(postgresql_url).set(drivername="postgresql+psycopg")
    name = f"exposure_day_{uuid4().hex}"
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    yield make_url(postgresql_url).set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    engine.dispose()


def test_the_main_part_of_the_day_on_postgresql(tmp_path: Path, own_postgresql: str) -> None:
    day = Day(CliDriver.in_folder(tmp_path, own_postgresql))
    morning(day)
    family = write(day.folder / "family.csv", FAMILY)
    supplement = ("--incident", "sample-2025", "--kind", "supplement")
    (staged,) = day.do("imported family", "dataset", "import", family, *supplement)
    day.do("published family", "dataset", "publish", staged["id"])
    service(day)
    day.do("suppressed", "dataset", "suppress", staged["id"], stdin=f"{MINA}\n")
    inside = str(day.folder / "keys" / "pepper.key")
    Path(inside).write_bytes((day.folder / "pepper" / "pepper.key").read_bytes())
    Path(inside).chmod(0o600)
    beside = day.console.with_settings(EXPOSURE_PEPPER_FILE=inside)
    refusal = beside.expect_refusal("serve", "--port", 0)
    assert refusal.startswith("EXPOSURE_PEPPER_FILE: ")
    assert "EXPOSURE_KEY_DIR" in refusal

    assert day.one("verified")["problems"] == []
    assert day.one("verified")["sampled"] > 0
    assert day.said("published family") == [{"event": "published", "id": day.one("imported family")["id"]}]
    assert day.one("suppressed")["rows"] == 2
    assert [one["result"] for one in day.told["answer"]["datasets"]] == ["found", "not_found"]
