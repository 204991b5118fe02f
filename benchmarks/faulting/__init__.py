"""Parts of benchmarks/faults.py: the world that is broken, how it is broken, who works in it, what is counted after."""
