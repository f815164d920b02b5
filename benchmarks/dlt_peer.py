"""The peer: dlt as its documentation shows it, in an environment of its own (.venv-bench)."""

import base64
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import dlt
from dlt.sources.helpers import requests

STAMP = "%Y-%m-%dT%H:%M:%S"
SPAN = timedelta(days=29)


@dlt.resource(name="product", primary_key="productUrl", write_disposition="merge")
def products() -> Iterator[list[dict[str, Any]]]:
    """Yield the products of each window of their last change, as rows."""
    key, _, secret = os.environ["PEER_LOGIN"].partition(":")
    until = datetime.now(UTC) + timedelta(hours=1)
    lo = until - timedelta(days=int(os.environ["PEER_DAYS"]))
    while lo < until:
        hi = min(lo + SPAN, until)
        span = json.dumps({"lastUpdatedDate": [lo.strftime(STAMP), hi.strftime(STAMP)]})
        answer = requests.get(
            os.environ["PEER_ACCOUNT"],
            params={"filter": base64.b64encode(span.encode()).decode()},
            auth=(key, secret),
        ).json()
        names = list(answer)
        yield [dict(zip(names, row, strict=True)) for row in zip(*answer.values(), strict=True)]
        lo = hi


def credentials(url: str) -> dict[str, object]:
    """Return a database as dlt wants it: the socket's folder, quoted, in the place of a host."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    return {
        "drivername": "postgresql",
        "username": parts.username,
        "password": "any",  # the socket asks for none; dlt does
        "database": parts.path.lstrip("/"),
        "host": quote(query["host"][0], safe=""),
        "port": int(query["port"][0]),
    }


if __name__ == "__main__":
    dlt.pipeline(
        "peer",
        destination=dlt.destinations.postgres(credentials(os.environ["PEER_DATABASE"])),
        dataset_name="peer",
    ).run(products())
