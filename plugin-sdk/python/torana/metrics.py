"""Metrics of the plugin, beside the gateway's own. Needs the grant `metrics`."""

from collections.abc import Mapping

from wit_world.imports import metrics

from torana import checked, checked_whole


def _pairs(labels: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(checked(name), checked(value)) for name, value in labels.items()]


def count(name: str, by: int = 1, labels: Mapping[str, str] = {}) -> None:
    """Adds to a counter."""
    metrics.count(checked(name), checked_whole(by, 64), _pairs(labels))


def gauge(name: str, value: float, labels: Mapping[str, str] = {}) -> None:
    """Sets a gauge."""
    metrics.gauge(checked(name), float(value), _pairs(labels))


def observe(name: str, value: float, labels: Mapping[str, str] = {}) -> None:
    """Puts a value into a histogram."""
    metrics.observe(checked(name), float(value), _pairs(labels))
