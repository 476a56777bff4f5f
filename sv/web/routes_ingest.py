"""The routes that `front` and the client's door answer without the framework, as the framework knows them.

Answers for ingest, its configuration and health being in the application's routes, where the OpenAPI document and the table of permissions
find them. Their handlers answer nothing: `front` takes these paths first. A test holds the two to each other.
"""

from typing import NoReturn

from litestar import get, post

from sv.model.errors import NotFound
from sv.web.client_door import INGEST_CONFIG
from sv.web.front import HEALTH, INGEST_EVENTS
from sv.web.permissions import ANYONE, PROJECT_TOKEN


@post(INGEST_EVENTS, status_code=202, operation_id="ingest_events", opt={"permission": PROJECT_TOKEN})
async def ingest_events_stub() -> None:
    """`Front._ingest` answers."""
    _never()


@get(INGEST_CONFIG, operation_id="get_ingest_config", opt={"permission": PROJECT_TOKEN})
async def ingest_config_stub() -> None:
    """`ClientDoor._give_config` answers."""
    _never()


@get(HEALTH, operation_id="get_health", opt={"permission": ANYONE})
async def health_stub() -> None:
    """`Front._healthz` answers."""
    _never()


def _never() -> NoReturn:
    """Reached only by a path that the framework but not `front` takes for one of these, such as one with two slashes in a row."""
    raise NotFound("no such route")
