"""Keys of assets: their names, behind the account's where one Dagster serves several."""

import dagster as dg

from finale_pipeline.resources import at_definition

_PREFIX = [part for part in (at_definition("location"),) if part]


def key_of(name: str) -> dg.AssetKey:
    """Return the key of an asset by its own name, such as `products` or `mart/stock`."""
    return dg.AssetKey([*_PREFIX, *name.split("/")])


def name_of(key: dg.AssetKey) -> str:
    """Return an asset's own name."""
    return "/".join(key.path[len(_PREFIX) :])
