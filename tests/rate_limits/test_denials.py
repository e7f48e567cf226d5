"""How denials are answered: 429 for a client's limit, silence for a target's, 503 for the service's limit on wrong codes."""

from collections.abc import Callable
from pathlib import Path

import altcha
import httpx
import pytest

from app.rate_limits import RateLimitPolicy
from app.verification import CODE_LENGTH
from tests.support.deployment import Deployment, make_row
from tests.support.permissive_limits import permissive_limits
from tests.support.responses import assert_unavailable, comparable_response

PHONE = "010-2000-0002"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Rate limits do not use the database."""
    return sqlite_url


@pytest.fixture
def limited(make_deployment: Callable[..., Deployment], tmp_path: Path) -> Callable[..., Deployment]:
    """Create a deployment that overrides some limits, by their names in the file with ``__`` for the dot."""

    def create(**limits: str) -> Deployment:
        path = tmp_path / "small.toml"
        path.write_text(permissive_limits({name.replace("__", "."): rate for name, rate in limits.items()}))
        return make_deployment(limits_file=path)

    return create


def solve(denied: httpx.Response) -> str:
    """Solve the challenge of a problem response."""
    challenge = altcha.Challenge.from_dict(denied.json()["challenge"])
    solution = altcha.solve_challenge(challenge)
    assert solution
    return str(altcha.Payload(challenge, solution).to_base64())


def request_code(deployment: Deployment, phone: str = PHONE, *, solution: str = "", ticket: str = "") -> httpx.Response:
    """Request a code, with a proof of work or a ticket."""
    return deployment.client.post(
        "/v1/verifications",
        json={"channel": "sms", "identifier": phone},
        headers={"Proof-Of-Work": solution, "Queue-Ticket": ticket},
    )


def wrong_code(code: str) -> str:
    return f"{(int(code) + 1) % 10**CODE_LENGTH:0{CODE_LENGTH}}"


def test_a_denial_by_a_targets_limit_is_answered_like_any_other(limited: Callable[..., Deployment]) -> None:
    deployment = limited(target__codes="2/hour")
    answers = [deployment.request_code(PHONE) for _ in range(4)]
    other = deployment.request_code("010-2000-0003")
    assert len(deployment.deliver_outbox()) == 3
    assert {repr(comparable_response(answer)) for answer in answers} == {repr(comparable_response(other))}
    assert deployment.execute_sql("SELECT count(*) FROM outbox") == [(0,)]
    assert deployment.execute_sql("SELECT count(*) FROM verifications") == [(5,)]


def test_a_code_that_was_not_sent_cannot_be_confirmed(
    limited: Callable[..., Deployment], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even the code that would have been sent does not match."""
    deployment = limited(target__codes="1/hour")
    monkeypatch.setattr("app.verification.service._new_code", lambda: "01234567")
    sent, unsent = deployment.request_code(PHONE), deployment.request_code(PHONE)
    rejected = deployment.confirm_code(unsent, "01234567")
    assert (rejected.status_code, rejected.json()["tries_left"]) == (422, 4)
    assert deployment.confirm_code(sent, "01234567").status_code == 200


