"""Tests of the source that listens to Asterisk's manager interface."""
