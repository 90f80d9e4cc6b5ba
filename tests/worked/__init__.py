"""Worked cases: stories and the figures that follow from them."""
