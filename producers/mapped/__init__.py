"""Mapped sources: a TOML file says how another system's records become events; no Python is needed."""
