# Everything Berth needs: make, make run, make test, make check, ...  `make help` lists them.
#
# One file, not recursive, no list of sources.  Sanitizer builds live side by side in build/;
# the programs of the plain build are linked to build/bin.

CC     ?= cc
SAN    ?=
JOBS   ?= $(shell nproc)
comma  := ,
B      := build/$(if $(SAN),$(subst $(comma),-,$(SAN)),plain)
VERSION := 0.1.0

PREFIX  ?= /usr/local
DESTDIR ?=

# What a sanitizer finds ends the program: gcc's UBSan would print and go on.
SANITIZE := -fsanitize=$(SAN) -fno-sanitize-recover=all

WARN   := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla \
          -Wno-missing-field-initializers -Wno-unused-parameter -Werror
CFLAGS_ALL := -std=c11 -D_GNU_SOURCE -DBERTH_VERSION='"$(VERSION)"' -I. -I$(B) -g -pthread \
          -fno-omit-frame-pointer $(if $(SAN),-O1 $(SANITIZE),-O2) $(WARN) $(CFLAGS) \
          -I$(shell pg_config --includedir 2>/dev/null || echo /usr/include/postgresql)
LDFLAGS_ALL := -pthread $(if $(SAN),$(SANITIZE)) $(LDFLAGS)

LIBS_API     := -lsodium -ljansson -lcrypto -lm
LIBS_BROKER  := -lmicrohttpd -lcrypt $(LIBS_API)
LIBS_CONTROL := -lpq -lmicrohttpd -lnats -lcrypto $(LIBS_API)
LIBS_CLI     := -lcurl -lnats $(LIBS_API)
LIBS_TEST    := -lcmocka -lpq -lmicrohttpd -lnats -lcurl -lcrypto -lcrypt $(LIBS_API)

