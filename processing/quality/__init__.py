"""Scoring a result: measures, hard gates, the four parts, consistency of a set."""
