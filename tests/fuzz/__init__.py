"""Fuzzing every source's ``normalise`` for long: ``make fuzz``, nightly; a small portion among the tests."""
