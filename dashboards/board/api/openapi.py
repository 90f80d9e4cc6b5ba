"""The description of the API as OpenAPI 3.1, out of its addresses and models."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from pydantic.json_schema import models_json_schema

from dashboards.board.api.asking import Asked
from dashboards.board.api.models import Problem
from dashboards.board.api.problems import MEDIA_TYPE
from dashboards.board.api.routes import ENDPOINTS, PREFIX, Endpoint

VERSION = "1.0.0"
_REF = "#/components/schemas/{model}"
_DESCRIPTION = """\
The figures of the live board. They come from the same queries as the board, the reports and Grafana.

Instants are in UTC (RFC 3339); days are local days of Europe/Stockholm. Shares are 0..1 and spans seconds.
A value is null where there is nothing to divide by. Numbers of several rows are never to be averaged: add
`hits` and `n`, and divide. Topics that the catalogue marks as sensitive are told in figures of past
days only.

An answer has an ETag: ask again with If-None-Match. Errors are problem+json (RFC 9457); `code` is for
programs.
"""
_ERRORS = {
    "400": "A parameter is wrong, or the answer would be too large.",
    "401": "Who asks is not known.",
    "403": "The role does not permit it, or the topic is sensitive.",
    "404": "There is no such thing.",
    "503": "The store is away, or too much is asked at once; see Retry-After.",
}


@cache
def openapi() -> dict[str, Any]:
    """Return the document."""
    models = [(endpoint.answer, "serialization") for endpoint in ENDPOINTS]
    _, defined = models_json_schema([*models, (Problem, "serialization")], ref_template=_REF)  # type: ignore[list-item]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Kommuncenter: the figures of the live board",
            "version": VERSION,
            "description": _DESCRIPTION,
        },
        "servers": [{"url": PREFIX}],
        "security": [{"token": []}, {"session": []}, {}],
        "paths": {endpoint.path: {"get": _operation(endpoint)} for endpoint in ENDPOINTS},
        "components": {
            "schemas": defined["$defs"],
            "responses": {
                status: {
                    "description": text,
                    "content": {MEDIA_TYPE: {"schema": {"$ref": _REF.format(model=Problem.__name__)}}},
                }
                for status, text in _ERRORS.items()
            },
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "kommuncenter"},
            },
        },
    }


def openapi_json() -> str:
    """Return the document as text, as it stands in docs/."""
    return json.dumps(openapi(), ensure_ascii=False, indent=2) + "\n"


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    schema = {"$ref": _REF.format(model=endpoint.answer.__name__)}
    path = [_path_parameter()] if "{metric}" in endpoint.path else []
    return {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "description": f"Takes a role that permits `{endpoint.permit.value}`.",
        "parameters": [*path, *_parameters(endpoint.asked)],
        "responses": {
            "200": {
                "description": endpoint.summary,
                "headers": {"ETag": {"schema": {"type": "string"}}},
                "content": {"application/json": {"schema": schema}},
            },
            "304": {"description": "As the ETag says, nothing has changed."},
            **{status: {"$ref": f"#/components/responses/{status}"} for status in _ERRORS},
        },
    }


def _path_parameter() -> dict[str, Any]:
    return {
        "name": "metric",
        "in": "path",
        "required": True,
        "description": "The name of a metric, from /metrics.",
        "schema": {"type": "string"},
    }


def _parameters(asked: type[Asked]) -> list[dict[str, Any]]:
    schema = asked.model_json_schema(ref_template=_REF)
    defined, required = schema.get("$defs", {}), schema.get("required", ())
    found = []
    for name, described in schema.get("properties", {}).items():
        inlined = _inlined(described, defined)
        found.append(
            {
                "name": name,
                "in": "query",
                "required": name in required,
                "description": inlined.pop("description", ""),
                **({"style": "form", "explode": False} if inlined.get("type") == "array" else {}),
                "schema": inlined,
            }
        )
    return found


def _inlined(schema: Any, defined: dict[str, Any]) -> Any:
    """Return a schema with what it refers to in its place."""
    if isinstance(schema, list):
        return [_inlined(each, defined) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        referred = defined[schema["$ref"].rpartition("/")[2]]
        return _inlined({**referred, **{k: v for k, v in schema.items() if k != "$ref"}}, defined)
    return {key: _inlined(value, defined) for key, value in schema.items() if key != "title"}
