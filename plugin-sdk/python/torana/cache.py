"""Values that are costly to make: one hook makes the value while all others wait for it. Needs the grant `kv`."""

from collections.abc import Callable

from componentize_py_types import Err
from wit_world.imports import cache

from torana import KindError, checked, checked_bytes, checked_time


class CacheError(KindError):
    """There is neither a value nor a claim. `kind` says why: too-large, quota, too-many, timeout or unavailable."""


def get_or_make(key: str, make: Callable[[], tuple[bytes | str, int | None]]) -> bytes:
    """The value of a key. If there is none, `make` gives it and its time to live in milliseconds, while all others wait
    for up to a second; if it raises, the next of them makes the value."""
    found = claim(key)
    if found is not None:
        return found
    try:
        value, ttl_ms = make()
        made = checked_bytes(value)
        keep(key, made, ttl_ms)
        return made
    except BaseException:
        release(key)
        raise


def claim(key: str, wait_ms: int | None = None) -> bytes | None:
    """The value of a key. `None`: there is none, and this hook is the one that makes it, until it calls `keep` or
    `release`, or is over. Waits while another hook has the claim, for a second without `wait_ms`."""
    try:
        claimed = cache.claim(checked(key), checked_time(wait_ms, 32))
    except Err as error:
        raise CacheError(error.value) from None
    return claimed.value if isinstance(claimed, cache.Claimed_Found) else None


def keep(key: str, value: bytes | str, ttl_ms: int | None = None) -> None:
    """Keeps a value as `kv.set` does and ends the claim: all that wait get the value. It also ends with an error."""
    try:
        cache.keep(checked(key), checked_bytes(value), checked_time(ttl_ms, 64))
    except Err as error:
        raise CacheError(error.value) from None


def release(key: str) -> None:
    """Gives the claim up: the next one that waits gets it."""
    cache.release(checked(key))
