"""The installation under fire: workers, store, broker and sources are killed, and the figures are exact."""
