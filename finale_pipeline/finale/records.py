"""Finale's field names and what they become here: one declaration per resource."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "number", "stamp"]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a resource.

    Attributes:
        kind: How its cells are read.
        required: Whether a record without it is rejected, and an answer without it refused.
        default: What a missing optional cell becomes; None = null.
        others: Names that it may have instead, where no account has shown which; the first that
            an answer has counts.
        is_guess: Whether no account has shown its form: a cell that cannot be read is null.
        repeats: Whether many cells are alike: each different text is kept once (`pl.Categorical`).
    """

    source: str
    column: str
    kind: Kind = "text"
    required: bool = False
    default: str | float | None = None
    others: tuple[str, ...] = ()
    is_guess: bool = False
    repeats: bool = False


@dataclass(frozen=True, slots=True)
class Resource:
    """A collection of the API.

    Attributes:
        path: Below `/{account}/api/`; the slash of `inventoryitem/` is part of it.
        key: Our columns that tell records apart.
        fields: Fields with a column of their own.
        helpers: Nested lists handed on as JSON text: Finale's name → our helper column. They are
            in the payload too; loaders drop the helper before writing.
        has_payload: Whether fields without a column are kept as JSON.
        merges_duplicates: Whether the newest of several rows of one key wins; else they refuse
            the whole answer, since sums over them would be wrong.
        second_key: Our column that tells whose a record without a key is; None = nothing does.
    """

    path: str
    key: tuple[str, ...]
    fields: tuple[Field, ...]
    helpers: tuple[tuple[str, str], ...] = ()
    has_payload: bool = True
    merges_duplicates: bool = True
    second_key: str | None = None


PRODUCT = Resource(
    path="product",
    key=("product_url",),
    fields=(
        Field("productUrl", "product_url", required=True),
        Field("productId", "sku", required=True),
        Field("internalName", "name"),
        Field("statusId", "status", required=True),
        Field("category", "category"),
        Field("productTypeId", "product_type"),
        Field("cost", "cost", "number"),
        Field("leadTime", "lead_time_days", "number"),
        Field("universalProductCode", "barcode"),
        Field("manufacturerName", "manufacturer"),
        Field("normalizedPackingString", "packing"),
        Field("createdDate", "created_at", "stamp", is_guess=True),
        Field("lastUpdatedDate", "updated_at", "stamp", required=True),
    ),
    helpers=(
        ("supplierList", "suppliers"),
        ("reorderGuidelineList", "guidelines"),
        ("stdPackingUnitsPerCase", "units_per_case"),
    ),
)

PARTY = Resource(
    path="partygroup",
    key=("vendor_url",),
    fields=(
        Field("partyUrl", "vendor_url", required=True),
        Field("partyId", "vendor_id"),
        Field("groupName", "name"),
        Field("statusId", "status"),
        Field("createdDate", "created_at", "stamp", is_guess=True),
        Field("lastUpdatedDate", "updated_at", "stamp"),
    ),
    helpers=(("roleTypeIdList", "roles"), ("contactMechList", "contacts")),
)

FACILITY = Resource(
    path="facility",
    key=("facility_url",),
    fields=(
        Field("facilityUrl", "facility_url", required=True),
        Field("facilityId", "facility_id"),
        Field("facilityName", "name"),
        Field("parentFacilityUrl", "parent_url"),
        Field("statusId", "status"),
        Field("facilityTypeId", "facility_type"),
        Field("lastUpdatedDate", "updated_at", "stamp"),
    ),
)

