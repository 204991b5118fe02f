"""The three ways an imaging step can end badly; callers decide by class, never by text."""


class ProcessingError(Exception):
    """Base of all imaging errors. `code` is a stable identifier, the message is for people."""

    def __init__(self, message: str, *, code: str = "processing_error") -> None:
        super().__init__(message)
        self.code = code


class InputRejected(ProcessingError):
    """The photo's (or the metadata's) own fault; trying again gives the same answer."""


class StageFailed(ProcessingError):
    """Our fault and final for this input with these parameters: a stage could not give a valid result."""


class ResourceUnavailable(ProcessingError):
    """Something outside is missing for now (weights, a remote remover, memory): try again later."""
