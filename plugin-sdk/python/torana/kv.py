"""Values that outlive requests, shared by all instances of this gateway. Needs the grant `kv`."""

from componentize_py_types import Err
from wit_world.imports import kv

from torana import KindError, checked, checked_bytes, checked_time, checked_whole


class KvError(KindError):
    """The store has refused. `kind` says why: too-large, quota, not-a-counter or unavailable."""


def get(key: str) -> bytes | None:
    """The value of a key."""
    try:
        return kv.get(checked(key))
    except Err as error:
        raise KvError(error.value) from None


def set(key: str, value: bytes | str, ttl_ms: int | None = None) -> None:
    """Keeps a value, for `ttl_ms` milliseconds or for ever."""
    try:
        kv.set(checked(key), checked_bytes(value), checked_time(ttl_ms, 64))
    except Err as error:
        raise KvError(error.value) from None


def set_if_absent(key: str, value: bytes | str, ttl_ms: int | None = None) -> bool:
    """Keeps a value only if there is none; says whether it did."""
    try:
        return kv.set_if_absent(checked(key), checked_bytes(value), checked_time(ttl_ms, 64))
    except Err as error:
        raise KvError(error.value) from None


def delete(key: str) -> bool:
    """Says whether there was one."""
    try:
        return kv.delete(checked(key))
    except Err as error:
        raise KvError(error.value) from None


def add(key: str, by: int = 1, ttl_ms: int | None = None) -> int:
    """Adds to a counter, which begins at zero, and gives the sum."""
    try:
        return kv.add(checked(key), checked_whole(by, 64, signed=True), checked_time(ttl_ms, 64))
    except Err as error:
        raise KvError(error.value) from None
