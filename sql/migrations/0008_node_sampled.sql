-- When a node last told its accounts' counters.  Whom it did not name it did not have: that is how
-- old the zeros of such an account are.

ALTER TABLE node ADD COLUMN sampled_at timestamptz;
