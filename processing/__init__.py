"""The imaging library: bytes and arrays plus parameters in, a result out. Knows no Django, database or queue."""

PIPELINE_VERSION = "6"
