"""Every setting, by what it is about: its type, its default, its help."""

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from finale_pipeline.settings.types import (
    Address,
    Addresses,
    Cron,
    DatabaseAddress,
    Day,
    Folder,
    Hours,
    Level,
    LogLevel,
    Minutes,
    Names,
    Port,
    Secret,
    Share,
    Zone,
)


class Group(BaseModel, str_strip_whitespace=True, defer_build=True):
    """Settings of one kind; what checks them is built once, for all groups together."""


class Places(Group):
    """The account, the databases, the folder, the ports."""

    base_url: str = "https://app.finaleinventory.com"
    """Address of Finale; https, or loopback."""
    account: str | None = None
    """Account: the first part of the address after logging in to Finale."""
    api_key: Secret | None = None
    """API key of a user of the account."""
    api_secret: Secret | None = None
    """Secret of that API key."""
    database_url: DatabaseAddress | None = None
    """postgresql://… of the warehouse; unset = a server of our own in HOME."""
    database_port: Port | None = None
    """Port of the embedded server on this machine, for Metabase, Excel and others; unset = none.
    Their user: `finale db reader`."""
    dagster_database_url: DatabaseAddress | None = None
    """Dagster's own database; unset = the warehouse's name with `_dagster` added."""
    location: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")] | None = None
    """The account's name where one Dagster serves several: its code location, and the first part of
    its assets' keys; unset = it is alone."""
    home: Folder = Path(".finale")
    """Folder of everything we write on disk."""
    log_level: LogLevel = "info"
    """The least that logs tell: debug, info, warning or error."""
    timezone: Zone = "UTC"
    """The account's time zone; decides what a business day is."""
    since: Day = date(2016, 1, 1)
    """First day of the account; nothing older is asked for."""
    ui_port: Port = 3000
    """Port of Dagster's UI under `finale dev`."""
    api_port: Port = 3001
    """Port of our API and pages under `finale dev`."""
    sandbox_port: Port = 3002
    """Port of the sandbox under `finale dev`."""
    sandbox_products: Annotated[int, Field(ge=1, le=1_000_000)] = 2_500
    """Products of the sandbox under `finale dev`."""
    sandbox_orders: Path | None = None
    """Parquet file of real order lines to build the sandbox from."""


class Access(Group):
    """Who may ask our API, and where."""

    ui_host: str = "127.0.0.1"
    """Address Dagster's UI listens on; off loopback it needs a token."""
    ui_url: str | None = None
    """Where our API reaches Dagster's UI; unset = this machine, UI_PORT."""
    api_host: str = "127.0.0.1"
    """Address our API listens on; off loopback it needs a token."""
    api_token: Secret | None = None
    """Bearer token of our API; who has it may read and start syncs."""
    api_read_token: Secret | None = None
    """Bearer token of our API that may only read."""
    api_hosts: Names = ()
    """Host names our API answers to, beside loopback's; with commas."""


class Reading(Group):
    """How the source is read, and when a read is not believed."""

    get_per_minute: Annotated[int, Field(ge=1)] = 120
    """Finale's budget of GETs a minute; lower it when others share the key."""
    post_per_minute: Annotated[int, Field(ge=1)] = 120
    """Finale's budget of POSTs a minute."""
    collections_per_hour: Annotated[int, Field(ge=1)] = 300
    """Finale's budget of collection reads an hour."""
    row_cap: Annotated[int, Field(ge=2)] = 120_000
    """Rows at which Finale cuts an answer without a sign."""
    reject_limit: Share = 0.05
    """Share of unreadable rows above which a table is left as it was."""
    case_quantities: Literal["auto", "cases", "units"] = "auto"
    """What a quantity beside a packing counts; auto = cases, unless the account's stock shows that
    it is units (`finale doctor` says which)."""
    dropship_order_suffixes: Names = ("-DropshipPO",)
    """Endings of the numbers of orders that vendors ship to customers themselves."""
    dropship_sku_suffixes: Names = ()
    """Endings of SKUs that vendors ship to customers themselves; with commas."""
    dropship_categories: Names = ()
    """Categories that vendors ship to customers themselves; with commas."""
    dropship_field: str | None = None
    """User-defined field and value of products that vendors ship to customers themselves, such as
    Dropshipped=Yes."""
    kits: Literal["auto", "virtual", "stocked"] = "auto"
    """Whether products with components keep no stock of their own; auto = those that were never on
    hand, never built and never bought."""
    count_unshipped_orders: bool = True
    """Count completed sales orders of which no shipment moved, by their lines."""
    shrink_limit: Share = 0.2
    """Share of products that may lose their stock, or vanish, in one read."""

    active_days: Annotated[int, Field(ge=1)] = 365
    """Days without a change after which the active sync leaves a product out."""
    reread_days: Annotated[int, Field(ge=0, le=3650)] = 60
    """Days of orders and shipments that the full sync reads again; 0 = none."""
    reread_all_days: Annotated[int, Field(ge=0, le=3650)] = 30
    """Days after which a full sync reads all orders and shipments again; 0 = never."""
    stuck_minutes: Minutes = 30
    """Minutes without a sign of life after which a sync is cancelled."""
    partitions_since: Day | None = None
    """First day that Dagster shows; unset = last year's first. Older ones are read all the same."""
    keep_runs_days: Annotated[int, Field(ge=1)] = 14
    """Days that Dagster keeps finished runs; failed ones four times as long."""


