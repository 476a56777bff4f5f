"""The books of a folder, as `/metrics` of its server has them: every event that was taken in is in one state."""

import re

from crash_rig import Server

LINE = re.compile(r'^sv_events(?:_(accepted|imported)_total|\{state="(\w+)"\}) (\d+)$', re.MULTILINE)


def books(server: Server) -> dict[str, int]:
    """Accepted, imported, and the states, of one reading."""
    status, _, text = server.ask("GET", "/metrics")
    assert status == 200, text
    found = {total or state: int(number) for total, state, number in LINE.findall(text)}
    assert found.keys() == {"accepted", "imported", "stored", "queued", "set_aside", "repeated", "removed"}
    return found


def imbalance(found: dict[str, int]) -> int:
    states = ("stored", "queued", "set_aside", "repeated", "removed")
    return found["accepted"] + found["imported"] - sum(found[state] for state in states)
