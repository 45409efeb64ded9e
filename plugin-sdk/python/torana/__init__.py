"""What a plugin sees of the gateway: requests, responses, answers.

Hooks get the same `Request` or `Response` object in every call; it stands for the message that the hook is about, and
holds nothing itself.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from componentize_py_types import Err
from wit_world.imports import exchange

__all__ = ["Answer", "KindError", "Message", "PluginError", "Request", "Response"]


class PluginError(Exception):
    """What the gateway refuses, such as a header name that is not valid."""


class KindError(PluginError):
    """What another service or the store refuses. `kind` says why in a word."""

    def __init__(self, error: Any) -> None:
        name = type(error).__name__.removeprefix("Error_")
        self.kind = "".join("-" + c.lower() if c.isupper() else c for c in name).lstrip("-")
        reason = getattr(error, "value", None)
        super().__init__(self.kind if reason is None else f"{self.kind}: {reason}")


def checked(text: str) -> str:
    """A text that the gateway can take: anything else would end the instance."""
    if type(text) is not str:
        raise TypeError(f"a text is needed, not {type(text).__name__}")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError("the text has half of a surrogate pair") from None
    return text


def checked_bytes(body: bytes | str) -> bytes:
    """A body as bytes; a text becomes UTF-8."""
    if isinstance(body, (bytes, bytearray)):
        return bytes(body)
    return checked(body).encode()


def checked_whole(number: int, bits: int, signed: bool = False) -> int:
    """A whole number of so many bits: anything else would end the instance."""
    lowest, highest = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    if type(number) is not int or not lowest <= number <= highest:
        raise ValueError(f"{number!r} is no whole number from {lowest} to {highest}")
    return number


def checked_time(milliseconds: int | None, bits: int) -> int | None:
    """A time, if there is one."""
    return None if milliseconds is None else checked_whole(milliseconds, bits)


class Message:
    """What requests and responses share."""

    __slots__ = ()

    @property
    def id(self) -> int:
        """Number of the request in its process, as in the gateway's log."""
        return exchange.request_id()

    @property
    def client_ip(self) -> str:
        """Who asks: the peer's address, or what a trusted forwarding header names."""
        return exchange.client_ip()

    @property
    def route(self) -> str | None:
        """The endpoint as configured, such as `/users/{id}`; none before routing."""
        return exchange.route()

    def header(self, name: str) -> str | None:
        """The first field with that name, which is case-insensitive."""
        return exchange.get_header(checked(name))

    def header_all(self, name: str) -> list[str]:
        """All fields with that name, in order."""
        return exchange.get_header_all(checked(name))

    def header_names(self) -> list[str]:
        """Names that occur, each once, in lower case."""
        return exchange.header_names()

    def set_header(self, name: str, value: str) -> None:
        """Replaces all fields with that name. Raises for what HTTP or the gateway refuses."""
        try:
            exchange.set_header(checked(name), checked(value))
        except Err as error:
            raise PluginError(error.value) from None

    def add_header(self, name: str, value: str) -> None:
        """Adds a field beside those with that name. Raises as `set_header` does."""
        try:
            exchange.add_header(checked(name), checked(value))
        except Err as error:
            raise PluginError(error.value) from None

    def remove_header(self, name: str) -> None:
        """Removes all fields with that name. Raises as `set_header` does."""
        try:
            exchange.remove_header(checked(name))
        except Err as error:
            raise PluginError(error.value) from None

    def body(self) -> bytes | None:
        """The body, if it is there as a whole: always with `limits.body`, otherwise only where the
        gateway has collected it for itself, as for an endpoint with several backends."""
        return exchange.body()

    def set_body(self, body: bytes | str) -> None:
        """Replaces the body, read or not."""
        try:
            exchange.set_body(checked_bytes(body))
        except Err as error:
            raise PluginError(error.value) from None


class Request(Message):
    """A request, in `on_request`, `on_backend_request` and `handle`."""

    __slots__ = ()

    @property
    def method(self) -> str:
        """The method, such as `GET`."""
        return exchange.method()

    @method.setter
    def method(self, method: str) -> None:
        try:
            exchange.set_method(checked(method))
        except Err as error:
            raise PluginError(error.value) from None

    @property
    def path(self) -> str:
        """The path as it is on the wire, percent-encoded. Before routing, another one changes the route."""
        return exchange.path()

    @path.setter
    def path(self, path: str) -> None:
        try:
            exchange.set_path(checked(path))
        except Err as error:
            raise PluginError(error.value) from None

    @property
    def query(self) -> str:
        """The query as it is on the wire, without `?`."""
        return exchange.query()

    @query.setter
    def query(self, query: str) -> None:
        try:
            exchange.set_query(checked(query))
        except Err as error:
            raise PluginError(error.value) from None

    def param(self, name: str) -> str | None:
        """A path parameter of the endpoint, decoded."""
        return exchange.param(checked(name))


class Response(Message):
    """An answer, in `on_response` and `on_backend_response`."""

    __slots__ = ()

    @property
    def status(self) -> int:
        """The status, from 200 to 599."""
        return exchange.status()

    @status.setter
    def status(self, status: int) -> None:
        try:
            exchange.set_status(checked_status(status))
        except Err as error:
            raise PluginError(error.value) from None

    @property
    def complete(self) -> bool:
        """Every part is there and whole."""
        return exchange.complete()


class Answer:
    """An answer that the plugin makes itself."""

    __slots__ = ("status", "headers", "body")

    def __init__(
        self,
        status: int,
        body: bytes | str = b"",
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
    ) -> None:
        """Everything is checked here: beyond this point a wrong type ends the instance."""
        fields = headers.items() if isinstance(headers, Mapping) else headers
        self.status = checked_status(status)
        self.headers = [(checked(name), checked(value)) for name, value in fields]
        self.body = checked_bytes(body)

    @classmethod
    def text(cls, status: int, text: str) -> "Answer":
        """An answer of plain text."""
        return cls(status, text, {"content-type": "text/plain; charset=utf-8"})

    @classmethod
    def json(cls, status: int, value: Any) -> "Answer":
        """An answer of JSON."""
        return cls(status, json.dumps(value), {"content-type": "application/json"})


def checked_status(status: int) -> int:
    """A status that an answer may have."""
    if type(status) is not int or not 200 <= status <= 599:
        raise ValueError(f"{status!r} is no status from 200 to 599")
    return status
