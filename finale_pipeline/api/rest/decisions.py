"""What a person may decide about an incident, as it is sent."""

from datetime import date
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def storable(text: str) -> str:
    """Refuse what no database takes: NUL and halves of characters."""
    if "\0" in text or any("\ud800" <= c <= "\udfff" for c in text):
        raise ValueError("has characters that cannot be stored")
    return text


Text = Annotated[str, AfterValidator(storable)]


class DecisionBody(BaseModel):
    """What a person decides about an incident."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"note": "ordered by phone"}}
    )

    note: Annotated[Text, Field(max_length=500)] | None = Field(None, description="Why.")


class Snooze(DecisionBody):
    """A decision that ends."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"until": "2026-04-01"}}
    )

    until: date | None = Field(
        None, description="Day, in the account's zone, on which it ends; null = when it worsens."
    )
    even_if_worse: bool = Field(
        default=False, description="Sleep through a worsening; needs `until`."
    )
