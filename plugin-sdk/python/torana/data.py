"""The decoded data of a response, by JSON Pointer (RFC 6901) and JSONPath (RFC 9535). Response hooks only."""

import json
from typing import Any

from componentize_py_types import Err
from wit_world.imports import data

from torana import PluginError, checked


def get(pointer: str) -> Any:
    """The value there; None if there is no such place."""
    found = data.get(checked(pointer))
    return None if found is None else json.loads(found)


def set(pointer: str, value: Any) -> None:
    """Puts a value there. The parent must exist; `-` appends to an array."""
    try:
        data.set(checked(pointer), json.dumps(value))
    except Err as error:
        raise PluginError(error.value) from None


def remove(pointer: str) -> bool:
    """Removes the value there; says whether there was one."""
    try:
        return data.remove(checked(pointer))
    except Err as error:
        raise PluginError(error.value) from None


def query(path: str) -> list[tuple[str, Any]]:
    """The values that a JSONPath finds, each with its JSON Pointer, in the order of the document."""
    try:
        return [(match.pointer, json.loads(match.json)) for match in data.query(checked(path))]
    except Err as error:
        raise PluginError(error.value) from None


def replace(path: str, value: Any) -> int:
    """Puts the same value at every place that a JSONPath finds; says how many there were."""
    try:
        return data.replace(checked(path), json.dumps(value))
    except Err as error:
        raise PluginError(error.value) from None
