"""Worked cases: stories in Swedish that say what happened, and which figures follow."""
