"""The Asterisk source: what the telephone queue's log says, line by line."""
