-- Whoever writes days of sales, by whatever statement, empties the packed months they are in. Rows
-- of months that are empty already are locked all the same: whoever packs them leaves those alone
-- until this transaction is over.
CREATE OR REPLACE FUNCTION core.unpack_sales_months() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM core.sales_month;
        RETURN NULL;
    END IF;
    INSERT INTO core.sales_month AS m (begins_on, product_url)
        SELECT DISTINCT date_trunc('month', sold_on::timestamp)::date, product_url
        FROM written_sales ORDER BY 1, 2
        ON CONFLICT (begins_on, product_url) DO UPDATE SET sold = NULL WHERE m.sold IS NOT NULL;
    IF TG_OP = 'UPDATE' THEN
        UPDATE core.sales_month m SET sold = NULL FROM former_sales f
        WHERE m.product_url = f.product_url AND m.sold IS NOT NULL
          AND m.begins_on = date_trunc('month', f.sold_on::timestamp)::date;
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION core.unpack_sales_months IS 'Empties the rows of core.sales_month whose days of sales a statement wrote.';
CREATE OR REPLACE TRIGGER unpack_inserted AFTER INSERT ON core.sales_daily
    REFERENCING NEW TABLE AS written_sales
    FOR EACH STATEMENT EXECUTE FUNCTION core.unpack_sales_months();
CREATE OR REPLACE TRIGGER unpack_updated AFTER UPDATE ON core.sales_daily
    REFERENCING OLD TABLE AS former_sales NEW TABLE AS written_sales
    FOR EACH STATEMENT EXECUTE FUNCTION core.unpack_sales_months();
CREATE OR REPLACE TRIGGER unpack_deleted AFTER DELETE ON core.sales_daily
    REFERENCING OLD TABLE AS written_sales
    FOR EACH STATEMENT EXECUTE FUNCTION core.unpack_sales_months();
CREATE OR REPLACE TRIGGER unpack_truncated AFTER TRUNCATE ON core.sales_daily
    FOR EACH STATEMENT EXECUTE FUNCTION core.unpack_sales_months();
