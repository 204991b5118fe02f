"""Hostile files for benchmarks/fuzz.py, and the two ways they are sent: the real line, and worker-like processes."""
