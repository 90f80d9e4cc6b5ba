"""Fixtures of the sources' tests: the brokers."""

from __future__ import annotations

from tests.services.brokers import broker, embedded_broker, jvm_kafka

__all__ = ["broker", "embedded_broker", "jvm_kafka"]
