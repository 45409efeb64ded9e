"""Runs a plugin's hooks in plain Python, for its tests: no gateway and no WebAssembly."""

import copy
import importlib
import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from torana_testing import host
from torana_testing.host import State

host.install()

__all__ = ["Outcome", "Plugin", "load"]


class Outcome:
    """What a hook did: its answer, if it made one, and the message as it is afterwards."""

    def __init__(self, answer: Any, message: dict[str, Any]) -> None:
        self.answer = answer
        self.message = message
        self.headers = {name.lower(): value for name, value in message["headers"]}


class Plugin:
    """A plugin that is loaded as one instance of it."""

    def __init__(self, module: ModuleType, state: State) -> None:
        torana = importlib.import_module("torana")
        self._module, self._state = module, state
        self._results = importlib.import_module("torana.results")
        self._request, self._response = torana.Request(), torana.Response()

    @property
    def lines(self) -> list[tuple[str, str]]:
        """What it has logged: level and text."""
        return self._state.lines

    @property
    def metrics(self) -> list[tuple[str, str, float, dict[str, str]]]:
        """What it has measured: kind, name, value and labels."""
        return self._state.metrics

    def on_request(self, **message: Any) -> Outcome:
        """Runs the hook on a request: method, path, query, params, headers, body."""
        return self._call("on_request", self._request, _request(**message), self._results.action)

    def on_backend_request(self, **message: Any) -> Outcome:
        """Runs the hook on a request."""
        return self._call("on_backend_request", self._request, _request(**message), self._results.action)

    def handle(self, **message: Any) -> Outcome:
        """Runs the hook on a request."""
        return self._call("handle", self._request, _request(**message), self._results.answer)

    def on_backend_response(self, **message: Any) -> Outcome:
        """Runs the hook on a response: status, complete, headers, body or data."""
        return self._call("on_backend_response", self._response, _response(**message), self._results.nothing)

    def on_response(self, **message: Any) -> Outcome:
        """Runs the hook on a response."""
        return self._call("on_response", self._response, _response(**message), self._results.nothing)

    def on_request_body(self, *chunks: bytes) -> list[bytes]:
        """Hands chunks of a body to the hook, and then its end. Gives what goes on for each of them."""
        return self._stream("on_request_body", chunks)

    def on_response_body(self, *chunks: bytes) -> list[bytes]:
        """As `on_request_body`, for the body of a response."""
        return self._stream("on_response_body", chunks)

    def _stream(self, hook: str, chunks: tuple[bytes, ...]) -> list[bytes]:
        self._state.message = {}
        run, last = getattr(self._module, hook), len(chunks)
        all_chunks = enumerate((*chunks, b""))
        return [self._results.chunk(run(chunk, at == last), chunk) for at, chunk in all_chunks]

    def _call(
        self, hook: str, view: Any, message: dict[str, Any], checked: Callable[[Any], Any]
    ) -> Outcome:
        self._state.message = message
        answer = checked(getattr(self._module, hook)(view))
        return Outcome(answer, self._state.message)


def load(
    name: str = "plugin",
    config: Any = None,
    env: Mapping[str, str] = {},
    http: Callable[[Any], tuple[int, Mapping[str, str], bytes]] | None = None,
) -> Plugin:
    """Loads a plugin as a new instance of it, and runs its `init`.

    `http` answers requests that the plugin sends; without it they are denied. What it raises with a `kind`, such as
    `timeout`, comes to the plugin as an error of that kind. The store's time is that of `time.time`.
    """
    state = host.start(State(config=config, env=dict(env), http=http))
    sys.modules.pop(name, None)
    module = importlib.import_module(name)
    start = getattr(module, "init", lambda config: None)
    importlib.import_module("torana.results").wanted(start(copy.deepcopy(config)), module)
    return Plugin(module, state)


def _request(
    method: str = "GET",
    path: str = "/",
    query: str = "",
    params: Mapping[str, str] = {},
    headers: Mapping[str, str] = {},
    body: bytes | None = None,
) -> dict[str, Any]:
    message = {"method": method, "path": path, "query": query, "params": dict(params)}
    return {**message, "headers": list(headers.items()), "body": body}


def _response(
    status: int = 200,
    complete: bool = True,
    headers: Mapping[str, str] = {},
    body: bytes | None = None,
    **data: Any,
) -> dict[str, Any]:
    message = {"status": status, "complete": complete, "headers": list(headers.items())}
    return {**message, "body": body, **data}
