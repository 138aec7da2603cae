"""Exit codes of the command line, beside 0."""

MENDABLE = 2  # the caller can mend something: a line on standard error says what
STOPPED = 130  # after Ctrl-C
