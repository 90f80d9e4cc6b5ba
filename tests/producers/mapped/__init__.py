"""Tests of mapped sources."""
