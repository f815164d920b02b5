CREATE OR REPLACE VIEW mart.vendor AS
SELECT v.vendor_url, v.vendor_id, v.name, v.status = 'PARTY_ENABLED' AS is_enabled,
       (SELECT c.value FROM core.vendor_contact c
        WHERE c.vendor_url = v.vendor_url AND c.kind = 'EMAIL_ADDRESS'
        ORDER BY c.position LIMIT 1) AS email,
       (SELECT c.value FROM core.vendor_contact c
        WHERE c.vendor_url = v.vendor_url AND c.kind = 'TELECOM_NUMBER'
        ORDER BY c.position LIMIT 1) AS phone
FROM core.vendor v WHERE v.removed_at IS NULL;
COMMENT ON VIEW mart.vendor IS
    'Vendors that are there now, with their first e-mail and phone.';
COMMENT ON COLUMN mart.vendor.vendor_url IS 'Finale''s address of the party (a path); the key.';
COMMENT ON COLUMN mart.vendor.is_enabled IS 'Whether Finale calls it enabled.';
COMMENT ON COLUMN mart.vendor.email IS 'Its first e-mail address.';
COMMENT ON COLUMN mart.vendor.phone IS 'Its first phone number.';
