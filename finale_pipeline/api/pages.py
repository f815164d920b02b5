"""The pages: HTML of the same data; no script, nothing from other hosts."""

from fastapi import APIRouter

router = APIRouter(include_in_schema=False)
