"""Settings of the social media source."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from producers.contract import SourceSettings
from schemas.events import Slug, SocialMetric

AccountName = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,29}/[a-z0-9][a-z0-9._-]{0,59}$")
]
"""``<network>/<account>``, both as slugs."""


class Series(BaseModel):
    """What a column of an export tells."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    account: AccountName
    metric: SocialMetric
    title: str = ""
    """The line that stands above the column names; without it the column is taken from any table."""
    column: str = "Primary"
    date: str = "Date"
    """The column with the day, or with the last one of the period."""
    days: Annotated[int, Field(ge=1, le=366)] = 1
    """How long the period is."""


class SocialSettings(SourceSettings):
    """Settings of a folder into which exports are put."""

    folder: Path = Path("/srv/kommuncenter/social")
    """A file in it is read as a whole, and again when it has changed."""
    settle: timedelta = timedelta(seconds=2)
    """A file is read when it has not changed for so long."""
    system: Slug = "social"
    """The first part of the ids. Never change it: the same snapshots would be taken for new ones."""
    accounts: tuple[AccountName, ...] = ("facebook/kommun", "instagram/kommun", "linkedin/kommun")
    """The organisation's own accounts; a row that names another one is rejected."""
    series: tuple[Series, ...] = (
        Series(account="facebook/kommun", metric=SocialMetric.REACH, title="Facebook reach"),
        Series(account="instagram/kommun", metric=SocialMetric.REACH, title="Instagram reach"),
        Series(account="linkedin/kommun", metric=SocialMetric.REACH, column="Unique impressions (organic)"),
    )
    """Titles and columns are those of the exports, in the language of whoever exports them."""
    date_formats: tuple[str, ...] = ("%m/%d/%Y",)
    """How days are written beside ISO 8601, which is always understood."""

    @model_validator(mode="after")
    def _known_accounts(self) -> SocialSettings:
        for series in self.series:
            if series.account not in self.accounts:
                raise ValueError(f"series: {series.account!r} is not among accounts")
        return self
