"""How a spent budget is answered: a client's by 429, a target's by nothing at all, the service's codes by 503."""

from collections.abc import Callable
from pathlib import Path

import altcha
import httpx
import pytest

from app.rate_limits import RateLimitPolicy
from app.verification.service import CODE_LENGTH
from tests.support.responses import assert_unavailable, comparable_response
from tests.support.deployment import Deployment, make_row
from tests.support.permissive_limits import permissive_limits

PHONE = "010-2000-0002"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Budgets do not live in the database."""
    return sqlite_url


@pytest.fixture
def limited(make_deployment: Callable[..., Deployment], tmp_path: Path) -> Callable[..., Deployment]:
    """Make a deployment with some small budgets, by their places in the file."""

    def make(**budgets: str) -> Deployment:
        path = tmp_path / "small.toml"
        path.write_text(permissive_limits({place.replace("__", "."): budget for place, budget in budgets.items()}))
        return make_deployment(limits_file=path)

    return make


def solve(refused: httpx.Response) -> str:
    """Solve the challenge of a problem."""
    challenge = altcha.Challenge.from_dict(refused.json()["challenge"])
    solution = altcha.solve_challenge(challenge)
    assert solution
    return str(altcha.Payload(challenge, solution).to_base64())


def ask(deployment: Deployment, phone: str = PHONE, *, proof: str = "", ticket: str = "") -> httpx.Response:
    """Ask for a code, with what a client who was sent away comes back with."""
    return deployment.client.post(
        "/v1/verifications",
        json={"channel": "sms", "identifier": phone},
        headers={"Proof-Of-Work": proof, "Queue-Ticket": ticket},
    )


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**CODE_LENGTH:0{CODE_LENGTH}}"


def test_a_spent_budget_of_a_target_is_answered_as_any_other(limited: Callable[..., Deployment]) -> None:
    deployment = limited(target__codes="2/hour")
    answers = [deployment.request_code(PHONE) for _ in range(4)]
    other = deployment.request_code("010-2000-0003")
    assert len(deployment.deliver_outbox()) == 3
    assert {repr(comparable_response(answer)) for answer in answers} == {repr(comparable_response(other))}
    assert deployment.execute_sql("SELECT count(*) FROM outbox") == [(0,)]
    assert deployment.execute_sql("SELECT count(*) FROM verifications") == [(5,)]


def test_what_was_not_sent_cannot_be_confirmed(
    limited: Callable[..., Deployment], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even with the code that would have been sent."""
    deployment = limited(target__codes="1/hour")
    monkeypatch.setattr("app.verification.service._new_code", lambda: "01234567")
    sent, unsent = deployment.request_code(PHONE), deployment.request_code(PHONE)
    refused = deployment.confirm_code(unsent, "01234567")
    assert (refused.status_code, refused.json()["tries_left"]) == (422, 4)
    assert deployment.confirm_code(sent, "01234567").status_code == 200


