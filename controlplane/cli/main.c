/* berth: the command line. */
#include <curl/curl.h>

#include "controlplane/cli/command.h"
#include "controlplane/cli/tables.h"

int main(int argc, char **argv)
{
    int code;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
        return cli_fail(EXIT_FAILED, "libcurl does not start");
    code = command_main(command_tables, argc, argv);
    curl_global_cleanup();
    return code;
}
