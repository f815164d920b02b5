"""What forms have in common: fields left empty, and fields with names of their own."""

from typing import Annotated

from fastapi import Depends, Request
from pydantic import BeforeValidator

from finale_pipeline.api.rest.decisions import storable
from finale_pipeline.api.server.problems import Problem

Optional = BeforeValidator(lambda text: (text.strip() or None) if isinstance(text, str) else text)
"""An empty field of a form is one that was not filled in."""


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
