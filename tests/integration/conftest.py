"""Fixtures of these tests: both kinds of storage."""

from tests.integration.files_kinds import files, later

__all__ = ["files", "later"]
