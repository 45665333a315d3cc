"""The exceptions that callers can expect; every message is one clear sentence that says what to do."""


class BengaliFeedbackError(Exception):
    """Base of every error this package raises on purpose. The command line prints it and exits with code 2."""


class DataError(BengaliFeedbackError):
    """A data file (corpus, FER2013 CSV, text) is missing, malformed or inconsistent."""


class ImageError(BengaliFeedbackError):
    """A photo cannot be read: missing, empty, corrupt, not an image, or too large."""


class NoFaceError(BengaliFeedbackError):
    """A photo was read but no face was found in it."""


class TextError(BengaliFeedbackError):
    """A text cannot be spoken: empty, too long, or without a single word."""


class CheckpointError(BengaliFeedbackError):
    """A trained network is missing, truncated, altered or unreadable."""


class MissingDependencyError(BengaliFeedbackError):
    """An optional package or system program is needed for this call and is not installed."""
