"""Six questions that a stock analyst asks, answered from the warehouse: `make notebook`."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Six questions about stock")


@app.cell
def _():
    from datetime import timedelta

    import marimo as mo
    import matplotlib.pyplot as plt
    import pandas as pd

    from finale_pipeline.frames import QUIET_DAYS, Mart
    from finale_pipeline.settings import load_settings

    return Mart, QUIET_DAYS, load_settings, mo, pd, plt, timedelta


@app.cell
def _(Mart, load_settings, mo):
    zone = load_settings().zone
    with Mart.open() as _mart:
        _days = _mart.ask("SELECT * FROM mart.stock_day ORDER BY snapshot_on")
        freshness = _mart.freshness()
    observed_days = _days["snapshot_on"]
    mo.stop(
        observed_days.empty,
        mo.md("**The warehouse is empty.** Start `make run`, wait for the first sync, run again."),
    )
    today = observed_days.iloc[-1].date()
    _late = freshness.loc[freshness["is_late"], "asset"].tolist()
    mo.md(
        f"""
        # Six questions about stock

        Every answer comes from the views of `mart`, by the read functions of
        `finale_pipeline.frames`. What a column means stands in `docs/data-dictionary.md`. Copy a
        cell, change it, and look: the connection only reads, so nothing can break.

        Stock was read on **{len(observed_days)}** days, last on **{today}**.
        {"Older than the schedules allow: " + ", ".join(_late) + "." if _late else "All is fresh."}
        """
    )
    return observed_days, today, zone


@app.cell
def _(mo, pd):
    ACCOUNT = "in the account's currency"

    def by_currency(frame: pd.DataFrame, column: str) -> pd.Series:
        """Return a sum per currency; currencies are never added up."""
        return frame[column].groupby(frame["currency"].fillna(ACCOUNT)).sum()

    def in_words(sums: pd.Series) -> str:
        """Return sums per currency in words."""
        return " + ".join(f"{total:,.0f} {name}" for name, total in sums.items()) or "nothing"

    def table(frame: pd.DataFrame, columns: str) -> mo.ui.table:
        """Show some columns of a frame, named with spaces between them."""
        shown = frame[columns.split()].reset_index(drop=True)
        shown = shown.round(dict.fromkeys(shown.select_dtypes("float"), 2))
        return mo.ui.table(shown, selection=None, page_size=8, show_column_summaries=False)

    return ACCOUNT, by_currency, in_words, table


@app.cell
def _(mo):
    mo.md("""
    ## 1. What will run out before it can be bought again?

    `mart.reorder_suggestion` holds the newest plan. `days_without_stock` is how long a product
    will be missing even if it is ordered today; `lost_units` is what will be asked for in
    that time. For the rest there is still time until `must_order_by_on`.
    """)
    return


@app.cell
def _(Mart, by_currency, in_words, mo, table):
    with Mart.open() as _mart:
        suggestions = _mart.reorder_suggestion()
    too_late = suggestions[suggestions["days_without_stock"] > 0].assign(
        lost_value=lambda frame: frame["lost_units"] * frame["unit_cost"]
    )
    facts_1 = {
        "too_late": len(too_late),
        "in_time": len(suggestions) - len(too_late),
        "lost_units": float(too_late["lost_units"].sum()),
        "median_days": float(too_late["days_without_stock"].median()) if len(too_late) else 0.0,
    }
    mo.vstack(
        [
            table(
                too_late.sort_values("lost_units", ascending=False),
                "sku name vendor available_units on_order_units days_without_stock "
                "lost_units lost_value currency we_say_quantity_units why",
            ),
            mo.md(
                f"""
                **{facts_1["too_late"]} products will be out before an order of today arrives**,
                half of them for {facts_1["median_days"]:.0f} days or longer;
                {facts_1["lost_units"]:,.0f} units will be missing, at cost
                {in_words(by_currency(too_late, "lost_value"))}. For the other
                {facts_1["in_time"]} products of the plan there is time.
                """
            ),
        ]
    )
    return (too_late,)


@app.cell
def _(mo, plt, too_late):
    mo.stop(too_late.empty)
    _worst = too_late.nlargest(12, "lost_units").iloc[::-1]
    _figure, _axes = plt.subplots(figsize=(8, 0.35 * len(_worst) + 1), layout="constrained")
    _bars = _axes.barh(_worst["sku"], _worst["days_without_stock"], color="#c0504d")
    _axes.bar_label(
        _bars, labels=[f"{units:,.1f} units" for units in _worst["lost_units"]], padding=3
    )
    _axes.margins(x=0.15)
    _axes.set_xlabel("days without stock, though ordered today")
    _axes.set_title("The largest gaps")
    _figure
    return


@app.cell
def _(mo):
    mo.md("""
    ## 2. Which vendors are late?

    `mart.vendor_scorecard` measures the last 365 days from receipts. On time means: all that
    came had come by the due date. The lead time is compared with what was agreed
    (`plan.vendor_term`), and where nothing was, with what Finale states.
    """)
    return


@app.cell
def _(Mart, mo, table):
    PUNCTUAL = 0.8
    with Mart.open() as _mart:
        scorecard = _mart.vendor_scorecard()
    judged = scorecard[scorecard["orders_due"] > 0].sort_values("on_time_share")
    facts_2 = {
        "judged": len(judged),
        "late": int((judged["on_time_share"] < PUNCTUAL).sum()),
        "overdue_orders": int(scorecard["overdue_orders"].sum()),
    }
    _gaps = judged.dropna(subset="lead_time_gap_days").nlargest(1, "lead_time_gap_days")
    _slowest = "".join(
        f" Farthest from its word is {vendor.vendor}: {vendor.measured_lead_time_days:.0f} days,"
        f" {vendor.lead_time_gap_days:+.0f} against what is said."
        for vendor in _gaps.itertuples()
    )
    mo.vstack(
        [
            table(
                judged,
                "vendor orders_due orders_on_time on_time_share measured_lead_time_days "
                "measured_lead_time_sd_days stated_lead_time_days agreed_lead_time_days "
                "fill_rate overdue_orders products_out median_price_change spend",
            ),
            mo.md(
                f"""
                **{facts_2["late"]} of {facts_2["judged"]} vendors with orders that were due bring
                less than {PUNCTUAL:.0%} of them on time**; orders overdue now:
                {facts_2["overdue_orders"]}.{_slowest}
                """
            ),
        ]
    )
    return (judged,)


@app.cell
def _(judged, mo, plt):
    _known = judged.dropna(subset=["measured_lead_time_days", "stated_lead_time_days"])
    mo.stop(_known.empty)
    _figure, _axes = plt.subplots(figsize=(6, 5), layout="constrained")
    _dots = _axes.scatter(
        _known["stated_lead_time_days"],
        _known["measured_lead_time_days"],
        s=20 + 12 * _known["orders_received"].astype(float),
        c=_known["on_time_share"],
        cmap="RdYlGn",
        vmin=0,
        vmax=1,
        edgecolor="#444444",
    )
    _end = float(_known[["stated_lead_time_days", "measured_lead_time_days"]].max().max()) * 1.1
    _axes.plot([0, _end], [0, _end], color="#888888", linestyle="--", linewidth=1)
    _axes.set(xlim=(0, _end), ylim=(0, _end), xlabel="stated, days", ylabel="measured median, days")
    _axes.set_title("Lead times: above the line = slower than stated")
    _figure.colorbar(_dots, label="share of orders on time")
    _figure
    return


@app.cell
def _(mo):
    mo.md("""
    ## 3. How much money lies in dead stock?

    `mart.dead_stock` says of everything on hand for how many days it neither sold nor came in:
    `quiet_days`. Choose the threshold after looking at the curve. It ends where the known
    sales begin: before that nobody knows.
    """)
    return


@app.cell
def _(Mart, QUIET_DAYS):
    with Mart.open() as _mart:
        on_hand = _mart.dead_stock(0)
    known_days = int(on_hand["quiet_days"].max()) if len(on_hand) else 0
    threshold = min(QUIET_DAYS, known_days)
    return known_days, on_hand, threshold


@app.cell
def _(by_currency, in_words, known_days, mo, on_hand, table, threshold):
    dead = on_hand[on_hand["quiet_days"] >= threshold] if known_days else on_hand.iloc[:0]
    facts_3 = {
        "threshold": threshold,
        "products": len(dead),
        "value": by_currency(dead, "value").to_dict(),
        "of": by_currency(on_hand, "value").to_dict(),
        "without_cost": int(dead["value"].isna().sum()),
    }
    mo.vstack(
        [
            table(
                dead,
                "sku name vendor on_hand_units value currency last_sold_on "
                "last_received_on created_on quiet_days",
            ),
            mo.md(
                f"""
                **{facts_3["products"]} products lie untouched for {threshold} days or longer:
                {in_words(by_currency(dead, "value"))}**, of
                {in_words(by_currency(on_hand, "value"))} on hand.
                {facts_3["without_cost"]} of them have no cost and are not counted.
                """
            ),
        ]
    )
    return


@app.cell
def _(ACCOUNT, known_days, mo, on_hand, plt, threshold):
    mo.stop(known_days == 0)
    _currencies = on_hand["currency"].fillna(ACCOUNT)
    _currency = _currencies.mode()[0]
    _one = on_hand[_currencies == _currency]
    _by_days = _one.groupby("quiet_days")["value"].sum().sort_index(ascending=False).cumsum()
    _figure, _axes = plt.subplots(figsize=(8, 3.2), layout="constrained")
    _axes.step(_by_days.index.astype(int), _by_days, where="post", color="#1f4e79")
    _axes.axvline(threshold, color="#c0504d", linestyle="--", label=f"{threshold} days")
    _axes.set(xlabel="untouched for at least … days", ylabel=f"value, {_currency}", ylim=(0, None))
    _axes.set_title("Money on the shelf, by how long nothing moved")
    _axes.legend()
    _figure
    return


@app.cell
def _(mo):
    mo.md("""
    ## 4. How good were last month's forecasts?

    `mart.forecast_outcome` puts every forecast whose time has passed beside what was asked for
    since. `bias` is the sum of errors over the sum of demand (above 0 = we forecast too much).
    Demand should have stayed within the service quantile in a `service_level` share of cases.
    """)
    return


@app.cell
def _(Mart, mo, table, timedelta, today):
    MONTHS = timedelta(days=92)
    with Mart.open() as _mart:
        _outcomes = _mart.forecast_outcome(today - MONTHS, today)
    planned_on = _outcomes["snapshot_on"].max()
    outcome = _outcomes[_outcomes["snapshot_on"] == planned_on]
    _demand = float(outcome["demanded_units"].sum())
    facts_4 = {
        "forecasts": len(outcome),
        "held": float(outcome["is_held"].mean()) if len(outcome) else None,
        "aimed": float(outcome["service_level"].mean()) if len(outcome) else None,
        "bias": -float(outcome["error_units"].sum()) / _demand if _demand else None,
        "wape": float(outcome["error_units"].abs().sum()) / _demand if _demand else None,
    }
    _says = (
        f"""
        **Of {facts_4["forecasts"]} forecasts of {planned_on:%Y-%m-%d}, {facts_4["held"]:.0%} held;
        {facts_4["aimed"]:.0%} was the aim.** In sum they were {facts_4["bias"]:+.0%} off; the
        misses of all products together are {facts_4["wape"]:.0%} of what was asked for.
        """
        if _demand
        else """
        **No forecast is old enough to be judged.** Plan a past day:
        `finale forecast plan --on DAY`, or days of `forecasts` in Dagster; then run it again.
        """
    )
    mo.vstack(
        [
            table(
                outcome.assign(missed=outcome["error_units"].abs()).nlargest(40, "missed"),
                "sku name protection_days demand_units demand_service_units "
                "demanded_units error_units is_held",
            ),
            mo.md(_says),
        ]
    )
    return (outcome,)


@app.cell
def _(mo, outcome, plt):
    mo.stop(outcome.empty)
    _figure, _axes = plt.subplots(figsize=(6, 5), layout="constrained")
    _held = outcome["is_held"].astype(bool)
    for _is, _color, _label in ((_held, "#1f4e79", "held"), (~_held, "#c0504d", "more was asked")):
        _axes.scatter(
            outcome.loc[_is, "demand_units"],
            outcome.loc[_is, "demanded_units"],
            s=12,
            alpha=0.6,
            color=_color,
            label=f"{_label}: {_is.sum()}",
        )
    _end = float(outcome[["demand_units", "demanded_units"]].max().max()) * 1.5
    _axes.plot([0, _end], [0, _end], color="#888888", linestyle="--", linewidth=1)
    _axes.set_xscale("symlog", linthresh=1)
    _axes.set_yscale("symlog", linthresh=1)
    _axes.set(
        xlabel="forecast, units", ylabel="asked for, units", xlim=(0, _end), ylim=(-0.1, _end)
    )
    _axes.set_title("Forecast and outcome, per product")
    _axes.legend()
    _figure
    return


@app.cell
def _(mo):
    mo.md("""
    ## 5. What was the stock on a day, and what sold since?

    `mart.stock_as_of(day)` gives the stock at the end of any business day; on a day that was
    not observed, that of the last one before it. What is neither sold nor still there was
    received, corrected, or is sold and not shipped yet: `other_units`.
    """)
    return


@app.cell
def _(Mart, mo, observed_days, table, timedelta, today):
    MONTH = timedelta(days=30)
    _early = observed_days[observed_days.dt.date <= today - MONTH]
    chosen_day = (_early.iloc[-1] if len(_early) else observed_days.iloc[0]).date()
    with Mart.open() as _mart:
        _then = _mart.stock_as_of(chosen_day)
        _now = _mart.stock_as_of(today)
        _sales = _mart.sales_daily(chosen_day + timedelta(days=1), today)
    _sold = _sales.groupby("product_url")["units"].sum().rename("sold_units")
    since = (
        _then[["product_url", "sku", "on_hand_units"]]
        .rename(columns={"on_hand_units": "then_units"})
        .merge(_now[["product_url", "on_hand_units"]], on="product_url")
        .rename(columns={"on_hand_units": "now_units"})
        .merge(_sold, on="product_url", how="left")
        .fillna({"sold_units": 0.0})
    )
    since["other_units"] = since["now_units"] - since["then_units"] + since["sold_units"]
    facts_5 = {
        "day": chosen_day,
        "products": len(since),
        "then": float(since["then_units"].sum()),
        "now": float(since["now_units"].sum()),
        "sold": float(since["sold_units"].sum()),
    }
    mo.vstack(
        [
            table(
                since.sort_values("sold_units", ascending=False),
                "sku then_units now_units sold_units other_units",
            ),
            mo.md(
                f"""
                **At the end of {chosen_day} {facts_5["then"]:,.0f} units were on hand. Until
                {today} customers asked for {facts_5["sold"]:,.0f}, and {facts_5["now"]:,.0f} are
                there now**: {facts_5["now"] - facts_5["then"] + facts_5["sold"]:,.0f} came in, or
                are sold and still here.
                """
            ),
        ]
    )
    return (chosen_day,)


@app.cell
def _(Mart, chosen_day, mo, plt, today):
    with Mart.open() as _mart:
        _daily = _mart.stock_daily(chosen_day, today)
    _total = _daily.groupby("snapshot_on")["on_hand_units"].sum()
    mo.stop(len(_total) <= 1, mo.md("*One day was observed; a picture needs two.*"))
    _figure, _axes = plt.subplots(figsize=(8, 3), layout="constrained")
    _axes.step(_total.index, _total, where="post", marker="o", markersize=4, color="#1f4e79")
    _axes.set(ylabel="units on hand", ylim=(0, float(_total.max()) * 1.1))
    _axes.set_title("All stock, on observed days")
    _figure.autofmt_xdate()
    _figure
    return


@app.cell
def _(mo):
    mo.md("""
    ## 6. Which alerts were followed by an order?

    `mart.alert_history` has every crossing. An alert counts as followed when a purchase order
    with that product was placed on its day or in the week after it. Alerts of the last week
    are left out: their time is not over.
    """)
    return


@app.cell
def _(Mart, mo, pd, table, timedelta, today, zone):
    WEEK = timedelta(days=7)
    QUARTER = timedelta(days=92)
    with Mart.open() as _mart:
        _history = _mart.alert_history(today - QUARTER)
        _lines = _mart.purchase_order_line(today - QUARTER)
    _worse = _history[
        _history["kind"].isin(["opened", "worsened"]) & _history["sku"].notna()
    ].assign(
        alerted_on=lambda frame: (
            frame["happened_at"].dt.tz_convert(zone).dt.tz_localize(None).dt.normalize()
        )
    )
    alerts = _worse[_worse["alerted_on"] <= pd.Timestamp(today - WEEK)]
    _pairs = alerts.merge(
        _lines[["product_url", "order_id", "ordered_on", "open_units"]],
        left_on="subject", right_on="product_url",
    )  # fmt: skip
    _waited = _pairs["ordered_on"] - _pairs["alerted_on"]
    _answers = (
        _pairs[(_waited >= timedelta(0)) & (_waited <= WEEK)]
        .sort_values("ordered_on")
        .drop_duplicates("event_id")
    )
    followed = alerts.merge(
        _answers[["event_id", "order_id", "ordered_on"]], how="left", on="event_id"
    )
    _earlier = _pairs[(_waited < timedelta(0)) & (_pairs["open_units"] > 0)]
    followed["is_on_the_way"] = followed["event_id"].isin(_earlier["event_id"])
    followed["days"] = (followed["ordered_on"] - followed["alerted_on"]).dt.days
    facts_6 = {
        "alerts": len(followed),
        "followed": int(followed["order_id"].notna().sum()),
        "median_days": float(followed["days"].median()) if followed["days"].notna().any() else None,
        "on_the_way": int(followed.loc[followed["order_id"].isna(), "is_on_the_way"].sum()),
    }
    _when = (
        f" Half of those orders came within {facts_6['median_days']:.0f} days."
        if facts_6["median_days"] is not None
        else ""
    )
    mo.vstack(
        [
            table(
                followed,
                "alerted_on sku name from_level to_level available_units order_id ordered_on days",
            ),
            mo.md(
                f"""
                **{facts_6["followed"]} of {facts_6["alerts"]} alerts were followed by an order
                within a week.**{_when} Of the others {facts_6["on_the_way"]} were on order
                already, and still are.
                """
                if facts_6["alerts"]
                else "**No product got worse before last week;** there is nothing to follow yet."
            ),
        ]
    )
    return


if __name__ == "__main__":
    app.run()
