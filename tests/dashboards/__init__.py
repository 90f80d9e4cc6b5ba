"""Tests of what shows the figures."""
