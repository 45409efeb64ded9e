"""Requests to other services, through the gateway's own client. Needs their origins in the grant `http`."""

import json as _json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from componentize_py_types import Err, Ok
from wit_world.imports import http

from torana import KindError, checked, checked_bytes, checked_time


class HttpError(KindError):
    """There is no answer. `kind` says why: denied, invalid, too-many, timeout, too-large or failed."""


@dataclass
class Reply:
    """An answer."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """The first field with that name."""
        wanted = name.lower()
        return next((value for name, value in self.headers if name.lower() == wanted), None)

    def json(self) -> Any:
        """The body as JSON."""
        return _json.loads(self.body)


def request(
    method: str,
    url: str,
    headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
    body: bytes | str = b"",
    timeout_ms: int | None = None,
) -> http.Request:
    """A request for `send_all`. The URL is absolute; without `timeout_ms` the answer may take a second."""
    fields = headers.items() if isinstance(headers, Mapping) else headers
    fields = [(checked(name), checked(value)) for name, value in fields]
    timeout = checked_time(timeout_ms, 32)
    return http.Request(checked(method), checked(url), fields, checked_bytes(body), timeout)


def send(
    method: str,
    url: str,
    headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
    body: bytes | str = b"",
    timeout_ms: int | None = None,
) -> Reply:
    """Sends a request and waits for the answer. Raises `HttpError`."""
    try:
        return _reply(http.send(request(method, url, headers, body, timeout_ms)))
    except Err as error:
        raise HttpError(error.value) from None


def send_all(requests: list[http.Request]) -> list[Reply | HttpError]:
    """Sends requests at the same time and waits for all answers, which come in the order of the requests."""
    for wrong in requests:
        if type(wrong) is not http.Request:
            raise TypeError(f"make requests with `torana.http.request`, not {type(wrong).__name__}")
    results = http.send_all(requests)
    return [_reply(r.value) if isinstance(r, Ok) else HttpError(r.value) for r in results]


def _reply(response: http.Response) -> Reply:
    return Reply(response.status, response.headers, response.body)
