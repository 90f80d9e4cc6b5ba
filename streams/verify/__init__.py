"""``verify``: the figures and the contacts once more, by other ways than the stream's, and what differs."""
