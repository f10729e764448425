-- What is lost with a process that ends without notice is bounded by the highest rate of its node.
-- An average is no such bound: what was counted may have come in a moment.  So a tenth of the time
-- is taken to have seen all of it (of the ten seconds between two samples: one), and a node that
-- has shown little yet is taken to carry what one client sends easily.

CREATE FUNCTION usage_peak(counted bigint, span interval)
    RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$
    SELECT ceil(10.0 * counted / greatest(extract(epoch FROM span), 10))::bigint
$$;
