"""State that the hooks of one request hand to each other. The memory of the instance must not be used for that."""

from componentize_py_types import Err
from wit_world.imports import context

from torana import PluginError, checked, checked_bytes


def get(key: str) -> bytes | None:
    """What an earlier hook has set."""
    return context.get(checked(key))


def set(key: str, value: bytes | str) -> None:
    """Keeps a value: at most 64 keys, 64 KiB for keys and values together."""
    try:
        context.set(checked(key), checked_bytes(value))
    except Err as error:
        raise PluginError(error.value) from None
