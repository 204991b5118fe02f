"""The parts of benchmarks/scale.py: the rows, the server and the people at it."""
