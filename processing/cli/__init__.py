"""Commands of `python -m processing`, one file each: `add_arguments(parser)` and `run(arguments) -> exit status`."""
