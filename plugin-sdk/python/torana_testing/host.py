"""A small gateway for tests: the modules that a plugin imports, acting on plain values."""

import json
import math
import os
import random
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from types import ModuleType, SimpleNamespace
from typing import Any


@dataclass
class State:
    """What the plugin acts on."""

    config: Any = None
    env: dict[str, str] = field(default_factory=dict)
    http: Callable[[Any], Any] | None = None
    message: dict[str, Any] = field(default_factory=dict)
    context: dict[str, bytes] = field(default_factory=dict)
    kv: dict[str, Any] = field(default_factory=dict)
    lines: list[tuple[str, str]] = field(default_factory=list)
    metrics: list[tuple[str, str, float, dict[str, str]]] = field(default_factory=list)


_state = State()


def start(state: State) -> State:
    """Makes this the state that everything acts on."""
    global _state
    _state = state
    return state


@dataclass(frozen=True)
class Err(Exception):
    value: Any


@dataclass
class Ok:
    value: Any


FRAMING = set(
    "connection keep-alive proxy-connection proxy-authenticate te trailer transfer-encoding upgrade content-length host".split()
)


TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"


def _editable(name: str, value: str = "") -> None:
    if not re.fullmatch(TOKEN, name):
        raise Err(f"`{name}` is not a header name")
    if re.search(r"[\x00-\x08\x0a-\x1f\x7f]", value):
        raise Err(f"the value of `{name}` is not valid")
    if name.lower() in FRAMING:
        raise Err(f"`{name}` belongs to the gateway")


def _member(key: str) -> Any:
    if key not in _state.message:
        raise RuntimeError(f"`{key}` is not there in this hook")
    return _state.message[key]


def _put(key: str, fine: Callable[[Any], bool] = lambda _: True, what: str = "") -> Callable[[Any], None]:
    """Sets a member to what is fine."""

    def put(value: Any) -> None:
        _member(key)
        if not fine(value):
            raise Err(f"`{value}` is not {what}")
        _state.message[key] = value

    return put


def _is_method(method: str) -> bool:
    return re.fullmatch(TOKEN, method) is not None and method != "CONNECT"


def _is_uri(text: str) -> bool:
    """What may stand in a path or query as it is: the rest is percent-encoded."""
    return re.fullmatch(r"[!-~]*", text) is not None and re.search(r"[#<>\\]", text) is None


def _is_path(path: str) -> bool:
    return path.startswith("/") and _is_uri(path) and "?" not in path


def _set_body(body: bytes) -> None:
    if "data" in _state.message:
        raise Err("the response is decoded: it has data, no body")
    _put("body")(body)


def _values(name: str) -> list[str]:
    return [value for known, value in _member("headers") if known.lower() == name.lower()]


def _remove_header(name: str) -> None:
    _editable(name)
    headers = _member("headers")
    _state.message["headers"] = [field for field in headers if field[0].lower() != name.lower()]


def _add_header(name: str, value: str) -> None:
    _editable(name, value)
    _member("headers").append((name, value))


def _set_header(name: str, value: str) -> None:
    _remove_header(name)
    _add_header(name, value)


# What stands where there is nothing.
_NOTHING = object()


def _data() -> Any:
    """The decoded data; a response with a body has none, a request cannot be asked for any."""
    _member("status")
    return _state.message.get("data", _NOTHING)


def _data_or_refused() -> Any:
    data = _data()
    if data is _NOTHING:
        raise Err("the response is not decoded (`no-op`): it has a body, no data")
    return data


def _keys(pointer: str) -> list[str] | None:
    """The unescaped keys of a JSON Pointer, if it is one."""
    if pointer and not pointer.startswith("/"):
        return None
    return [key.replace("~1", "/").replace("~0", "~") for key in pointer.split("/")[1:]]


def _keys_or_refused(pointer: str) -> list[str]:
    keys = _keys(pointer)
    if keys is None:
        raise Err(f"`{pointer}` is no JSON Pointer: it must be empty or begin with a slash")
    return keys