src = $(filter-out %/main.c,$(wildcard $(1)/*/*.c))
obj = $(patsubst %.c,$(B)/%.o,$(1))

all: $(B)/bin/berth-broker $(B)/bin/berth-control $(B)/bin/berth
ifeq ($(SAN),)
	@mkdir -p build/bin
	@for p in berth-broker berth-control berth; do ln -sfn ../plain/bin/$$p build/bin/$$p; done
endif

$(B)/api.a:          $(call obj,$(call src,api))
$(B)/dataplane.a:    $(call obj,$(call src,dataplane))
$(B)/controlplane.a: $(call obj,$(call src,controlplane)) $(B)/queries.o $(B)/migrations.o \
                     $(B)/openapi.o
$(B)/testlib.a:      $(call obj,$(wildcard tests/lib/*.c))
$(B)/%.a:
	@mkdir -p $(@D)
	@rm -f $@ && ar rcs $@ $^

$(B)/%.o: %.c | $(B)/statements.def
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -MMD -MP -c $< -o $@

# The SQL is linked into the program; the names of its statements become an enum.
$(B)/queries.sql: $(sort $(wildcard sql/queries/*.sql))
	@mkdir -p $(@D)
	@cat /dev/null $^ > $@
$(B)/statements.def: $(B)/queries.sql
	@sed -n 's/^-- name: \([a-z0-9_]*\)$$/STATEMENT(\1)/p' $< > $@.new
	@cmp -s $@.new $@ || cp $@.new $@
$(B)/queries.o: $(B)/queries.sql
	@cd $(B) && ld -r -b binary -z noexecstack -o queries.o queries.sql

$(B)/migrations.sql: $(sort $(wildcard sql/migrations/*.sql))
	@mkdir -p $(@D)
	@for f in $^; do echo "-- migration: $$(basename $$f .sql)"; cat $$f; done > $@
$(B)/openapi.json: api/openapi.json
	@mkdir -p $(@D)
	@cp $< $@
$(B)/migrations.o: $(B)/migrations.sql
	@cd $(B) && ld -r -b binary -z noexecstack -o $(@F) $(<F)
$(B)/openapi.o: $(B)/openapi.json
	@cd $(B) && ld -r -b binary -z noexecstack -o $(@F) $(<F)

$(B)/bin/berth-broker: $(B)/dataplane/main.o $(B)/dataplane.a $(B)/api.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS_BROKER)
$(B)/bin/berth-control: $(B)/controlplane/main.o $(B)/controlplane.a $(B)/api.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS_CONTROL)
$(B)/bin/berth: $(B)/controlplane/cli/main.o $(B)/controlplane.a $(B)/api.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS_CLI)

# One program for each tests/unit/PLANE/FOLDER/test_MODULE.c; make unit T=sublist runs one.
# Linked with its own plane only: the planes are programs apart, and some of their names are the same.
other = $(if $(findstring /dataplane/,$@),%/controlplane.a,%/dataplane.a)
tests := $(wildcard tests/unit/*/*/test_$(or $(T),*).c)
units := $(patsubst %.c,$(B)/%,$(tests))
runs  := $(addsuffix .ok,$(units))
$(units): $(B)/%: $(B)/%.o $(B)/testlib.a $(B)/controlplane.a $(B)/dataplane.a $(B)/api.a
	@$(CC) $(LDFLAGS_ALL) -o $@ $(filter-out $(other),$^) $(LIBS_TEST)
$(runs): %.ok: % | $(B)/bin/berth-broker
	@BERTH_BIN=$(B)/bin tests/sanitized.sh $< > $@.log 2>&1 && touch $@ && echo "ok   $(notdir $<)" || \
	    { cat $@.log; echo "FAIL $(notdir $<)"; exit 1; }
unit: $(runs)

# --- set-up, run, test ------------------------------------------------------------------------

deps:
	@deploy/install-deps.sh

# Everything on this machine: PostgreSQL, control plane, node, and two isolated teams at work.
run: deps
	@[ -x $(B)/bin/berth-control ] || echo 'Building; the first time this takes a few minutes ...'
	@$(MAKE) -s -j$(JOBS) all
	@deploy/run.sh

stop:
	@deploy/run.sh --stop

# Removes the run-time data of make run, after asking (YES=1 does not ask).
reset:
	@deploy/run.sh --reset

# One PostgreSQL for the run, a database for each test that wants one.
test: deps
	@$(MAKE) -s -j$(JOBS) all
	@tests/with_postgres.sh $(MAKE) -s -k -j$(JOBS) suite

suite: unit transcripts integration

# The protocol as conversations, on our broker; tests/golden/run.sh says how to play some on another.
$(B)/tests/golden/play: $(B)/tests/golden/play.o $(B)/testlib.a $(B)/api.a
	@$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS_API)
transcripts: all $(B)/tests/golden/play
	@tests/sanitized.sh tests/golden/run.sh $(B)/tests/golden/play $(B)/bin/berth-broker

