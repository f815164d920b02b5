"""In whose name a request writes."""

from typing import Annotated

from fastapi import Depends, Header

API = "api"


async def _actor(
    name: Annotated[
        str | None,
        Header(
            alias="X-Actor",
            min_length=1,
            max_length=80,
            pattern=r"^[!-~]([ -~]*[!-~])?$",
            description="Who asks, for the records; believed, not verified: the token is what"
            " lets in.",
        ),
    ] = None,
) -> str:
    return f"{name} ({API})" if name else API


Actor = Annotated[str, Depends(_actor)]
"""Who asks over the API, such as `Anna (api)`; `api` for whoever gives no name."""
