"""Nested lists of a record → rows of their own: suppliers, reorder rules, contacts; roles."""

import polars as pl

from finale_pipeline.finale.lists import Note, entries


def supplier_rows(products: pl.DataFrame, notes: list[Note] | None = None) -> pl.DataFrame:
    """Return the suppliers of products; one row per product and vendor, the main one first.

    Args:
        products: With the helper column `suppliers`.
        notes: Gets what of the lists cannot be read.
    """
    is_main = pl.col("supplierPrefOrderId").str.contains("MAIN", literal=True)
    frame = entries(products, "suppliers", "supplierList", notes).select(
        "product_url",
        pl.col("supplierPartyUrl").alias("vendor_url"),
        is_main.fill_null(value=False).alias("is_main"),
        "price",
        pl.col("currencyUomId").alias("currency"),
        pl.col("supplierProductId").alias("vendor_sku"),
        pl.col("leadTime").alias("lead_time_days"),
    )
    frame = frame.filter(pl.col("vendor_url") != "")
    key = ["product_url", "vendor_url"]
    if frame.select(key).is_duplicated().any():
        frame = frame.sort("is_main", descending=True, maintain_order=True)
        frame = frame.unique(key, keep="first", maintain_order=True)
    return frame


def rule_rows(products: pl.DataFrame, notes: list[Note] | None = None) -> pl.DataFrame:
    """Return the reorder rules of products; one row per product and place.

    Args:
        products: With the helper column `guidelines`.
        notes: Gets what of the lists cannot be read.
    """
    frame = entries(products, "guidelines", "reorderGuidelineList", notes).select(
        "product_url",
        pl.col("facilityUrl").fill_null("").alias("facility_url"),
        pl.col("reorderPoint").alias("reorder_point_units"),
        pl.col("reorderQuantity").alias("reorder_quantity_units"),
        pl.col("reorderCalculationMethodId").alias("method"),
    )
    return frame.unique(["product_url", "facility_url"], keep="last", maintain_order=True)


def contact_rows(vendors: pl.DataFrame, notes: list[Note] | None = None) -> pl.DataFrame:
    """Return the contacts of vendors, numbered from 1 in Finale's order.

    Args:
        vendors: With the helper column `contacts`.
        notes: Gets what of the lists cannot be read.
    """
    return entries(vendors, "contacts", "contactMechList", notes).select(
        "vendor_url",
        "position",
        pl.col("contactMechTypeId").alias("kind"),
        pl.col("contactMechPurposeTypeId").alias("purpose"),
        pl.col("infoString").alias("value"),
        "address1",
        "address2",
        "city",
        pl.col("stateProvinceGeoId").alias("state"),
        pl.col("postalCode").alias("postal_code"),
        pl.col("countryGeoId").alias("country"),
    )


def suppliers_only(parties: pl.DataFrame) -> pl.DataFrame:
    """Return the parties having the role SUPPLIER.

    Args:
        parties: With the helper column `roles`.
    """
    return parties.filter(
        pl.col("roles").str.contains('"SUPPLIER"', literal=True).fill_null(value=False)
    )
