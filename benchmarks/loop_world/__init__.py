"""The simulated worlds of benchmarks/quality_loop.py: one module per question. Nothing here is a customer's data."""
