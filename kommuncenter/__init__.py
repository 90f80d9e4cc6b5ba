"""The outermost layer: command line, settings, wiring and the embedded runtime."""
