"""Structured logs: one JSON object a line on standard error, å ä ö as they are."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

import structlog

from schemas.errors import ConfigurationError

LEVELS = ("debug", "info", "warning", "error")


def configure_logs(level: str) -> None:
    """Set up logging for a process. Raises ConfigurationError for an unknown level."""
    if level not in LEVELS:
        raise ConfigurationError(f"log_level: {level!r} is none of {', '.join(LEVELS)}")
    number = getattr(logging, level.upper())
    logging.basicConfig(level=max(number, logging.WARNING), stream=sys.stderr, format="%(name)s: %(message)s")
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=_dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def _dumps(value: Any, **kwargs: Any) -> str:
    return json.dumps(value, ensure_ascii=False, **kwargs)
