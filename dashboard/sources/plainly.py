"""What the exceptions of networks, certificates and name servers say, in words of people, with what to do."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator

from dashboard.masking import clean

INSIDE = re.compile(r"\[(?:Errno -?\d+|SSL: \w+|code:\d+)\] ?|\(_ssl\.c:\d+\)|Multiple exceptions: ")
LONGEST = 160


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """An exception and those that led to it: of a broken connection only the first of them knows why."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def why(error: BaseException) -> str:
    """The innermost thing that is said, without what only a program understands; a plain word where nothing is."""
    said = [text for one in causes(error) if (text := INSIDE.sub("", str(one)).strip())]
    return clean(said[-1])[:LONGEST] if said else "without a word"


def usual(error: BaseException) -> str:
    """A sentence for what goes wrong with connections everywhere; empty for what is the kind's own to say."""
    chain = list(causes(error))
    text = " ".join(map(str, chain))
    if "CERTIFICATE_VERIFY_FAILED" in text:
        found = re.search(r"verify failed: (.*?)(?: \(_ssl|$|\))", text)
        named = f" ({found[1]})" if found else ""
        return f"its certificate is not believed{named}; renew it, or name its authority as ca_file"
    if any(word in text for word in ("CERTIFICATE_REQUIRED", "ALERT_UNKNOWN_CA", "ALERT_BAD_CERTIFICATE")):
        return "wants to see a certificate of ours from its own authority; name it as cert_file, its key as key_file"
    if any(isinstance(one, socket.gaierror) for one in chain):
        return "cannot be reached, since nobody knows its name; check url, or the name server"
    if any(isinstance(one, ConnectionRefusedError) for one in chain) or "refused" in text.lower():
        return "cannot be reached, since nobody is there; is the server up, and the port right?"
    return ""
