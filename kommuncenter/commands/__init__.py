"""Groups of commands, one module each; ``kommuncenter.cli`` adds them."""
