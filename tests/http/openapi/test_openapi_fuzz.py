"""Requests made from the document, right ones and wrong ones: every answer is one that it describes, and none is a fault of ours."""

import copy
import math
import time
from collections.abc import Iterator
from functools import cache
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
import schemathesis
from http_rig import Api
from hypothesis import HealthCheck, settings
from schemathesis.generation.feedback import FeedbackSources
from schemathesis.pytest._test_builder import build_operation_test

from tests.chance import examples
from tests.http.openapi.openapi_rig import OutOfTime, document, operations

EXAMPLES = examples(300)
BUDGET_S = 5.0 * examples(1)
"""For all routes together, of which each has its share. On a slow machine the last examples are left out."""

MAX_URL_CHARS = 60_000
"""Beyond 64 KiB the HTTP parser refuses the request: no route sees it."""

CHANGED = "changed"
PROJECTS = {"delete_project": "deleted"}
"""By operation, for those that would spoil it for others."""


def fuzzed() -> dict[str, Any]:
    """The document, narrowed where a random text would get no further than the first check (the project and the token that exist, dates,
    no smart events), where making examples takes longer than sending them, and where a right request would spoil the server for others:
    projects that change are not `dev`, and nobody is made an administrator."""
    narrowed = copy.deepcopy(document())
    schemas = narrowed["components"]["schemas"]
    for methods in narrowed["paths"].values():
        for operation in methods.values():
            project = PROJECTS.get(operation["operationId"], CHANGED if operation["tags"][0] in ("Projects", "Users") else "dev")
            for parameter in operation.get("parameters", ()):
                if parameter["name"] == "project_id":
                    parameter["schema"] = {"type": "string", "enum": [project]}
    for name in ("IngestRequest", "RecordingUploadRequest"):
        schemas[name]["properties"]["projectToken"]["enum"] = ["sv_pub_dev"]
    schemas["DateText"] = {"type": "string", "enum": ["2025-03-01", "2025-03-02T10:00:00+01:00", "-2mo", "-36h"]}
    for name in ("TrendsRequestSeries", "FunnelRequestStep"):
        schemas[name]["properties"]["action_id"] = {"type": "null"}
    # What others saved is not bound by what is narrowed here.
    schemas["SavedInsight"]["properties"]["query"] = {"type": "object"}
    schemas["ImportChunk"]["properties"]["batches"]["maxItems"] = 2
    schemas["ImportBatch"]["properties"]["events"]["maxItems"] = 3
    for name in ("TrendsRequest", "FunnelRequest"):
        schemas[name]["properties"]["timezone"] = {
            "type": ["string", "null"],
            "enum": ["Asia/Kathmandu", "America/New_York", None],
        }

    schemas["ProjectRequest"]["properties"]["id"] = {"type": "null"}  # or a wrong path would meet a project that is there
    for name in ("UserRequest", "UserChange"):
        schemas[name]["properties"]["is_instance_admin"] = {"type": ["boolean", "null"], "enum": [False, None]}
    return narrowed


def checks(*names: str) -> list[Any]:
    return [schemathesis.checks.CHECKS.get_one(name) for name in names]


@cache
def schema() -> Any:
    made = schemathesis.openapi.from_dict(fuzzed())
    made.config.checks.negative_data_rejection.expected_statuses += ["413"]
    return made


schemathesis.checks.load_all_checks()
# Rules that no schema can say (dates in order, a math with its property) refuse some requests that the schema allows. Credentials have
# a test of their own, which need not ask for each example again.
EXCLUDED = checks("positive_data_acceptance", "ignored_auth")
# Where events come in, the good ones are taken whatever the others are.
EXCLUDED_OF_TAG = {tag: [*EXCLUDED, *checks("negative_data_rejection")] for tag in ("Ingest", "Imports")}


class Budget:
    """Time for one operation's examples, beyond the first MIN_EXAMPLES. A failure lifts it, so that it can be shrunk."""

    def __init__(self, seconds: float) -> None:
        self.ends = time.monotonic() + seconds
        self.tried = 0

    def is_spent(self) -> bool:
        return self.tried >= MIN_EXAMPLES and time.monotonic() > self.ends


FUZZED: Final = sum("parameters" in found.operation or "requestBody" in found.operation for found in operations().values())

LEAST_IN_ALL: Final = 2000

MIN_EXAMPLES: Final = math.ceil(LEAST_IN_ALL / FUZZED)
"""Of each operation that takes anything at all, however slow the machine."""


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as opened:
        opened.trust_env = False
        yield opened


@pytest.fixture(scope="module")
def tried() -> Iterator[dict[str, int]]:
    """How many examples each operation had. Of a run over all of them at least 2,000 in all, however few some allow."""
    counts: dict[str, int] = {}
    yield counts
    if counts.keys() == operations().keys():
        assert sum(counts.values()) >= LEAST_IN_ALL


@pytest.fixture(scope="module")
def spare(client: Api) -> None:
    """The projects that may be changed."""
    for project in (CHANGED, *PROJECTS.values()):
        assert client.http.post("/api/v1/projects", json={"name": project, "id": project}).status_code == 201


# Not `schema.parametrize()`, which makes what is special of each operation while the tests are collected: every worker would.
@pytest.mark.usefixtures("spare")
@pytest.mark.parametrize("operation_id", sorted(operations()))
def test_every_answer_is_as_described(operation_id: str, full: Api, session: requests.Session, tried: dict[str, int]) -> None:
    described = operations()[operation_id]

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    def ask(case: Any) -> None:
        if budget.is_spent():
            raise OutOfTime
        budget.tried += 1
        check(case, full, session, budget)

    asking = build_operation_test(
        config=schema().config,
        operation=schema()[described.path][described.method],
        test_func=ask,
        given_kwargs={},
        feedback=FeedbackSources(),
    )
    budget = Budget(BUDGET_S / FUZZED)
    try:
        asking()
    finally:
        tried[operation_id] = budget.tried


def check(case: Any, full: Api, session: requests.Session, budget: Budget) -> None:
    """Send it, and hold the answer to the document."""
    sending = {"base_url": full.server.url, "session": session, "headers": {"Authorization": "Bearer sv_dev"}}
    answer = case.call(**sending)
    if len(answer.request.url) > MAX_URL_CHARS:
        assert answer.status_code == 400
        return
    excluded = EXCLUDED_OF_TAG.get(case.operation.tags[0], EXCLUDED)
    if len(parse_qsl(urlsplit(answer.request.url).query, keep_blank_values=True)) < len(case.query or {}):
        # What is wrong may be a parameter whose value is an empty list, of which a URL shows nothing.
        excluded = [*excluded, *checks("negative_data_rejection")]
    try:
        case.validate_response(answer, headers=sending["headers"], excluded_checks=excluded, transport_kwargs=sending)
    except BaseException:
        budget.ends = float("inf")
        raise
