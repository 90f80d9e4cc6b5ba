"""Tests of the documentation: what a page tells people to type is typed."""
