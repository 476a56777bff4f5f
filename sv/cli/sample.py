"""Filling a server with the sample shop, by the way that every event takes."""

from typing import Final

import msgspec

from sv.cli.credentials import Credentials
from sv.ingest.decode import decode
from sv.meta.instance import Settings as InstanceSettings
from sv.meta.reset import delete_all_events
from sv.model.batch import VERSION, Batch, encode_batch
from sv.server import Server

BATCH_EVENTS: Final = 1000

_IS_COMPLETE: Final = "sample_complete"
"""The key of whether the sample is there in whole: `false` from before its first event, `true` from after its last one."""


def add_sample(server: Server, made: Credentials) -> None:
    """Log and accept the shop's events, before anything is served."""
    from sv.sample.shop import shop_events

    state = InstanceSettings(server.meta)
    state.put(_IS_COMPLETE, "false")
    now = server.clock()
    events = shop_events(now)
    for start in range(0, len(events), BATCH_EVENTS):
        request = {"projectToken": made.project_token, "events": events[start : start + BATCH_EVENTS]}
        decoded = decode(msgspec.json.encode(request), now)
        assert not decoded.rejections, decoded.rejections
        batch = Batch(VERSION, made.project_id, now, decoded.accepted, "", None, b"", b"", decoded.events_json)
        server.store_now(batch, encode_batch(batch))
    state.put(_IS_COMPLETE, "true")


def remove_cut_off_sample(server: Server) -> bool:
    """Empty a server whose start ended while the sample was added, before it serves for the first time; whether it was one.

    Assumes that every start asks, so that there are no events but the sample's. Where something was imported since, all is left as it is.
    """
    state = InstanceSettings(server.meta)
    if state.get(_IS_COMPLETE) != "false":
        return False
    is_its_own = not server.parts.ledger().imported
    if is_its_own:
        server.maintenance.reset(lambda covered_seq: delete_all_events(server.meta, covered_seq=covered_seq))
    state.put(_IS_COMPLETE, "true")
    return is_its_own
