"""The desk source: the registration form at Koordinaten, its journal, and what the journal's lines mean."""
