"""A rate limiter for many keys at once: each key may use a burst, which then refills at a constant rate.

This is a token bucket in the form of the generic cell rate algorithm (GCRA), which needs one number per key: the moment at which the bucket
is full again. Memory is bounded, and the clock is the caller's.
"""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Final

_V6_BITS: Final = 64
"""Of an IPv6 address, what a provider gives to one customer."""


class RateLimiter:
    """burst_s: the size of the bucket, in seconds that it takes to refill.

    max_keys: how many keys are remembered. Beyond that the key that was used longest ago is forgotten, which fills its bucket.
    """

    def __init__(self, burst_s: float, max_keys: int) -> None:
        self._burst_s = burst_s
        self._max_keys = max_keys
        self._full_at_s: OrderedDict[Hashable, float] = OrderedDict()

    def wait_s(self, key: Hashable, now_s: float) -> float:
        """How long this key has to wait before it may take anything; 0 or less means not at all."""
        return self._full_at_s.get(key, now_s) - now_s - self._burst_s

    def take(self, key: Hashable, cost_s: float, now_s: float) -> None:
        """Use some of the key's bucket. cost_s: the seconds in which that refills."""
        self._full_at_s[key] = max(self._full_at_s.get(key, now_s), now_s) + cost_s
        self._full_at_s.move_to_end(key)
        if len(self._full_at_s) > self._max_keys:
            self._full_at_s.popitem(last=False)

    def give_back(self, key: Hashable, cost_s: float) -> None:
        if key in self._full_at_s:
            self._full_at_s[key] -= cost_s

    def forget(self, key: Hashable) -> None:
        """Fill the key's bucket."""
        self._full_at_s.pop(key, None)


def network_of(address: str) -> bytes:
    """The key by which to limit an address: an IPv4 address itself, the /64 network of an IPv6 one. A text that is no address, such as a
    socket gives that has none, stands for itself."""
    import ipaddress  # most servers bound nobody's rate

    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64].encode("utf-8", "replace")
    return parsed.packed[: _V6_BITS // 8] if parsed.version == 6 and parsed.ipv4_mapped is None else parsed.packed[-4:]
