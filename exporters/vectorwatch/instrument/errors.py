"""What a developer has to mend; the text is one line."""


class SetupError(ValueError):
    """The application cannot be instrumented in this way."""
