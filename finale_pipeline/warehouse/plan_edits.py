"""What buyers change about the lines of a plan: locked, read, noted."""

LOCKED = (
    "SELECT product_url FROM plan.purchase_order_draft_line WHERE snapshot_on = %(day)s"
    " AND vendor_url = %(vendor)s AND product_url = ANY (%(products)s)"
    " ORDER BY product_url FOR UPDATE"
)

LINES = (
    "SELECT * FROM plan.purchase_line WHERE snapshot_on = %(day)s AND vendor_url = %(vendor)s"
    " AND product_url = ANY (%(products)s) ORDER BY product_url"
)

ORDER = "SELECT * FROM mart.purchase_plan WHERE snapshot_on = %(day)s AND vendor_url = %(vendor)s"

NOTED = (
    "INSERT INTO plan.purchase_order_edit (snapshot_on, vendor_url, product_url, quantity_units,"
    " unit_cost, is_dropped, old_quantity_units, old_unit_cost, was_dropped, suggested_units,"
    " suggested_cost, broken_rules, edited_by, edited_at, note, change_id,"
    " is_standing) VALUES (%(snapshot_on)s,"
    " %(vendor_url)s, %(product_url)s, %(fixed_units)s, %(fixed_cost)s, %(is_dropped)s,"
    " %(quantity_units)s, %(unit_cost)s, %(was_dropped)s, %(suggested_units)s, %(suggested_cost)s,"
    " %(broken_rules)s, %(by)s, %(now)s, %(note)s, %(change_id)s, %(is_standing)s)"
    " RETURNING edit_id"
)

BELOW_MINIMUM = (
    "UPDATE plan.purchase_order_edit SET broken_rules = broken_rules || %(rule)s::text"
    " WHERE edit_id = ANY (%(edits)s)"
)
