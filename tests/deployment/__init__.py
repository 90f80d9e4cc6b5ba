"""Tests of what is installed in production."""
