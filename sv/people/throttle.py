"""How often somebody may try a wrong password: some tries at once, then one each LOGIN_TRY_EVERY_S.

Answers for guessing being slow from one address and at one account, within a bounded memory. A try is taken before the password is looked
at, so that many at once count as many, and given back where the password was right. Who tries ten wrong ones keeps the owner of an account
out for as long as they go on: the price of guessing being slow, and the reason why an account's owner may have a login session already.
"""

import hashlib
import ipaddress
import math
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from sv.model.errors import RateLimited
from sv.model.limits import LOGIN_TRIES_OF_ADDRESS, LOGIN_TRIES_OF_EMAIL, LOGIN_TRY_EVERY_S, MAX_THROTTLED

_V6_BITS: Final = 64
"""Of an IPv6 address, what a provider gives to one customer."""


class Throttle:
    """Thread-safe. monotonic_s: the clock."""

    def __init__(self, monotonic_s: Callable[[], float]) -> None:
        self._monotonic_s = monotonic_s
        self._lock = threading.Lock()
        self._addresses = _Tries(LOGIN_TRIES_OF_ADDRESS)
        self._emails = _Tries(LOGIN_TRIES_OF_EMAIL)

    def take(self, address: str, email: str) -> None:
        """Use up a try of both. Raises RateLimited where either has none; then none is used up."""
        now_s = self._monotonic_s()
        with self._lock:
            waits = (self._addresses.wait_s(_network(address), now_s), self._emails.wait_s(_digest(email), now_s))
            if max(waits) > 0:
                raise RateLimited("too many wrong logins; wait as Retry-After says", math.ceil(max(waits)))
            self._addresses.take(_network(address), now_s)
            self._emails.take(_digest(email), now_s)

    def give_back(self, address: str, email: str) -> None:
        """The password was right: the account has all its tries again, the address the one it used."""
        with self._lock:
            self._addresses.give_back(_network(address))
            self._emails.forget(_digest(email))

    def forget_all(self) -> None:
        """Everybody has all tries again."""
        with self._lock:
            self._addresses = _Tries(LOGIN_TRIES_OF_ADDRESS)
            self._emails = _Tries(LOGIN_TRIES_OF_EMAIL)


class _Tries:
    """By key the moment at which all of its tries are back: one number, since they come back evenly."""

    def __init__(self, tries: int) -> None:
        self._room_s = (tries - 1) * LOGIN_TRY_EVERY_S
        self._full_at_s: OrderedDict[bytes, float] = OrderedDict()

    def wait_s(self, key: bytes, now_s: float) -> float:
        return self._full_at_s.get(key, now_s) - now_s - self._room_s

    def take(self, key: bytes, now_s: float) -> None:
        self._full_at_s[key] = max(self._full_at_s.get(key, now_s), now_s) + LOGIN_TRY_EVERY_S
        self._full_at_s.move_to_end(key)
        if len(self._full_at_s) > MAX_THROTTLED:
            self._full_at_s.popitem(last=False)

    def give_back(self, key: bytes) -> None:
        if key in self._full_at_s:
            self._full_at_s[key] -= LOGIN_TRY_EVERY_S

    def forget(self, key: bytes) -> None:
        self._full_at_s.pop(key, None)


def _network(address: str) -> bytes:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:  # a socket without one
        return address[:64].encode("utf-8", "replace")
    return parsed.packed[: _V6_BITS // 8] if parsed.version == 6 and parsed.ipv4_mapped is None else parsed.packed[-4:]


def _digest(email: str) -> bytes:
    """One key for every case that an address is written in, of a bounded size."""
    return hashlib.blake2b(email.strip().casefold().encode("utf-8", "replace"), digest_size=16).digest()
