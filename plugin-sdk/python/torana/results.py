"""What hooks may return: beyond this point a wrong type ends the instance."""

from types import CoroutineType, ModuleType

from torana import Answer

NARROWED = ("on_request", "on_backend_request", "on_backend_response", "on_response")
# They are always called.
OTHERS = ("on_request_body", "on_response_body", "handle")


def answer(result: object) -> Answer:
    """The result of a hook that must answer."""
    if type(result) is not Answer:
        raise TypeError(f"the hook must return an Answer, not {type(result).__name__}")
    return result


def action(result: object) -> Answer | None:
    """The result of a request hook: nothing if the request goes on."""
    return None if result is None else answer(result)


def nothing(result: object) -> None:
    """The result of a response hook, which has none."""
    if isinstance(result, CoroutineType):
        result.close()
        raise TypeError("the hook returns a coroutine, which nobody waits for")


def chunk(result: object, data: bytes) -> bytes:
    """What takes the place of a chunk."""
    if result is None:
        return data
    if type(result) is not bytes:
        raise TypeError(f"the hook must return bytes, not {type(result).__name__}")
    return result


def wanted(names: object, plugin: ModuleType) -> list[str]:
    """Which hooks the plugin wants to be called for: all if its `init` does not say.

    A name that is none is an error: a guard whose hook is never called would let everybody pass.
    """
    if names is None:
        return [hook for hook in NARROWED if hasattr(plugin, hook)]
    if not isinstance(names, (list, tuple)):
        found = type(names).__name__
        raise TypeError(f"`init` must return a list with names of hooks, or nothing, not {found}")
    for name in names:
        if name not in NARROWED + OTHERS or not hasattr(plugin, name):
            raise ValueError(f"`init` returns {name!r}, which is no hook that the plugin defines")
    return [hook for hook in NARROWED if hook in names]
