"""How much each of many may do: some at once, and the rest as it comes back evenly. Within a bounded memory; the clock is the caller's."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Final

_V6_BITS: Final = 64
"""Of an IPv6 address, what a provider gives to one customer."""


class Rooms:
    """By key the moment at which all of its room is back: one number, since it comes back evenly.

    room_s: what may be taken before anybody has to wait, in seconds that it takes to come back. most: keys that are remembered; beyond,
    the one that took something longest ago has all its room again.
    """

    def __init__(self, room_s: float, most: int) -> None:
        self._room_s = room_s
        self._most = most
        self._full_at_s: OrderedDict[Hashable, float] = OrderedDict()

    def wait_s(self, key: Hashable, now_s: float) -> float:
        """How long until there is room; none to wait where it is 0 or less."""
        return self._full_at_s.get(key, now_s) - now_s - self._room_s

    def take(self, key: Hashable, cost_s: float, now_s: float) -> None:
        """cost_s: the seconds until what is taken is back."""
        self._full_at_s[key] = max(self._full_at_s.get(key, now_s), now_s) + cost_s
        self._full_at_s.move_to_end(key)
        if len(self._full_at_s) > self._most:
            self._full_at_s.popitem(last=False)

    def give_back(self, key: Hashable, cost_s: float) -> None:
        if key in self._full_at_s:
            self._full_at_s[key] -= cost_s

    def forget(self, key: Hashable) -> None:
        """All of its room is back."""
        self._full_at_s.pop(key, None)


def network_of(address: str) -> bytes:
    """Who is at an address: of an IPv6 one its network; the text itself where it is none, as of a socket without one."""
    import ipaddress  # most servers bound nobody's rate

    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64].encode("utf-8", "replace")
    return parsed.packed[: _V6_BITS // 8] if parsed.version == 6 and parsed.ipv4_mapped is None else parsed.packed[-4:]
