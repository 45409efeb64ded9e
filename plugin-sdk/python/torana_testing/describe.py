"""Tells `torana plugin build` what a plugin defines and which interfaces it imports, as one line of JSON."""

import json
import sys

import torana_testing  # noqa: F401, its import puts the gateway's modules there
import plugin
from torana_testing.host import INTERFACES

imports = [name for name in INTERFACES if f"torana.{name}" in sys.modules]
print(json.dumps({"exports": dir(plugin), "imports": imports}))
