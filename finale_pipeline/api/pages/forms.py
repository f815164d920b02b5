"""What forms have in common: fields left empty, and fields with names of their own."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, Request
from pydantic import BaseModel, model_validator

from finale_pipeline.api.rest.decisions import storable
from finale_pipeline.api.server.problems import Problem


class FormBody(BaseModel):
    """Fields of a form or an address; one that was left empty was not filled in."""

    @model_validator(mode="before")
    @classmethod
    def _only_filled_in(cls, fields: Mapping[str, Any]) -> dict[str, Any]:
        stripped = {n: v.strip() if isinstance(v, str) else v for n, v in fields.items()}
        return {name: value for name, value in stripped.items() if value != ""}


async def _posted(request: Request) -> dict[str, str]:
    form = await request.form()
    fields = {name: value for name, value in form.multi_items() if isinstance(value, str)}
    try:
        for text in (*fields, *fields.values()):
            storable(text)
    except ValueError as error:
        raise Problem(422, f"A field of the form {error}. Nothing was changed.") from error
    return fields


Posted = Annotated[dict[str, str], Depends(_posted)]
"""The fields of a posted form; the last of several with one name."""
