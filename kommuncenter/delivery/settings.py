"""The settings of delivery: the mail server, who gets the reports, when, and as what."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode

from producers.loopback import is_loopback

Address = Annotated[str, Field(pattern=r"^[^@\s,;<>\"]+@[^@\s,;<>\"]+$", max_length=254)]


class DeliverySettings(BaseModel):
    """``[delivery]``. Without ``host`` nothing is delivered.

    With ``test_recipient`` everything goes to that address only, and its subject says so: to try it out. A
    report is due at ``at`` (Swedish time) on the day after its period: weeks on Mondays.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = ""
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    ca_file: Path | None = None
    user: str = ""
    password: SecretStr = SecretStr("")
    sender: Address | Literal[""] = ""
    recipients: Annotated[tuple[Address, ...], NoDecode] = ()
    test_recipient: Address | Literal[""] = ""
    periods: tuple[Literal["week", "month", "tertial"], ...] = ("week",)
    formats: tuple[Literal["html", "pdf", "csv", "xlsx", "json"], ...] = ("html", "pdf")
    public: bool = False
    """Send what may leave the centre instead of the internal report."""
    at: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = "07:30"
    timeout_seconds: Annotated[float, Field(gt=0, le=600)] = 60.0
    attempts: Annotated[int, Field(ge=1, le=20)] = 5
    """Tries in a row while the server can't take the mail, further and further apart; then later again."""

    @field_validator("recipients", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        """Take several addresses in one text as well, as a variable of the environment has them."""
        if isinstance(value, str):
            return tuple(part.strip() for part in value.replace(",", ";").split(";") if part.strip())
        return value

    @field_validator("recipients")
    @classmethod
    def _once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """Nobody gets two because they stand there twice."""
        return tuple({address.casefold(): address for address in reversed(value)}.values())[::-1]

    @model_validator(mode="after")
    def _complete(self) -> DeliverySettings:
        if not self.host:
            return self
        if not self.sender:
            raise ValueError("sender: not set; name the address that the reports come from")
        if not self.recipients:
            raise ValueError("recipients: none; name who gets the reports")
        if self.security == "none" and self.password.get_secret_value() and not is_loopback(self.host):
            raise ValueError("security = 'none' would send the password in clear; use starttls or tls")
        return self