# Both programs, a real PostgreSQL, real sockets: one script for each tests/integration/*.sh, some
# of which run a program of the same folder.
scenes := $(patsubst %.c,$(B)/%,$(wildcard tests/integration/*.c tests/chaos/*.c))
$(scenes): $(B)/%: $(B)/%.o $(B)/testlib.a $(B)/controlplane.a $(B)/dataplane.a $(B)/api.a
	@$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS_TEST)
integration: all $(filter $(B)/tests/integration/%,$(scenes))
	@tests/integration/run.sh $(B)/bin

# The rules of docs/STYLE.md that a machine can check.
lint: $(B)/statements.def
	@tests/tidy/tidy.sh $(CFLAGS_ALL)

check: lint
	$(MAKE) SAN=address,undefined test
	$(MAKE) SAN=thread test

# Control plane, node and command line together, each program under valgrind.
valgrind: all $(B)/tests/integration/control_and_node
	@tests/with_postgres.sh tests/valgrind.sh $(B)/bin $(B)/tests/integration/control_and_node

# All that needs stock nats-server and the nats CLI; insists on them.
interop: all $(B)/tests/interop/jwt_tool
	@BERTH_PEERS_REQUIRED=1 tests/with_postgres.sh tests/sanitized.sh tests/interop/run.sh $(B)/bin
$(B)/tests/interop/jwt_tool: $(B)/tests/interop/jwt_tool.o $(B)/api.a
	@$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS_API)

# L="1to1-16 idle" runs these lines only, ROUNDS=1 is quicker.
bench_programs := $(addprefix $(B)/tests/bench/,natsload floor limits tlscost)
$(B)/tests/bench/natsload: $(call obj,$(wildcard tests/bench/load/*.c))
$(bench_programs): %: %.o
	@$(CC) $(LDFLAGS_ALL) -o $@ $^ -lssl -lcrypto
bench: all $(bench_programs) $(B)/tests/integration/control_and_node
	@[ -n "$(L)" ] || BERTH_JUDGE_TIMES=1 tests/with_postgres.sh \
	    $(B)/tests/integration/control_and_node $(B)/bin test_create_to_applied
	@tests/bench/compare.sh $(if $(ROUNDS),--rounds $(ROUNDS)) $(B)/bin/berth-broker $(L)

# Long: 200 random kill -9 of control plane, PostgreSQL or node, then two control planes at once.
chaos: all $(filter $(B)/tests/chaos/%,$(scenes))
	@tests/sanitized.sh tests/chaos/run.sh $(B)/bin

# Long: each parser of foreign bytes for FUZZ_SECONDS.
FUZZ_SECONDS ?= 600
fuzzers := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
fuzz:
	@$(MAKE) -s CC=clang SAN=fuzzer-no-link,address,undefined fuzz-programs
	@tests/fuzz/run.sh build/fuzzer-no-link-address-undefined/tests/fuzz $(FUZZ_SECONDS)
fuzz-programs: $(addprefix $(B)/tests/fuzz/,$(fuzzers))
$(B)/tests/fuzz/fuzz_%: $(B)/tests/fuzz/fuzz_%.o $(B)/dataplane.a $(B)/api.a
	@$(CC) $(LDFLAGS_ALL) -fsanitize=fuzzer -o $@ $^ $(LIBS_BROKER)

# --- install, clean ---------------------------------------------------------------------------

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/systemd/system \
	    $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/doc/berth
	install -m 755 $(addprefix $(B)/bin/,berth-broker berth-control berth) $(DESTDIR)$(PREFIX)/bin
	for unit in deploy/systemd/*.service; do \
	    sed 's|@PREFIX@|$(PREFIX)|g' $$unit > $(DESTDIR)$(PREFIX)/lib/systemd/system/$$(basename $$unit); \
	done
	install -m 644 docs/man/*.1 $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 644 README.md LICENSE docs/compatibility.md deploy/examples/* \
	    $(DESTDIR)$(PREFIX)/share/doc/berth

# Keeps run-time data (var/).
clean:
	rm -rf build

help:
	@printf '%s\n' \
	    'make            build the programs into build/bin' \
	    'make run        install what is missing, start everything, show two teams at work' \
	    'make stop       stop what make run started' \
	    'make test       all tests that need nothing outside Debian' \
	    'make lint       the rules of docs/STYLE.md that a machine can check' \
	    'make check      lint, then the tests under ASan+UBSan and under TSan' \
	    'make valgrind   control plane and node at work, each under valgrind' \
	    'make interop    with stock nats-server and the nats CLI (they must be there)' \
	    'make bench      server CPU for a million messages, in turn with the stock server' \
	    'make chaos      200 random kills; make fuzz: every parser for ten minutes' \
	    'make install    PREFIX=/usr/local DESTDIR=' \
	    'make clean      remove build/; make reset: remove run-time data, after asking'

.PHONY: all unit deps run stop reset test suite transcripts integration lint check valgrind interop bench chaos \
        fuzz fuzz-programs install clean help
.SECONDARY:
-include $(shell find build -name '*.d' 2>/dev/null)
