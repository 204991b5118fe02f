"""The quality loop's mathematics: what a sample proves, thresholds that keep their promise, presets that can't run
away.

Pure: no rows, settings or clock; randomness comes in as a seed. docs/quality-loop.md says what is guaranteed, to
whom, and under which assumptions.
"""
