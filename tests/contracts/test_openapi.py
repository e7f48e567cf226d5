"""Fuzzes the API from its OpenAPI document: valid calls get a documented response, and invalid calls cause no server error.

Calls are chained (a call uses values from earlier responses). They carry the token of a session that is renewed when it ends, and some
carry a real code.
"""

from collections import Counter
from typing import Any

import httpx
import pytest
import schemathesis
from schemathesis import Case
from schemathesis.engine import from_schema
from schemathesis.engine.events import FatalError, FuzzScenarioFinished, NonFatalError, ScenarioFinished

from app.source_files import write_source_file
from app.synthetic import sample_people, synthesize
from tests.support.deployment import Deployment

pytestmark = pytest.mark.fuzz

MIN_CALLS = 2_000
MAX_EXAMPLES = 220
"""Per operation, and as many chains of calls; enough for `MIN_CALLS`."""


class ApiUser:
    """A legitimate user: has a session, and receives the codes that are sent."""

    def __init__(self, deployment: Deployment, identifiers: list[str]) -> None:
        self._deployment = deployment
        self._identifiers = identifiers
        self._headers: dict[str, str] = {}
        self._call_count = 0
        self.statuses: Counter[tuple[str, int]] = Counter()

    def prepare(self, case: Case[Any]) -> None:
        """Put values into two of three calls that a generator cannot guess: a started verification, a code, an exposure id."""
        self._call_count += 1
        path = case.operation.path
        if self._call_count % 3 == 0 or not isinstance(case.body, dict):
            return
        if path.endswith(("/confirm", "/resend")):
            started = self._deployment.request_code("010-9876-0000").json()
            case.path_parameters = {"id": started["id"]}
            case.body = case.body | {"client_secret": started["client_secret"]}
            if path.endswith("/resend"):
                self._deployment.clock.advance(minutes=1)
                self._headers = {}  # the session would expire, since the clock moves
            else:
                case.body["code"] = self._deployment.deliver_outbox()[-1].code
        elif path == "/v1/acknowledgements":
            self.authorization()
            exposures = self._client.get("/v1/exposures", headers=self._headers).json()["exposures"]
            case.body = {"exposure_id": exposures[0]["id"], "notice_version": 1, "locale": "ko"}
        elif path == "/v1/verifications":
            case.body = case.body | {"channel": "sms", "identifier": "010-9876-0000"}

    def authorization(self) -> str:
        """Return the Authorization header of the current session, or of a new one if it has ended."""
        if not self._headers:
            self._headers = self._deployment.sign_in(self._identifiers[self._call_count % len(self._identifiers)])
        return self._headers["Authorization"]

    def authorization_of_another_user(self) -> str:
        """Return the Authorization header of a session that is used only once."""
        return self._deployment.sign_in(f"010-9877-{self._call_count:04}")["Authorization"]

    def record_status(self, case: Case[Any], status: int) -> None:
        """Record the status of a call."""
        self.statuses[f"{case.method} {case.operation.path}", status] += 1
        if case.operation.path == "/v1/session" and status == 204:
            self._headers = {}

    @property
    def _client(self) -> httpx.Client:
        return self._deployment.client


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """The OpenAPI document does not depend on the database engine."""
    return sqlite_url


def test_api_conforms_to_its_openapi_document(deployment: Deployment) -> None:
    accounts = 40
    path = deployment.folder / "synthetic.csv"
    write_source_file(path, synthesize(accounts))
    deployment.publish(deployment.import_file(path).id)
    user = ApiUser(deployment, [sample.identifier for sample in sample_people(accounts)[:3]])
    url = str(deployment.wire_client.base_url)
    document = deployment.client.get("/v1/openapi.json").json()
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=url)
    # a call that fits the schema can still have a wrong code, an invalid phone, or come too late or too soon: 422, 410 and 429
    schema.config.checks.positive_data_acceptance.expected_statuses = ["2xx", "401", "404", "409", "410", "422", "429"]
    # a verification is 404 without its client secret, and schemathesis passes only the id along
    schema.config.checks.ensure_resource_availability.enabled = False

    @schema.auth(refresh_interval=None)
    class SessionAuth:
        """Authenticates calls with the session of the user."""

        def get(self, case: Case[Any], __: Any) -> str:
            return (
                user.authorization_of_another_user()
                if case.operation.path == "/v1/stop-codes"
                else user.authorization()
            )

        def set(self, case: Case[Any], data: str, _: Any) -> None:
            if not case.operation.path.endswith(
                "/confirm"
            ):  # a session holds few identifiers: confirming with a token would soon fill it
                case.headers["Authorization"] = data

    @schemathesis.hook
    def before_call(context: Any, case: Case[Any], kwargs: Any) -> None:
        user.prepare(case)

    @schemathesis.hook
    def after_call(context: Any, case: Case[Any], response: Any) -> None:
        user.record_status(case, response.status_code)

    schema.config.generation.max_examples = MAX_EXAMPLES
    schema.config.generation.deterministic = True  # a failure must be caused by the change under test
    failures: list[Any] = []
    try:
        for event in from_schema(schema).execute():
            if isinstance(event, NonFatalError):
                failures.append(event.value)
            elif isinstance(event, FatalError):
                failures.append(event.exception)
            elif isinstance(event, ScenarioFinished | FuzzScenarioFinished):
                checks = [check for case_checks in event.recorder.checks.values() for check in case_checks]
                failures += [
                    f"{check.failure_info.failure!r}: {check.failure_info.code_sample}"
                    for check in checks
                    if check.failure_info
                ]
    finally:
        schemathesis.hooks.unregister_all()
    assert failures == []
    calls = sum(user.statuses.values())
    authenticated = sum(count for (_, status), count in user.statuses.items() if status != 401)
    succeeded = {operation for (operation, status) in user.statuses if status < 300}
    operations = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
    assert calls >= MIN_CALLS
    assert authenticated > calls / 2
    assert succeeded == operations, f"never succeeded: {operations - succeeded}"
    assert not [status for (_, status) in user.statuses if status >= 500]


def test_no_schema_name_contains_a_module_path(deployment: Deployment) -> None:
    """Two models of the same name make FastAPI publish their module paths, such as ``app__faces__api__exposures__ItemOut``."""
    document = deployment.client.get("/v1/openapi.json").json()
    names = set(document["components"]["schemas"])
    assert {"ExposureItemOut", "IncidentItemOut"} <= names
    assert [name for name in names if "__" in name] == []
