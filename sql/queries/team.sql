-- name: team_by_id
SELECT *
  FROM team_item
 WHERE id = $1
   AND state <> 'deleted';

-- name: team_list
SELECT *
  FROM team_item
 WHERE id > $1
   AND list_matches(name, state, labels, created_at, updated_at, $3, $4, $5, $6, $7, $8)
   AND (state <> 'deleted' OR $3 = 'deleted')
   AND ($9::text IS NULL OR id = $9)
 ORDER BY id
 LIMIT $2;

-- name: team_insert
INSERT INTO team (team_id, name, display_name, description, labels, created_by, plan_id)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: team_update
UPDATE team
   SET name = $3, display_name = $4, description = $5, labels = $6, plan_id = $7,
       updated_at = clock_timestamp(), version = version + 1
 WHERE team_id = $1
   AND version = $2
   AND state = 'active';

-- name: team_lock
-- Others may go on making what refers to the team: a user, a credential.
SELECT team_id
  FROM team
 WHERE team_id = $1
   AND state = 'active'
   FOR NO KEY UPDATE;

-- name: team_delete
UPDATE team
   SET state = 'deleted', updated_at = clock_timestamp(), version = version + 1
 WHERE team_id = $1
   AND NOT EXISTS (SELECT FROM account a WHERE a.team_id = $1
                      AND a.state NOT IN ('tombstoned', 'deleted'));

-- name: member_by_id
SELECT *
  FROM member_item
 WHERE team_id = $1
   AND id = $2
   AND state = 'active';

-- name: member_list
SELECT *
  FROM member_item
 WHERE id > $1
   AND team_id = $9
   AND list_matches(name, state, labels, created_at, updated_at, $3, $4, $5, $6, $7, $8)
   AND (state <> 'removed' OR $3 = 'removed')
 ORDER BY id
 LIMIT $2;

-- name: member_insert
INSERT INTO member (member_id, team_id, name, display_name, description, labels, created_by, role,
                    accounts)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: member_update
UPDATE member
   SET name = $3, display_name = $4, description = $5, labels = $6, role = $7, accounts = $8,
       updated_at = clock_timestamp(), version = version + 1
 WHERE member_id = $1
   AND version = $2
   AND state = 'active';

-- name: member_remove
UPDATE member
   SET state = 'removed', updated_at = clock_timestamp(), version = version + 1
 WHERE member_id = $1
   AND state = 'active';

-- name: member_remove_of_team
UPDATE member
   SET state = 'removed', updated_at = clock_timestamp(), version = version + 1
 WHERE team_id = $1
   AND state = 'active';

-- name: member_other_admins
SELECT count(*)
  FROM member
 WHERE team_id = $1
   AND member_id <> $2
   AND role = 'admin'
   AND accounts IS NULL
   AND state = 'active';
