"""Event sources: pure normalisers, and the readers that do their input and output."""
