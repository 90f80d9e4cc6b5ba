"""The tools of those who make and look after sources."""
