"""Runs the whole product as one command: Valkey, web server, workers, sweeper. Knows processes, not photos."""
