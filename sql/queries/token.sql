-- name: token_find
-- Whoever it is of; with the member it stands for.
SELECT t.token_id, t.name, t.team_id, t.member_id, t.role, t.scopes, t.accounts,
       t.accounts IS NULL AS all_accounts, t.allowed_cidrs, t.secret_hash, t.expires_at, t.state,
       t.last_used_at, m.role AS member_role, m.state AS member_state,
       m.accounts AS member_accounts, m.name AS member_name, e.state AS team_state
  FROM api_token t
  LEFT JOIN member m ON m.member_id = t.member_id
  LEFT JOIN team e ON e.team_id = t.team_id
 WHERE t.token_id = $1;

-- name: token_used
UPDATE api_token
   SET last_used_at = clock_timestamp(), last_used_from = $2
 WHERE token_id = $1;

-- name: token_by_id
-- Of one team; NULL: of any, or of none.
SELECT *
  FROM token_item
 WHERE id = $1
   AND ($2::text IS NULL OR team_id = $2)
   AND role <> 'bootstrap';

-- name: token_list
SELECT *
  FROM token_item
 WHERE id > $1
   AND list_matches(name, state, labels, created_at, updated_at, $3, $4, $5, $6, $7, $8)
   AND (state <> 'revoked' OR $3 = 'revoked')
   AND team_id IS NOT DISTINCT FROM $9
   AND ($10::text IS NULL OR member_id = $10)
   AND ($11::text IS NULL OR id = $11)
   AND role <> 'bootstrap'
 ORDER BY id
 LIMIT $2;

-- name: token_insert
INSERT INTO api_token (token_id, team_id, member_id, parent_id, name, display_name, description,
                       labels, created_by, role, scopes, accounts, allowed_cidrs, secret_hash,
                       expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15);

-- name: token_update
UPDATE api_token
   SET name = $3, display_name = $4, description = $5, labels = $6, scopes = $7, accounts = $8,
       allowed_cidrs = $9, expires_at = $10, updated_at = clock_timestamp(), version = version + 1
 WHERE token_id = $1
   AND version = $2
   AND state = 'active';

-- name: token_revoke
UPDATE api_token
   SET state = 'revoked', updated_at = clock_timestamp(), version = version + 1
 WHERE token_id = $1
   AND state = 'active';

-- name: token_revoke_member
UPDATE api_token
   SET state = 'revoked', updated_at = clock_timestamp(), version = version + 1
 WHERE member_id = $1
   AND state = 'active';

-- name: token_revoke_team
UPDATE api_token
   SET state = 'revoked', updated_at = clock_timestamp(), version = version + 1
 WHERE team_id = $1
   AND state = 'active';

-- name: token_count
SELECT count(*)
  FROM api_token
 WHERE team_id = $1
   AND state = 'active'
   AND expires_at > now();

-- name: token_bootstrap_lock
SELECT pg_advisory_xact_lock(4242003);

-- name: token_admins
SELECT count(*)
  FROM api_token
 WHERE role = 'operator_admin';

-- name: token_revoke_bootstrap
UPDATE api_token
   SET state = 'revoked', updated_at = clock_timestamp(), version = version + 1
 WHERE role = 'bootstrap'
   AND state = 'active';
