"""The conformance kit, and every source against it."""
