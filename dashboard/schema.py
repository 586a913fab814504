"""What the tables of a city file have in common: names, texts in both languages, times of day, and no unknown key."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from dashboard.words import Words

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
TimeOfDay = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class Model(BaseModel):
    """Every table of the file: an unknown key is an error, not a silent nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Title(Model):
    """A text in both languages."""

    zh: str
    en: str

    @property
    def words(self) -> Words:
        """The text as the screens use it."""
        return Words(self.zh, self.en)
