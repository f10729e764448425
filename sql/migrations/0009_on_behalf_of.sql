-- Who asked for what the control plane did later: the event of an operation's end says so.
-- NULL: the actor did it for himself.
--
-- The view audit_item stays as it is, for a control plane of an older version that runs beside.

ALTER TABLE audit_event ADD COLUMN on_behalf_of text;
