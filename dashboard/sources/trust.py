"""Whom a feed believes over TLS, and who it says it is there: authorities and client certificates, from files."""

from __future__ import annotations

import ssl
from functools import lru_cache

from pydantic import BaseModel, model_validator

from dashboard.city import City
from dashboard.sources.feed import SourceFailed


class TrustSettings(BaseModel):
    """The authority whose certificates are believed, and no other then; and the certificate that we show ourselves.

    All are PEM files beside the city file. The key may stand in ``cert_file``; it may not have a password.
    """

    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None

    @model_validator(mode="after")
    def _pair(self) -> TrustSettings:
        if self.key_file is not None and self.cert_file is None:
            raise ValueError("key_file goes with cert_file; name the certificate too")
        return self


def trust_of(settings: TrustSettings, city: City) -> ssl.SSLContext:
    """How a connection is secured. The files are read when a feed is opened, so renewed ones hold from then on.

    Raises:
        SourceFailed: if a file cannot be read as what it should be.
    """
    if settings.ca_file is None and settings.cert_file is None:
        return _everyone()
    file = None if settings.ca_file is None else city.path(settings.ca_file)
    try:
        trust = ssl.create_default_context(cafile=None if file is None else str(file))
    except (OSError, ssl.SSLError) as error:
        raise SourceFailed(f"ca_file: {file} cannot be read as certificates ({error}); name a PEM file") from None
    if settings.cert_file is not None:
        cert, key = city.path(settings.cert_file), city.path(settings.key_file or settings.cert_file)
        try:
            trust.load_cert_chain(cert, key, password=lambda: "")  # Without one, a locked key would be asked for.
        except (OSError, ssl.SSLError, ValueError) as error:
            said = f"{cert} and {key} cannot be read as a certificate and its key ({str(error)[:120]})"
            raise SourceFailed(f"cert_file: {said}; name PEM files without a password") from None
    return trust


@lru_cache(maxsize=1)
def _everyone() -> ssl.SSLContext:
    """The authorities that this machine believes; reading them takes a while, in which no other feed is served."""
    return ssl.create_default_context()
