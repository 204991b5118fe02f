"""The imaging library: bytes and arrays plus parameters in, a result out. Knows nothing of Django, databases or queues."""

PIPELINE_VERSION = "1"
