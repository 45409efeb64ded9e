"""Lines in the gateway's log. Needs the grant `log`."""

from wit_world.imports import log
from wit_world.imports.log import Level


def _write(level: Level, message: object) -> None:
    log.write(level, str(message).encode(errors="replace").decode())


def trace(message: object) -> None:
    """A line for looking at single steps."""
    _write(Level.TRACE, message)


def debug(message: object) -> None:
    """A line for developers."""
    _write(Level.DEBUG, message)


def info(message: object) -> None:
    """A line about what happens."""
    _write(Level.INFO, message)


def warn(message: object) -> None:
    """A line about what may be wrong."""
    _write(Level.WARN, message)


def error(message: object) -> None:
    """A line about what is wrong."""
    _write(Level.ERROR, message)
