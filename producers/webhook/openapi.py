"""Describes the receiver as OpenAPI 3.1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from producers.webhook.authentication import TokenAuthentication, TwilioAuthentication
from producers.webhook.inbox import Inbox

_TEXT = {"type": "string"}
_ERROR = {
    "description": "",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
}
_SCHEMAS = {
    "Error": {"type": "object", "required": ["error"], "properties": {"error": _TEXT}},
    "Accepted": {
        "type": "object",
        "required": ["records", "events", "rejected"],
        "properties": {
            "records": {"type": "integer", "description": "How many records the body held."},
            "events": {"type": "integer", "description": "How many events they gave."},
            "rejected": {
                "type": "array",
                "description": "Records that can't be used: dead letters now; don't send them again.",
                "items": {
                    "type": "object",
                    "required": ["record", "reason", "detail"],
                    "properties": {"record": _TEXT, "reason": _TEXT, "detail": _TEXT},
                },
            },
        },
    },
}
_RETRY = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}


def describe(inboxes: Sequence[Inbox]) -> dict[str, Any]:
    """Return the description of a receiver with these instances."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "kommuncenter webhooks",
            "version": "1",
            "description": "Takes records of other systems. Sending one again is harmless: it counts once.",
        },
        "paths": {f"/hooks/{inbox.instance}": {"post": _operation(inbox)} for inbox in inboxes},
        "components": {
            "schemas": _SCHEMAS,
            "securitySchemes": {inbox.instance: _security(inbox) for inbox in inboxes},
        },
    }


def _operation(inbox: Inbox) -> Mapping[str, Any]:
    return {
        "operationId": f"send_{inbox.instance}",
        "summary": inbox.description,
        "security": [{inbox.instance: []}],
        "requestBody": {"required": True, "content": _content(inbox)},
        "responses": {
            "202": {
                "description": "The broker has it.",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Accepted"}}},
            },
            "401": _error("The proof of who sends it is missing or wrong."),
            "413": _error(f"Longer than {inbox.settings.max_body} bytes."),
            "415": _error("Compressed."),
            "429": _error("Too many requests at a time; send it again.", retry=True),
            "503": _error("The broker is away; send it again.", retry=True),
        },
    }


def _content(inbox: Inbox) -> Mapping[str, Any]:
    if inbox.content == "form":
        return {"application/x-www-form-urlencoded": {"schema": {"type": "object"}}}
    one = {"type": "object"}
    return {
        "application/json": {"schema": {"oneOf": [one, {"type": "array", "items": one}]}},
        "application/x-ndjson": {"schema": _TEXT},
    }


def _security(inbox: Inbox) -> Mapping[str, Any]:
    auth = inbox.settings.auth
    assert auth is not None  # the receiver is not built without
    if isinstance(auth, TokenAuthentication) and auth.header == "Authorization" and auth.prefix == "Bearer ":
        return {"type": "http", "scheme": "bearer", "description": auth.description}
    header = "X-Twilio-Signature" if isinstance(auth, TwilioAuthentication) else auth.header
    return {"type": "apiKey", "in": "header", "name": header, "description": auth.description}


def _error(description: str, *, retry: bool = False) -> Mapping[str, Any]:
    return {**_ERROR, "description": description, **({"headers": _RETRY} if retry else {})}
