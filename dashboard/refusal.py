"""What a person is told when something cannot be done."""


class Refused(Exception):
    """Something cannot be done; the text is one plain sentence with the remedy."""
