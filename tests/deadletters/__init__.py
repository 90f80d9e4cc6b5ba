"""Tests of dead letters: sealing, listing, showing, replaying."""
