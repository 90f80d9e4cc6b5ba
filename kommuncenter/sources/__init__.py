"""Tools for those who make and look after sources: a new one, a dry run, a replay."""
