"""Suites that run on every transport; a gap of one is a strict xfail that says why."""
