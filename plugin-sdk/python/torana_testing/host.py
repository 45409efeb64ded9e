"""A small gateway for tests: the modules that a plugin imports, acting on plain values."""

import json
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


def _editable(name: str, value: str = "") -> None:
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
        raise Err(f"`{name}` is not a header name")
    if re.search(r"[\x00-\x08\x0a-\x1f\x7f]", value):
        raise Err(f"the value of `{name}` is not valid")
    if name.lower() in FRAMING:
        raise Err(f"`{name}` belongs to the gateway")


def _member(key: str) -> Any:
    if key not in _state.message:
        raise RuntimeError(f"`{key}` is not there in this hook")
    return _state.message[key]


def _put(key: str) -> Callable[[Any], None]:
    def put(value: Any) -> None:
        _member(key)
        _state.message[key] = value

    return put


def _values(name: str) -> list[str]:
    return [value for known, value in _state.message["headers"] if known.lower() == name.lower()]


def _remove_header(name: str) -> None:
    _editable(name)
    headers = _state.message["headers"]
    _state.message["headers"] = [field for field in headers if field[0].lower() != name.lower()]


def _add_header(name: str, value: str) -> None:
    _editable(name, value)
    _state.message["headers"].append((name, value))


def _set_header(name: str, value: str) -> None:
    _remove_header(name)
    _add_header(name, value)


def _place(pointer: str) -> tuple[Any, Any] | None:
    """The container of the value that a JSON Pointer names, and the key in it."""
    keys = [key.replace("~1", "/").replace("~0", "~") for key in pointer.split("/")[1:]]
    parent = _member("data")
    for index, key in enumerate(keys):
        if isinstance(parent, list):
            key = len(parent) if key == "-" else int(key)
        elif not isinstance(parent, dict):
            return None
        if index == len(keys) - 1:
            return parent, key
        try:
            parent = parent[key]
        except LookupError:
            return None
    return None


def _get_data(pointer: str) -> str | None:
    if pointer == "":
        return json.dumps(_member("data"))
    place = _place(pointer)
    try:
        return None if place is None else json.dumps(place[0][place[1]])
    except LookupError:
        return None


def _set_data(pointer: str, text: str) -> None:
    if pointer == "":
        _put("data")(json.loads(text))
        return
    place = _place(pointer)
    if place is None:
        raise Err(f"`{pointer}` has no parent")
    parent, key = place
    if isinstance(parent, list) and key == len(parent):
        parent.append(json.loads(text))
    else:
        parent[key] = json.loads(text)


def _remove_data(pointer: str) -> bool:
    place = _place(pointer)
    try:
        if place is None:
            return False
        del place[0][place[1]]
        return True
    except LookupError:
        return False


def _no_json_path(*_: Any) -> Any:
    raise Err("the test double has no JSONPath")


@dataclass
class Error_Denied:
    """Named as in the bindings: the SDK reads the kind of an error off its name."""

    value: str


def _send(request: Any) -> Any:
    if _state.http is None:
        raise Err(Error_Denied("the test gives no `http`"))
    status, headers, body = _state.http(request)
    return SimpleNamespace(status=status, headers=list(headers.items()), body=body)


def _result(request: Any) -> Any:
    try:
        return Ok(_send(request))
    except Err as error:
        return error


def _add(key: str, by: int, _: int | None) -> int:
    _state.kv[key] = _state.kv.get(key, 0) + by
    return _state.kv[key]


def _set_if_absent(key: str, value: bytes, _: int | None) -> bool:
    absent = key not in _state.kv
    _state.kv.setdefault(key, value)
    return absent


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
        "set_method": _put("method"),
        "path": lambda: _member("path"),
        "set_path": _put("path"),
        "query": lambda: _member("query"),
        "set_query": _put("query"),
        "param": lambda name: _member("params").get(name),
        "get_header": lambda name: next(iter(_values(name)), None),
        "get_header_all": _values,
        "header_names": lambda: list(dict.fromkeys(name.lower() for name, _ in _member("headers"))),
        "set_header": _set_header,
        "add_header": _add_header,
        "remove_header": _remove_header,
        "body": lambda: _member("body"),
        "set_body": _put("body"),
        "status": lambda: _member("status"),
        "set_status": _put("status"),
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
        "get": lambda key: _state.kv.get(key),
        "set": lambda key, value, _: _state.kv.__setitem__(key, value),
        "set_if_absent": _set_if_absent,
        "delete": lambda key: _state.kv.pop(key, None) is not None,
        "add": _add,
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
