"""The vocabulary: events, catalogue, measures, metrics, tables. Imports nothing of the other packages."""
