"""The newsource source."""
