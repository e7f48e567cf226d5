"""The OpenAPI document, fuzzed: whatever it admits is answered as it says, and nothing that it does not admit breaks anything.

Calls are chained (what one answer names, the next call uses), carry the token of a session that is renewed when it ended, and
now and then a real code.
"""

from collections import Counter
from typing import Any

import httpx
import pytest
import schemathesis
from schemathesis import Case
from schemathesis.engine import from_schema
from schemathesis.engine.events import FatalError, FuzzScenarioFinished, NonFatalError, ScenarioFinished

from app.datasets.files import write_source_file
from app.datasets.synthetic import sample_people, synthesize
from tests.support.deployment import Deployment

CALLS = 2_000
EXAMPLES = 220
"""Of each operation, and as many chains of calls; enough for `CALLS`."""


class Caller:
    """Someone who uses the API as it is meant: has a session, and reads the codes that are sent."""

    def __init__(self, deployment: Deployment, identifiers: list[str]) -> None:
        self._deployment = deployment
        self._identifiers = identifiers
        self._headers: dict[str, str] = {}
        self._calls = 0
        self.statuses: Counter[tuple[str, int]] = Counter()

    def prepare(self, case: Case) -> None:
        """Give a call what a generator cannot guess: a live token, and for two of three the real thing to confirm or acknowledge."""
        self._calls += 1
        path = case.operation.path
        if self._calls % 3 == 0 or not isinstance(case.body, dict):
            return
        if path.endswith(("/confirm", "/resend")):
            asked = self._deployment.request_code("010-9876-0000").json()
            case.path_parameters = {"id": asked["id"]}
            case.body = case.body | {"client_secret": asked["client_secret"]}
            if path.endswith("/resend"):
                self._deployment.clock.advance(minutes=1)
                self._headers = {}  # or it ends by and by, since time does not stand still
            else:
                case.body["code"] = self._deployment.deliver_outbox()[-1].code
        elif path == "/v1/acknowledgements":
            self.token()
            exposures = self._client.get("/v1/exposures", headers=self._headers).json()["exposures"]
            case.body = {"exposure_id": exposures[0]["id"], "notice_version": 1, "locale": "ko"}
        elif path == "/v1/verifications":
            case.body = case.body | {"channel": "sms", "identifier": "010-9876-0000"}

    def token(self) -> str:
        """The header of a live session: the one there is, or where that has ended a new one."""
        if not self._headers:
            self._headers = self._deployment.sign_in(self._identifiers[self._calls % len(self._identifiers)])
        return self._headers["Authorization"]

    def a_strangers_token(self) -> str:
        """The header of a session of somebody who is not needed again."""
        return self._deployment.sign_in(f"010-9877-{self._calls:04}")["Authorization"]

    def note(self, case: Case, status: int) -> None:
        """Remember what a call came to."""
        self.statuses[f"{case.method} {case.operation.path}", status] += 1
        if case.operation.path == "/v1/session" and status == 204:
            self._headers = {}

    @property
    def _client(self) -> httpx.Client:
        return self._deployment.client


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """The document does not depend on the engine."""
    return sqlite_url


def test_the_document_holds(deployment: Deployment) -> None:
    accounts = 40
    path = deployment.folder / "synthetic.csv"
    write_source_file(path, synthesize(accounts))
    deployment.publish(deployment.import_file(path).id)
    caller = Caller(deployment, [one.identifier for one in sample_people(accounts)[:3]])
    url = str(deployment.client.base_url)
    document = deployment.client.get("/v1/openapi.json").json()
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=url)
    # what fits the schema and still is no code, no phone, too late or too soon: the contract answers 422, 410 and 429
    schema.config.checks.positive_data_acceptance.expected_statuses = ["2xx", "401", "404", "409", "410", "422", "429"]
    # a verification is not there for who does not hold its client secret, and schemathesis takes only the id along
    schema.config.checks.ensure_resource_availability.enabled = False

    @schema.auth(refresh_interval=None)
    class Token:
        """A live token: the one there is, or where that has ended a new one."""

        def get(self, case: Case, __: Any) -> str:
            return caller.a_strangers_token() if case.operation.path == "/v1/stop-codes" else caller.token()

        def set(self, case: Case, data: str, _: Any) -> None:
            if not case.operation.path.endswith("/confirm"):  # a code that adds to a session soon fills it
                case.headers["Authorization"] = data

    @schemathesis.hook
    def before_call(context: Any, case: Case, kwargs: Any) -> None:
        caller.prepare(case)

    @schemathesis.hook
    def after_call(context: Any, case: Case, response: Any) -> None:
        caller.note(case, response.status_code)

    schema.config.generation.max_examples = EXAMPLES
    schema.config.generation.deterministic = True  # what holds a change up must be the change
    faults: list[Any] = []
    try:
        for event in from_schema(schema).execute():
            if isinstance(event, NonFatalError):
                faults.append(event.value)
            elif isinstance(event, FatalError):
                faults.append(event.exception)
            elif isinstance(event, ScenarioFinished | FuzzScenarioFinished):
                checks = [check for found in event.recorder.checks.values() for check in found]
                faults += [
                    f"{one.failure_info.failure!r}: {one.failure_info.code_sample}"
                    for one in checks
                    if one.failure_info
                ]
    finally:
        schemathesis.hooks.unregister_all()
    assert faults == []
    calls = sum(caller.statuses.values())
    answered = sum(count for (_, status), count in caller.statuses.items() if status != 401)
    reached = {operation for (operation, status) in caller.statuses if status < 300}
    every = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
    assert calls >= CALLS
    assert answered > calls / 2
    assert reached == every, f"never answered well: {every - reached}"
    assert not [status for (_, status) in caller.statuses if status >= 500]


def test_no_schema_is_named_after_a_module(deployment: Deployment) -> None:
    """Two models of one name make FastAPI publish the path of their modules, as in ``app__faces__api__exposures__ItemOut``."""
    document = deployment.client.get("/v1/openapi.json").json()
    names = set(document["components"]["schemas"])
    assert {"ExposureItemOut", "IncidentItemOut"} <= names
    assert [name for name in names if "__" in name] == []