STOCK = Resource(
    path="inventoryitem/",
    key=("product_url", "facility_url", "lot_id", "packing", "order_url"),
    fields=(
        Field("productUrl", "product_url", required=True),
        # Rows of orders without a location have none: they are of no place, and count.
        Field("facilityUrl", "facility_url", default="", repeats=True),
        Field("lotId", "lot_id", default="", repeats=True),
        Field("normalizedPackingString", "packing", default="", repeats=True),
        Field("orderUrl", "order_url", default="", repeats=True),
        Field("parentFacilityUrl", "parent_facility_url", repeats=True),
        Field("productId", "sku"),
        Field(
            "expirationDate", "expires_at", "stamp", others=("lotExpirationDate",), is_guess=True
        ),
        # Its column must be there, for without it every product would be out of stock; a single
        # null cell is a zero.
        Field("quantityOnHand", "on_hand_quantity", "number", required=True, default=0.0),
        Field("quantityOnOrder", "on_order_quantity", "number", default=0.0),
        Field("quantityReserved", "reserved_quantity", "number", default=0.0),
    ),
    has_payload=False,
    merges_duplicates=False,
    second_key="sku",
)

ORDER = Resource(
    path="order",
    key=("order_url",),
    fields=(
        Field("orderUrl", "order_url", required=True),
        Field("orderId", "order_id"),
        Field("orderTypeId", "order_type", required=True),
        Field("statusId", "status", required=True),
        Field("orderDate", "ordered_at", "stamp"),
        Field("receiveDate", "receive_at", "stamp"),
        Field("dueDate", "due_at", "stamp"),
        Field("destinationFacilityUrl", "destination_url"),
        Field("saleSourceId", "sale_source"),
        Field("referenceNumber", "reference_number"),
        Field("orderItemListTotal", "total", "number"),
        Field("createdDate", "created_at", "stamp"),
        Field("lastUpdatedDate", "updated_at", "stamp", required=True),
    ),
    # The lines are usually in the single record only.
    helpers=(("orderItemList", "items"), ("orderRoleList", "roles")),
)

SHIPMENT = Resource(
    path="shipment",
    key=("shipment_url",),
    fields=(
        Field("shipmentUrl", "shipment_url", required=True),
        Field("shipmentIdUser", "shipment_id"),
        Field("shipmentTypeId", "shipment_type", required=True),
        Field("statusId", "status", required=True),
        Field("primaryOrderUrl", "order_url"),
        Field("primaryReturnUrl", "return_url"),
        Field("originFacilityUrl", "origin_url"),
        Field("destinationFacilityUrl", "destination_url"),
        Field("shipDate", "shipped_at", "stamp"),
        Field("receiveDate", "received_at", "stamp"),
        Field("createdDate", "created_at", "stamp"),
        Field("lastUpdatedDate", "updated_at", "stamp", required=True),
    ),
    helpers=(("shipmentItemList", "items"),),
    has_payload=False,
)

BUILD = Resource(
    path="workeffort",
    key=("build_url",),
    fields=(
        Field("workEffortUrl", "build_url", required=True, others=("buildUrl",)),
        Field("workEffortId", "build_id", others=("buildId",)),
        Field("statusId", "status", required=True),
        Field(
            "completeDate",
            "completed_at",
            "stamp",
            others=("completeDateActual", "completeTransactionTimestamp"),
            is_guess=True,
        ),
        Field("createdDate", "created_at", "stamp"),
        Field("lastUpdatedDate", "updated_at", "stamp", required=True),
    ),
    helpers=(("workEffortConsumeList", "consumed"), ("workEffortProduceList", "produced")),
)

TRANSFER = Resource(
    path="inventorytransfer",
    key=("transfer_url",),
    fields=(
        Field("inventoryTransferUrl", "transfer_url", required=True, others=("transferUrl",)),
        Field("productUrl", "product_url"),
        Field("facilityUrlFrom", "from_url", others=("originFacilityUrl",)),
        Field("facilityUrlTo", "to_url", others=("destinationFacilityUrl",)),
        Field("quantity", "quantity", "number", default=0.0),
        Field("normalizedPackingString", "packing"),
        Field("lotId", "lot_id"),
        Field("statusId", "status"),
        Field("sendDate", "sent_at", "stamp", is_guess=True),
        Field("receiveDate", "received_at", "stamp", is_guess=True),
        Field("lastUpdatedDate", "updated_at", "stamp", required=True),
    ),
)
