"""Lets a request pass only if it names its tenant, and hands the name on in lower case."""

from typing import Any

from torana import Answer, Request

# What stands under `config` in the gateway's configuration; `config.schema.json` says what it may be.
header = ""
tenants: list[str] = []


def init(config: dict[str, Any]) -> None:
    global header, tenants
    header = config["header"]
    tenants = config.get("tenants", [])


def on_request(request: Request) -> Answer | None:
    tenant = (request.header(header) or "").strip().lower()
    if not tenant:
        return Answer.text(403, "which tenant?")
    if tenants and tenant not in tenants:
        return Answer.text(403, "this tenant is not known")
    request.set_header(header, tenant)
    return None