class Hooks(Group):
    """What tests of real processes need and nobody who runs it does; .env.example is silent.

    More lanes, requests at once, than Finale's budget feeds gain nothing; a process that is killed
    at its n-th request has one.
    """

    lanes: Annotated[int, Field(ge=1, le=4)] = 4


class Schedules(Group):
    """When what runs."""

    schedule_critical: Cron = "*/15 * * * *"
    """When the critical sync runs, as cron in TIMEZONE; or `off`."""
    schedule_inventory: Cron = "0 * * * *"
    """When the inventory sync runs, as cron in TIMEZONE; or `off`."""
    schedule_active: Cron = "0 2 * * *"
    """When the active sync runs, as cron in TIMEZONE; or `off`."""
    schedule_full: Cron = "0 3 * * SUN"
    """When the full sync runs, as cron in TIMEZONE; or `off`."""
    schedule_smart: Cron = "0 */6 * * *"
    """When the sync that fits the data's age runs, as cron in TIMEZONE; or `off`."""
    schedule_housekeeping: Cron = "30 4 * * *"
    """When old records are deleted, as cron in TIMEZONE; or `off`."""
    smart_critical: Minutes = 30
    """Minutes since the last good sync under which smart takes critical."""
    smart_inventory: Minutes = 120
    """Minutes since the last good sync under which smart takes inventory."""
    smart_active: Minutes = 1440
    """Minutes since the last good sync under which smart takes active."""


class Mails(Group):
    """When an item is low, who is told, and how."""

    low_stock_default_units: Annotated[float, Field(ge=0)] = 10
    """Below it a product without a reorder point is low."""
    breaker_share: Share = 0.1
    """Share of products that may worsen at once; above it one mail tells all."""
    alert_emails: Addresses = ()
    """Who gets the mails; addresses with commas between them."""
    alert_routes: Secret | None = None
    """Who else gets mails about items, each all or only vendors or categories of theirs, by mail,
    slack, teams or webhook: [{"name": "anna", "mail": "anna@shop.example", "vendors": ["Acme"]},
    {"name": "tea", "slack": "https://…", "categories": ["Tea"]}]."""
    alert_from: Address | None = None
    """Sender of the mails."""
    quiet_hours: Hours | None = None
    """Hours of the account's day without mails, such as 22:00-07:00."""
    digest_hour: Annotated[int, Field(ge=0, le=23)] = 7
    """Hour of the account's day at which the morning digest is sent."""
    company: Annotated[str, Field(max_length=500)] | None = None
    """Our name and address on orders for vendors, | between lines; unset = the account's name."""
    pages_url: str | None = None
    """Where mails link to our pages; unset = this machine, API_PORT."""
    smtp_host: str | None = None
    """SMTP server for mails, where SendGrid is not used."""
    smtp_port: Port = 587
    """Its port."""
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    """How it is spoken to: starttls, tls or none."""
    smtp_user: str | None = None
    """User there; unset = no log-in."""
    smtp_password: Secret | None = None
    """That user's password."""
    sendgrid_api_key: Secret | None = None
    """Key of SendGrid; without it, and without SMTP, mails become files in HOME."""
    sendgrid_base_url: str = "https://api.sendgrid.com"
    """Address of SendGrid; https, or loopback."""


class Planning(Group):
    """What the purchase plan aims at."""

    service_level: Level = 0.95
    """Share of lead times to get through without running out."""
    reorder_points: Literal["forecast", "finale", "higher"] = "forecast"
    """Whose reorder point counts, for alerts and plan, where a buyer has set none: the forecast's
    where it can be trusted (else Finale's), Finale's, or the higher one."""
    default_lead_time_days: Annotated[float, Field(ge=0, le=730)] = 14
    """Days from order to shelf where neither Finale nor the past says."""
    review_period_days: Annotated[int, Field(ge=1, le=90)] = 7
    """Days between two chances to order from a vendor."""
    cover_days: Annotated[int, Field(ge=1, le=730)] = 28
    """Days of sales that one order should last."""


class Ordering(Group):
    """Whether and where purchase orders are drafted in Finale."""

    allow_writes: bool = False
    """Whether drafts of purchase orders may be created in Finale; else it is read."""
    order_facility: str | None = None
    """Location that drafts go to, by name or facilityUrl; unset = that of the vendor's last order,
    else the only one."""
