"""Embedded stand-ins that run the real engines on one machine: broker and ClickHouse endpoint."""
