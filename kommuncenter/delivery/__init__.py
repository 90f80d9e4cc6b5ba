"""Reports by e-mail: each once, and where that can't be known it is said."""
