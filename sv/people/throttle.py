"""How often somebody may try a wrong password: LOGIN_TRIES_OF_… at once, then one each LOGIN_TRY_EVERY_S.

This makes guessing slow both from one address and at one account, within a bounded memory. A try is taken before the password is checked,
so that many at once count as many, and is given back where the password was right. The price: whoever keeps trying wrong passwords at an
account keeps its owner from logging in for as long. Login sessions that the owner has already are not affected. Counts what was refused,
and keeps nothing about who tried.
"""

import hashlib
import math
import threading
from collections.abc import Callable

from sv.meta.users import email_key
from sv.model.errors import RateLimited
from sv.model.limits import LOGIN_TRIES_OF_ADDRESS, LOGIN_TRIES_OF_EMAIL, LOGIN_TRY_EVERY_S, MAX_THROTTLED
from sv.model.rate_limiter import RateLimiter, network_of


class Refusals:
    """How many credentials were refused since the start, by why. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts = {"password": 0, "throttled": 0, "api_token": 0}

    def count(self, reason: str) -> None:
        """reason: a wrong `password`, a try too many (`throttled`), an `api_token` that is unknown or not good any more."""
        with self._lock:
            self._counts[reason] += 1

    def by_reason(self) -> dict[str, int]:
        with self._lock:
            return dict(self._counts)


class Throttle:
    """Thread-safe. monotonic_s: the clock. refusals: told of each try too many."""

    def __init__(self, monotonic_s: Callable[[], float], refusals: Refusals) -> None:
        self._monotonic_s = monotonic_s
        self._refusals = refusals
        self._lock = threading.Lock()
        self._addresses, self._emails = _all_tries()

    def take(self, address: str, email: str) -> None:
        """Use up a try of both. Raises RateLimited where either has none; then none is used up."""
        now_s = self._monotonic_s()
        with self._lock:
            waits = (self._addresses.wait_s(network_of(address), now_s), self._emails.wait_s(_digest(email), now_s))
            if max(waits) > 0:
                self._refusals.count("throttled")
                raise RateLimited("too many wrong passwords; wait as Retry-After says", math.ceil(max(waits)))
            self._addresses.take(network_of(address), LOGIN_TRY_EVERY_S, now_s)
            self._emails.take(_digest(email), LOGIN_TRY_EVERY_S, now_s)

    def give_back(self, address: str, email: str) -> None:
        """The password was right: the account has all its tries again, the address the one it used."""
        with self._lock:
            self._addresses.give_back(network_of(address), LOGIN_TRY_EVERY_S)
            self._emails.forget(_digest(email))

    def forget_all(self) -> None:
        """Everybody has all tries again."""
        with self._lock:
            self._addresses, self._emails = _all_tries()


def _all_tries() -> tuple[RateLimiter, RateLimiter]:
    """Of addresses and of accounts. The last try is taken where there is any room at all."""
    addresses, emails = ((tries - 1) * LOGIN_TRY_EVERY_S for tries in (LOGIN_TRIES_OF_ADDRESS, LOGIN_TRIES_OF_EMAIL))
    return RateLimiter(addresses, MAX_THROTTLED), RateLimiter(emails, MAX_THROTTLED)


def _digest(email: str) -> bytes:
    """One key for every way to write an address, of a bounded size."""
    return hashlib.blake2b(email_key(email).encode("utf-8", "replace"), digest_size=16).digest()
