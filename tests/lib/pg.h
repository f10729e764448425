/*
 * pg: a database for one test.
 *
 * With BERTH_TEST_PG set (a connection string of a superuser, as tests/with_postgres.sh sets it)
 * a database is made on that server; without it the first test starts a private server (a Unix
 * socket only; as an unprivileged user when root) that ends with the process.
 *
 * Ownership  pg_database's text is the caller's (mem_free); pg_drop removes the database.
 * Thread     one at a time.
 * Errors     none: a test without a database is a failed test (CHECK).
 */
#pragma once

/* A new, empty database: its connection string. */
char *pg_database(void);
/* The same, migrated. */
char *pg_database_migrated(void);
void pg_drop(char *conninfo);
