"""Who we are to a source: secrets in files or the environment, never in the city file, and how they are shown."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import httpx
from pydantic import BaseModel, ConfigDict, Field, model_validator

from dashboard.city import City
from dashboard.sources.feed import SourceFailed


class Auth(BaseModel):
    """How we say who we are: ``auth = { kind = "bearer", secret_file = "hall.token" }``.

    The secret is in a file beside the city file, or in an environment variable, and is read afresh for each
    request. ``basic`` wants ``user``; ``key`` wants the name of a ``header`` or of a ``query`` parameter.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["bearer", "basic", "key"] = "bearer"
    secret_file: str | None = None
    secret_env: str | None = None
    user: str | None = None
    header: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,60}$")] | None = None
    query: Annotated[str, Field(pattern=r"^[\w.-]{1,60}$")] | None = None

    @model_validator(mode="after")
    def _whole(self) -> Auth:
        if (self.secret_file is None) == (self.secret_env is None):
            raise ValueError("name either secret_file or secret_env; a secret never stands in the city file itself")
        if (self.kind == "basic") != (self.user is not None):
            raise ValueError('user goes with kind = "basic", and only with it')
        if (self.kind == "key") != ((self.header is None) != (self.query is None)):
            raise ValueError('one of header and query goes with kind = "key", and only with it')
        return self


def secret_of(auth: Auth | None, city: City) -> str | None:
    """The secret, as it is now.

    Raises:
        SourceFailed: if it is not where the city file says.
    """
    if auth is None:
        return None
    if auth.secret_env is not None:
        found = os.environ.get(auth.secret_env, "").strip()
        where, remedy = f"the environment variable {auth.secret_env}", "set it"
    else:
        assert auth.secret_file is not None
        file = city.path(auth.secret_file)
        where, remedy = f"the file {file}", "put the secret there, readable for this user"
        try:
            found = _read(file)
        except (OSError, UnicodeDecodeError):
            found = ""
    if not found or not found.isascii() or not found.isprintable():
        raise SourceFailed(f"auth: {where} holds no secret; {remedy}")
    return found


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8").strip()


def identified(url: httpx.URL, auth: Auth | None, secret: str | None) -> tuple[httpx.URL, dict[str, str]]:
    """The address and the headers that say who we are."""
    if auth is None or secret is None:
        return url, {}
    if auth.kind == "bearer":
        return url, {"Authorization": f"Bearer {secret}"}
    if auth.kind == "basic":
        request = next(httpx.BasicAuth(auth.user or "", secret).auth_flow(httpx.Request("GET", url)))
        return url, {"Authorization": request.headers["Authorization"]}
    if auth.header is not None:
        return url, {auth.header: secret}
    return url.copy_set_param(auth.query or "", secret), {}
