"""What can go wrong with a local server, and what the person at the keyboard should do about it.

LocalServiceError               the server did not do what was asked; the message says what to do next
└── LocalServiceUnavailable     this machine lacks something (Java, Maven, binaries); names another way
"""


class LocalServiceError(Exception):
    """A local server failed; the message is one line for the user, and says what to do next."""


class LocalServiceUnavailable(LocalServiceError):
    """This machine cannot run the server; the message names what is missing and the other ways."""
