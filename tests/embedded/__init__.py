"""Tests of the embedded services themselves."""