def _key_in(value: Any, key: str) -> Any:
    """The key as the value has it, if it has something there: an index has no leading zeros."""
    if isinstance(value, list) and re.fullmatch("0|[1-9][0-9]*", key) and int(key) < len(value):
        return int(key)
    return key if isinstance(value, dict) and key in value else None


def _below(value: Any, keys: list[str]) -> Any:
    for key in keys:
        found = _key_in(value, key)
        if found is None:
            return _NOTHING
        value = value[found]
    return value


def _get_data(pointer: str) -> str | None:
    keys = _keys(pointer)
    value = _NOTHING if keys is None else _below(_data(), keys)
    return None if value is _NOTHING else json.dumps(value)


def _read(text: str) -> Any:
    """JSON, which has no `NaN`."""

    def refuse(constant: str) -> Any:
        raise Err(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


def _set_data(pointer: str, text: str) -> None:
    root, keys, value = _data_or_refused(), _keys_or_refused(pointer), _read(text)
    if not keys:
        if not isinstance(value, dict):
            raise Err("the data is an object")
        _state.message["data"] = value
        return
    parent, last = _below(root, keys[:-1]), keys[-1]
    if isinstance(parent, dict):
        parent[last] = value
    elif isinstance(parent, list) and last == "-":
        parent.append(value)
    elif (index := _key_in(parent, last)) is not None:
        parent[index] = value
    else:
        raise Err(f"there is no place `{pointer}` in the data")


def _remove_data(pointer: str) -> bool:
    root, keys = _data_or_refused(), _keys_or_refused(pointer)
    if not keys:
        _state.message["data"] = {}
        return bool(root)
    parent = _below(root, keys[:-1])
    key = _key_in(parent, keys[-1])
    if key is None:
        return False
    del parent[key]
    return True


def _no_json_path(*_: Any) -> Any:
    raise Err("the test double has no JSONPath")


def _error(kind: str, *reason: str) -> Err:
    """An error of the interface. Its type is named as in the bindings: the SDK reads the kind off its name."""
    name = "".join(word.capitalize() for word in kind.split("-"))
    return Err(type(f"Error_{name}", (), {"value": reason[0]} if reason else {})())


def _send(request: Any) -> Any:
    if _state.http is None:
        raise _error("denied", request.url)
    try:
        status, headers, body = _state.http(request)
    except Exception as error:
        if hasattr(error, "kind"):
            raise _error(error.kind) from None
        raise
    return SimpleNamespace(status=status, headers=list(headers.items()), body=body)


def _result(request: Any) -> Any:
    try:
        return Ok(_send(request))
    except Err as error:
        return error


@dataclass
class _Entry:
    """A value and when its time is over. Counters are numbers, and read as text."""

    value: bytes | int
    until: float

    def bytes(self) -> bytes:
        return str(self.value).encode() if isinstance(self.value, int) else self.value


def _live(key: str, value: bytes = b"") -> _Entry | None:
    if len(key.encode()) > 256 or len(value) > 64 << 10:
        raise _error("too-large")
    entry = _state.kv.get(key)
    return entry if entry is not None and time.time() < entry.until else None


def _keep(key: str, value: bytes | int, ttl_ms: int | None) -> None:
    until = math.inf if ttl_ms is None else time.time() + ttl_ms / 1e3
    _state.kv[key] = _Entry(value, until)


def _get_value(key: str) -> bytes | None:
    entry = _live(key)
    return None if entry is None else entry.bytes()


def _set_value(key: str, value: bytes, ttl_ms: int | None) -> None:
    _live(key, value)
    _keep(key, value, ttl_ms)


def _set_if_absent(key: str, value: bytes, ttl_ms: int | None) -> bool:
    absent = _live(key, value) is None
    if absent:
        _keep(key, value, ttl_ms)
    return absent


def _delete(key: str) -> bool:
    was = _live(key) is not None
    _state.kv.pop(key, None)
    return was


def _add(key: str, by: int, ttl_ms: int | None) -> int:
    entry = _live(key)
    if entry is None:
        _keep(key, by, ttl_ms)
        return by
    if not isinstance(entry.value, int):
        raise _error("not-a-counter")
    # The time keeps running from the first use.
    entry.value = max(-(2**63), min(2**63 - 1, entry.value + by))
    return entry.value


@dataclass
class _Found:
    value: bytes


class _Yours:
    pass


def _claim(key: str, _: int | None) -> _Found | _Yours:
    """Nobody to wait for: one hook runs at a time."""
    value = _get_value(key)
    return _Yours() if value is None else _Found(value)


def _metric(kind: str) -> Callable[[str, float, list[tuple[str, str]]], None]:
    return lambda name, value, labels: _state.metrics.append((kind, name, value, dict(labels)))


@dataclass
class _Request:
    method: str
    url: str
    headers: list[tuple[str, str]]
    body: bytes
    timeout_ms: int | None


INTERFACES: dict[str, dict[str, Any]] = {
    "exchange": {
        "request_id": lambda: 1,
        "client_ip": lambda: "192.0.2.1",
        "route": lambda: "/route",
        "method": lambda: _member("method"),
        "set_method": _put("method", _is_method, "a method"),
        "path": lambda: _member("path"),
        "set_path": _put("path", _is_path, "a path"),
        "query": lambda: _member("query"),
        "set_query": _put("query", _is_uri, "a query"),
        "param": lambda name: _member("params").get(name),
        "get_header": lambda name: next(iter(_values(name)), None),
        "get_header_all": _values,
        "header_names": lambda: list(dict.fromkeys(name.lower() for name, _ in _member("headers"))),
        "set_header": _set_header,
        "add_header": _add_header,
        "remove_header": _remove_header,
        "body": lambda: _member("body"),
        "set_body": _set_body,
        "status": lambda: _member("status"),
        "set_status": _put("status", range(200, 600).__contains__, "a status between 200 and 599"),
        "complete": lambda: _member("complete"),
    },
    "data": {
        "get": _get_data,
        "set": _set_data,
        "remove": _remove_data,
        "query": _no_json_path,
        "replace": _no_json_path,
    },
    "context": {
        "get": lambda key: _state.context.get(key),
        "set": lambda key, value: _state.context.__setitem__(key, value),
    },
    "config": {
        "get": lambda: json.dumps(_state.config),
        "env": lambda name: _state.env.get(name),
    },
    "log": {
        "Level": Enum("Level", "TRACE DEBUG INFO WARN ERROR"),
        "write": lambda level, message: _state.lines.append((level.name.lower(), message)),
    },
    "clock": {"now_ms": lambda: int(time.time() * 1e3), "monotonic_ns": time.monotonic_ns},
    "random": {"get_u64": lambda: random.getrandbits(64), "get_bytes": os.urandom},
    "http": {
        "Request": _Request,
        "Response": SimpleNamespace,
        "send": _send,
        "send_all": lambda requests: [_result(request) for request in requests],
    },
    "kv": {
        "get": _get_value,
        "set": _set_value,
        "set_if_absent": _set_if_absent,
        "delete": _delete,
        "add": _add,
    },
    "cache": {
        "Claimed_Found": _Found,
        "Claimed_Yours": _Yours,
        "claim": _claim,
        "keep": _set_value,
        "release": lambda _: None,
    },
    "metrics": {"count": _metric("count"), "gauge": _metric("gauge"), "observe": _metric("observe")},
}


def install() -> None:
    """Puts the modules there that `componentize-py` generates for a component."""
    _module("componentize_py_types", {"Err": Err, "Ok": Ok})
    _module("wit_world", {})
    imports = _module("wit_world.imports", {})
    for name, members in INTERFACES.items():
        setattr(imports, name, _module(f"wit_world.imports.{name}", members))


def _module(name: str, members: dict[str, Any]) -> ModuleType:
    module = ModuleType(name)
    module.__dict__.update(members)
    sys.modules[name] = module
    return module
