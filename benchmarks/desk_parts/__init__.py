"""Parts of benchmarks/desk.py: the recorder, the rows it reviews, and the pages it is compared with."""
