"""Variables of the gateway's environment."""

from wit_world.imports import config

from torana import checked


def get(name: str) -> str | None:
    """A variable, if `grants.env` names it and it is set."""
    return config.env(checked(name))
