"""Forms whose fields have names of their own, such as those of the plan's lines."""

from typing import Annotated

from fastapi import Depends, Request

from finale_pipeline.api.rest.decisions import storable
from finale_pipeline.api.server.problems import Problem


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
