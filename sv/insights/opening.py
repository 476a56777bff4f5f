"""Makes the runner that the settings describe."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from sv.engine.port import Engine
from sv.insights.rotation import Rotation
from sv.insights.runner import Events, Runner
from sv.model.part import Part
from sv.settings import Settings


def open_runner(
    settings: Settings,
    open_engine: Callable[[], Engine],
    events: Events,
    catch_up: Callable[[], None],
    check_parts: Callable[[Sequence[Part]], int],
    lower_priority: Callable[[], None],
    giving_way: Callable[[], AbstractContextManager[None]],
    is_ingest_busy: Callable[[], bool],
) -> Runner:
    """The one runner of a server; its parameters are explained there."""
    return Runner(
        open_engine=open_engine,
        events=events,
        catch_up=catch_up,
        check_parts=check_parts,
        timeout_s=settings.query_timeout_seconds,
        max_wait_s=settings.query_wait_seconds,
        max_running=settings.max_concurrent_queries,
        max_waiting=settings.query_queue_limit,
        threads=settings.threads,
        lower_priority=lower_priority,
        giving_way=giving_way,
        rotation=Rotation(max(settings.threads // 2, 1), is_ingest_busy),
    )
