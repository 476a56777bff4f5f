"""Filling a server with the sample shop, by the way that every event takes."""

from typing import Final

import msgspec

from sv.cli.credentials import Credentials
from sv.ingest.decode import decode
from sv.model.batch import VERSION, Batch, encode_batch
from sv.sample.shop import shop_events
from sv.server import Server

BATCH_EVENTS: Final = 1000


def add_sample(server: Server, made: Credentials) -> None:
    """Log and accept the shop's events, before anything is served."""
    now = server.clock()
    events = shop_events(now)
    for start in range(0, len(events), BATCH_EVENTS):
        request = {"projectToken": made.project_token, "events": events[start : start + BATCH_EVENTS]}
        decoded = decode(msgspec.json.encode(request), now)
        assert not decoded.rejections, decoded.rejections
        batch = Batch(VERSION, made.project_id, now, decoded.accepted, "", None, b"", b"", decoded.events_json)
        server.store_now(batch, encode_batch(batch))