def test_the_same_of_a_code_that_is_sent_again(
    limited: Callable[..., Deployment], monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment = limited(target__codes="1/hour")
    monkeypatch.setattr("app.verification.service._new_code", lambda: "01234567")
    body = deployment.request_code(PHONE).json()
    deployment.deliver_outbox()
    deployment.clock.advance(minutes=1)
    again = deployment.client.post(
        f"/v1/verifications/{body['id']}/resend", json={"client_secret": body["client_secret"]}
    )
    assert again.status_code == 202
    assert deployment.deliver_outbox() == []
    assert deployment.confirm_code(again, "01234567").status_code == 422


def test_who_asks_about_too_many_is_told_how_long_to_wait(limited: Callable[..., Deployment]) -> None:
    deployment = limited(client__new_identifiers="1/day")
    refused = deployment.request_code("010-2000-0002")
    assert refused.status_code == 429
    assert refused.json()["type"] == "/problems/proof-of-work"
    assert ask(deployment, proof=solve(refused)).status_code == 202
    refused = deployment.request_code("010-2000-0003")
    assert refused.status_code == 429
    assert refused.json()["type"] == "/problems/too-many-requests"
    assert refused.headers["retry-after"] == "86400"
    assert refused.headers["ratelimit-policy"] == '"new_identifiers";q=1;w=86400'
    assert refused.headers["ratelimit"] == '"new_identifiers";r=0;t=86400'


def test_work_is_asked_for_and_each_solution_is_good_once(limited: Callable[..., Deployment]) -> None:
    deployment = limited(client__new_identifiers="6/day")
    for number in range(3):
        assert deployment.request_code(f"010-2000-000{number}").status_code == 202
    asked = deployment.request_code("010-2000-0003")
    assert asked.status_code == 429
    assert asked.headers["retry-after"] == "14400"
    solution = solve(asked)
    assert ask(deployment, "010-2000-0003", proof=solution).status_code == 202
    assert ask(deployment, "010-2000-0004", proof=solution).status_code == 429
    assert ask(deployment, "010-2000-0004", proof="made up").status_code == 429
    assert deployment.request_code("010-2000-0000").status_code == 202  # who is not new costs nothing
    deployment.clock.advance(hours=8)
    assert deployment.request_code("010-2000-0004").status_code == 202  # whoever waits needs no work


def test_a_crowd_waits_with_a_ticket_and_journeys_under_way_go_on(limited: Callable[..., Deployment]) -> None:
    deployment = limited(service__admissions="1/10 seconds")
    under_way = deployment.request_code(PHONE)
    code = deployment.deliver_outbox()[0].code
    crowded = deployment.request_code("010-2000-0003")
    assert crowded.status_code == 503
    assert crowded.json()["type"] == "/problems/crowded"
    assert crowded.json()["ahead"] == 1
    assert int(crowded.headers["retry-after"]) >= 10
    assert deployment.confirm_code(under_way, code).status_code == 200
    ticket = crowded.json()["ticket"]
    early = ask(deployment, "010-2000-0003", ticket=ticket)
    assert (early.status_code, early.json()["ticket"]) == (503, ticket)
    deployment.clock.advance(seconds=10)
    assert ask(deployment, "010-2000-0003", ticket=ticket).status_code == 202
    again = ask(deployment, "010-2000-0003", ticket=ticket)
    assert again.status_code == 503
    assert again.json()["ticket"] != ticket


def test_who_waited_is_not_charged_twice(limited: Callable[..., Deployment]) -> None:
    deployment = limited(service__admissions="1/10 seconds", client__unverified_codes="4/hour")
    deployment.request_code(PHONE)
    ticket = deployment.request_code("010-2000-0003").json()["ticket"]
    assert deployment.request_code("010-2000-0004").status_code == 429
    deployment.clock.advance(seconds=10)
    assert ask(deployment, "010-2000-0003", ticket=ticket).status_code == 202


def test_the_budget_of_wrong_codes_stops_the_trying_and_spends_no_try(limited: Callable[..., Deployment]) -> None:
    deployment = limited(service__wrong_codes="3/hour")
    asked = deployment.request_code(PHONE)
    code = deployment.deliver_outbox()[0].code
    for left in (4, 3, 2):
        assert deployment.confirm_code(asked, wrong(code)).json()["tries_left"] == left
    assert_unavailable(deployment.confirm_code(asked, code))
    deployment.clock.advance(minutes=9)
    assert_unavailable(deployment.confirm_code(asked, code))
    deployment.clock.advance(hours=1)
    asked = deployment.request_code(PHONE)
    assert deployment.confirm_code(asked, deployment.deliver_outbox()[0].code).status_code == 200


def test_garbage_spends_no_wrong_codes(limited: Callable[..., Deployment]) -> None:
    """Or whoever makes up ids would stop everybody."""
    deployment = limited(service__wrong_codes="1/hour")
    asked = deployment.request_code(PHONE)
    code = deployment.deliver_outbox()[0].code
    for _ in range(5):
        unknown = deployment.client.post(
            "/v1/verifications/3f0e1d3a-0000-4000-8000-000000000000/confirm",
            json={"code": code, "client_secret": "made-up"},
        )
        assert unknown.status_code == 404
    assert deployment.confirm_code(asked, code).status_code == 200


def test_a_session_checks_so_often(limited: Callable[..., Deployment]) -> None:
    deployment = limited(client__value_checks_per_session="2/hour")
    deployment.import_and_publish([make_row("a2", phone=PHONE, name="박지수", items="name|phone")])
    headers = deployment.sign_in(PHONE)

    def check(headers: dict[str, str]) -> int:
        body = {"kind": "name", "value": "박지수"}
        return deployment.client.post("/v1/exposures/check", headers=headers, json=body).status_code

    assert [check(headers) for _ in range(3)] == [200, 200, 429]
    assert check(deployment.sign_in(PHONE)) == 200
    assert [check({"Authorization": f"Bearer made-up-{number}"}) for number in range(4)] == [401] * 4


def test_a_country_that_is_not_served_is_said(limited: Callable[..., Deployment]) -> None:
    refused = limited().request_code("+1 202 555 0143")
    assert refused.status_code == 422
    assert refused.json()["errors"] == [{"pointer": "/identifier", "code": "country-not-served"}]


def test_an_undelivered_message_is_given_back_to_the_person(limited: Callable[..., Deployment]) -> None:
    deployment = limited(target__codes="1/hour")
    deployment.request_code(PHONE)  # and nobody takes it
    outbox = deployment.app.state.services.outbox
    deployment.clock.advance(minutes=10)
    with deployment.database.write() as session:
        outbox.erase_expired(session, now=deployment.clock())
    assert deployment.request_code(PHONE).status_code == 202
    assert len(deployment.deliver_outbox()) == 1


def test_the_spend_cap_is_silent_to_who_asks_and_loud_to_who_keeps_watch(
    limited: Callable[..., Deployment], capsys: pytest.CaptureFixture[str]
) -> None:
    deployment = limited(service__messages="2/hour")
    assert [deployment.request_code(f"010-2000-000{number}").status_code for number in range(5)] == [202] * 5
    assert len(deployment.deliver_outbox()) == 2
    deployment.app.state.services.deferred_denials.flush()
    log = capsys.readouterr().err
    assert log.count('"rate-limit-denied"') == 3
    assert log.count('"global-limit-denied"') == 1


def test_calls_that_lead_nowhere_are_counted(limited: Callable[..., Deployment]) -> None:
    deployment = limited(client__other="4/minute")
    calls = [("GET", "/nothing"), ("PUT", "/v1/exposures"), ("GET", "/v1/nothing"), ("POST", "/"), ("GET", "/nothing")]
    statuses = [deployment.client.request(method, path).status_code for method, path in calls]
    assert statuses == [404, 405, 404, 405, 429]


def test_dry_run_refuses_nothing_and_logs(
    make_deployment: Callable[..., Deployment], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "small.toml"
    path.write_text(
        'dry_run = true\n[client]\nother = "1/minute"\nnew_identifiers = "1/day"\n[target]\ncodes = "1/hour"\n'
    )
    deployment = make_deployment(limits_file=path)
    assert [deployment.client.get("/v1/incidents").status_code for _ in range(3)] == [200] * 3
    for number in (1, 2, 2):
        assert deployment.request_code(f"010-2000-000{number}").status_code == 202
    assert len(deployment.deliver_outbox()) == 3
    log = capsys.readouterr().err
    assert '"limit": "target.codes"' not in log  # not by the thread that answers: it would take longer
    deployment.app.state.services.deferred_denials.flush()
    log += capsys.readouterr().err
    for budget in ("client.other", "client.new_identifiers", "target.codes"):
        assert f'"limit": "{budget}"' in log
    assert RateLimitPolicy().dry_run is False
