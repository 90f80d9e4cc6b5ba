"""One folder per source; each exports SOURCE from its source.py."""