def test_a_code_that_was_not_resent_cannot_be_confirmed(
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


def test_a_client_that_asks_about_too_many_identifiers_is_told_how_long_to_wait(
    limited: Callable[..., Deployment],
) -> None:
    deployment = limited(client__unverified_codes="1/day")
    denied = deployment.request_code("010-2000-0002")
    assert denied.status_code == 429
    assert denied.json()["type"] == "/problems/proof-of-work"
    assert request_code(deployment, solution=solve(denied)).status_code == 202
    denied = deployment.request_code("010-2000-0003")
    assert denied.status_code == 429
    assert denied.json()["type"] == "/problems/too-many-requests"
    assert denied.headers["retry-after"] == "86400"
    assert denied.headers["ratelimit-policy"] == '"unverified_codes";q=1;w=86400'
    assert denied.headers["ratelimit"] == '"unverified_codes";r=0;t=86400'


def test_beyond_the_soft_limit_a_code_takes_work_and_each_solution_is_accepted_once(
    limited: Callable[..., Deployment],
) -> None:
    deployment = limited(client__unverified_codes="6/day")
    for number in range(3):
        assert deployment.request_code(f"010-2000-000{number}").status_code == 202
    denied = deployment.request_code("010-2000-0003")
    assert denied.status_code == 429
    assert denied.headers["retry-after"] == "14400"
    solution = solve(denied)
    assert request_code(deployment, "010-2000-0003", solution=solution).status_code == 202
    assert request_code(deployment, "010-2000-0004", solution=solution).status_code == 429
    assert request_code(deployment, "010-2000-0004", solution="made up").status_code == 429
    assert deployment.request_code("010-2000-0000").status_code == 429  # an identifier of before costs as much
    deployment.clock.advance(hours=8)
    assert deployment.request_code("010-2000-0004").status_code == 202  # a client that waits needs no solution


def test_new_users_queue_with_a_ticket_and_admitted_users_go_on(limited: Callable[..., Deployment]) -> None:
    deployment = limited(service__admissions="1/10 seconds")
    under_way = deployment.request_code(PHONE)
    code = deployment.deliver_outbox()[0].code
    queued = deployment.request_code("010-2000-0003")
    assert queued.status_code == 503
    assert queued.json()["type"] == "/problems/crowded"
    assert queued.json()["ahead"] == 1
    assert int(queued.headers["retry-after"]) >= 10
    assert deployment.confirm_code(under_way, code).status_code == 200
    ticket = queued.json()["ticket"]
    early = request_code(deployment, "010-2000-0003", ticket=ticket)
    assert (early.status_code, early.json()["ticket"]) == (503, ticket)
    deployment.clock.advance(seconds=10)
    assert request_code(deployment, "010-2000-0003", ticket=ticket).status_code == 202
    again = request_code(deployment, "010-2000-0003", ticket=ticket)
    assert again.status_code == 503
    assert again.json()["ticket"] != ticket


def test_a_user_with_a_ticket_is_not_charged_twice(limited: Callable[..., Deployment]) -> None:
    deployment = limited(service__admissions="1/10 seconds", client__unverified_codes="4/hour")
    deployment.request_code(PHONE)
    ticket = deployment.request_code("010-2000-0003").json()["ticket"]
    assert deployment.request_code("010-2000-0004").status_code == 429
    deployment.clock.advance(seconds=10)
    assert request_code(deployment, "010-2000-0003", ticket=ticket).status_code == 202


def test_a_ticket_buys_no_other_identifier(limited: Callable[..., Deployment]) -> None:
    deployment = limited(service__admissions="1/10 seconds", client__unverified_codes="6/hour")
    deployment.request_code(PHONE)
    ticket = deployment.request_code("010-2000-0003").json()["ticket"]
    deployment.clock.advance(seconds=10)
    other = request_code(deployment, "010-2000-0004", ticket=ticket)  # charged, and at the end of the queue
    assert (other.status_code, other.json()["ticket"] != ticket) == (503, True)
    assert request_code(deployment, "010-2000-0005", ticket=ticket).status_code == 429
    assert request_code(deployment, "010-2000-0003", ticket=ticket).status_code == 202


def test_the_services_limit_on_wrong_codes_stops_attempts_and_consumes_none(limited: Callable[..., Deployment]) -> None:
    deployment = limited(service__wrong_codes="3/hour")
    verification = deployment.request_code(PHONE)
    code = deployment.deliver_outbox()[0].code
    for left in (4, 3, 2):
        assert deployment.confirm_code(verification, wrong_code(code)).json()["tries_left"] == left
    assert_unavailable(deployment.confirm_code(verification, code))
    deployment.clock.advance(minutes=9)
    assert_unavailable(deployment.confirm_code(verification, code))
    deployment.clock.advance(hours=1)
    verification = deployment.request_code(PHONE)
    assert deployment.confirm_code(verification, deployment.deliver_outbox()[0].code).status_code == 200


def test_attempts_at_unknown_verifications_do_not_count_as_wrong_codes(limited: Callable[..., Deployment]) -> None:
    """Otherwise an attacker could stop everybody with made-up ids."""
    deployment = limited(service__wrong_codes="1/hour")
    verification = deployment.request_code(PHONE)
    code = deployment.deliver_outbox()[0].code
    for _ in range(5):
        unknown = deployment.client.post(
            "/v1/verifications/3f0e1d3a-0000-4000-8000-000000000000/confirm",
            json={"code": code, "client_secret": "made-up"},
        )
        assert unknown.status_code == 404
    assert deployment.confirm_code(verification, code).status_code == 200


def test_value_checks_are_limited_by_identifier_in_all_its_sessions(limited: Callable[..., Deployment]) -> None:
    deployment = limited(client__value_checks_per_identifier="2/hour")
    deployment.import_and_publish([make_row("a2", phone=PHONE, name="박지수", items="name|phone")])
    headers = deployment.sign_in(PHONE)

    def check(headers: dict[str, str]) -> int:
        body = {"kind": "name", "value": "박지수"}
        return deployment.client.post("/v1/exposures/check", headers=headers, json=body).status_code

    assert [check(headers) for _ in range(3)] == [200, 200, 429]
    other = deployment.sign_in("010-2000-0003")
    assert check(deployment.sign_in(PHONE, deployment.sign_in("010-2000-0004"))) == 429
    assert check(deployment.sign_in(PHONE)) == 429
    assert check(other) == 200
    assert [check({"Authorization": f"Bearer made-up-{number}"}) for number in range(4)] == [401] * 4


def test_a_phone_of_a_country_that_is_not_served_is_rejected(limited: Callable[..., Deployment]) -> None:
    rejected = limited().request_code("+1 202 555 0143")
    assert rejected.status_code == 422
    assert rejected.json()["errors"] == [{"pointer": "/identifier", "code": "country-not-served"}]


def test_an_undelivered_message_is_refunded_to_the_target(limited: Callable[..., Deployment]) -> None:
    deployment = limited(target__codes="1/hour")
    deployment.request_code(PHONE)  # and no provider takes it
    outbox = deployment.app.state.services.outbox
    deployment.clock.advance(minutes=10)
    outbox.erase_expired(deployment.database, now=deployment.clock())
    assert deployment.request_code(PHONE).status_code == 202
    assert len(deployment.deliver_outbox()) == 1


def test_the_spend_cap_is_silent_to_the_client_and_logged_for_the_operator(
    limited: Callable[..., Deployment], capsys: pytest.CaptureFixture[str]
) -> None:
    deployment = limited(service__messages="2/hour")
    assert [deployment.request_code(f"010-2000-000{number}").status_code for number in range(5)] == [202] * 5
    assert len(deployment.deliver_outbox()) == 2
    deployment.app.state.services.deferred_denials.flush()
    log = capsys.readouterr().err
    assert log.count('"rate-limit-denied"') == 3
    assert log.count('"global-limit-denied"') == 1


def test_requests_to_unknown_routes_are_counted(limited: Callable[..., Deployment]) -> None:
    deployment = limited(client__other="4/minute")
    calls = [("GET", "/nothing"), ("PUT", "/v1/exposures"), ("GET", "/v1/nothing"), ("POST", "/"), ("GET", "/nothing")]
    statuses = [deployment.client.request(method, path).status_code for method, path in calls]
    assert statuses == [404, 405, 404, 405, 429]


def test_dry_run_denies_nothing_and_logs(
    make_deployment: Callable[..., Deployment], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "small.toml"
    path.write_text(
        'dry_run = true\n[client]\nother = "1/minute"\nunverified_codes = "1/day"\n[target]\ncodes = "1/hour"\n'
    )
    deployment = make_deployment(limits_file=path)
    assert [deployment.client.get("/v1/incidents").status_code for _ in range(3)] == [200] * 3
    for number in (1, 2, 2):
        assert deployment.request_code(f"010-2000-000{number}").status_code == 202
    assert len(deployment.deliver_outbox()) == 3
    log = capsys.readouterr().err
    assert '"limit": "target.codes"' not in log  # the request thread must not log: that would take longer
    deployment.app.state.services.deferred_denials.flush()
    log += capsys.readouterr().err
    for limit_name in ("client.other", "client.unverified_codes", "target.codes"):
        assert f'"limit": "{limit_name}"' in log
    assert RateLimitPolicy().dry_run is False
