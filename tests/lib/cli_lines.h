/*
 * cli_lines: command lines of berth, and the requests that they make.
 *
 * The lines run in this process against a stand-in for the control plane, which answers what the
 * table does not: a list of a name with one item (its id is "id-NAME"; of nothing "id-only"), any
 * other GET and every change with a resource, ETag "7".  Contexts are in a folder of their own.
 *
 * Ownership  borrowed for the call.
 * Thread     one, besides the stand-in's.
 * Errors     none: a line that does otherwise is a failed test.
 */
#pragma once

#include <stddef.h>

struct cli_line {
    const char *words;   /* behind "berth"; a word with blanks in 'quotes' */
    const char *request; /* the last one, "POST /v1/teams {...}"; NULL: not looked at, "": none */
    int code;
    const char *shows;  /* somewhere in what it prints; NULL: not looked at */
    const char *to;     /* how a request begins that is answered otherwise; NULL: none */
    const char *answer; /* "422 {...}", "200 text" */
    unsigned times;     /* answered so; 0: always */
    const char *warns;  /* on stderr and not on stdout; NULL: not looked at, "": stderr is empty */
};

/* For cmocka_run_group_tests: starts the stand-in, sets the environment; the other way. */
int cli_lines_start(void **state);
int cli_lines_stop(void **state);

/* The words of a line, argv[0] in front and NULL behind; the text is cut up. */
enum { CLI_WORDS_MAX = 64 };
int cli_lines_split(char *text, char *argv[CLI_WORDS_MAX]);

void cli_lines_run(const struct cli_line *lines, size_t count);
/* The folder for contexts and files, with nothing else in it. */
const char *cli_lines_folder(void);
/* Requests so far of the last line, oldest first; NULL behind the last. */
const char *cli_lines_request(size_t i);
/* Where the stand-in listens: http://127.0.0.1:PORT */
const char *cli_lines_url(void);
