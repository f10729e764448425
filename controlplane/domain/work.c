#include "controlplane/domain/work.h"

#include "controlplane/domain/authz.h"

enum result work_begin(struct work *work)
{
    work->who = principal_machine();
    work->wake = 0;
    return db_begin(work->db, NULL);
}

enum result work_end(struct work *work, enum result rc)
{
    rc = db_end(work->db, rc);
    if (rc != OK)
        work->wake = 0;
    return rc;
}
