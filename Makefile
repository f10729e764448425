# Everything Berth needs: make, make run, make test, make check, ...  `make help` lists them.
#
# One file, not recursive, no list of sources.  Sanitizer builds live side by side in build/;
# the programs of the plain build are linked to build/bin.

CC     ?= cc
SAN    ?=
comma  := ,
B      := build/$(if $(SAN),$(subst $(comma),-,$(SAN)),plain)
VERSION := 0.1.0

PREFIX  ?= /usr/local
DESTDIR ?=

WARN   := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla \
          -Wno-missing-field-initializers -Wno-unused-parameter -Werror
CFLAGS_ALL := -std=c11 -D_GNU_SOURCE -DBERTH_VERSION='"$(VERSION)"' -I. -I$(B) -g -pthread \
          -fno-omit-frame-pointer $(if $(SAN),-O1 -fsanitize=$(SAN),-O2) $(WARN) $(CFLAGS)
LDFLAGS_ALL := -pthread $(if $(SAN),-fsanitize=$(SAN)) $(LDFLAGS)

LIBS_API     := -lsodium -ljansson -lm
LIBS_BROKER  := -lmicrohttpd -lcrypt $(LIBS_API)
LIBS_CONTROL := -lpq -lmicrohttpd -lnats -lcrypto $(LIBS_API)
LIBS_CLI     := -lcurl $(LIBS_API)
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
$(B)/controlplane.a: $(call obj,$(call src,controlplane)) $(B)/queries.o
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
	@sed -n 's/^-- name: \([a-z0-9_]*\)$$/STATEMENT(\1)/p' $< > $@
$(B)/queries.o: $(B)/queries.sql
	@cd $(B) && ld -r -b binary -z noexecstack -o queries.o queries.sql

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
tests := $(wildcard tests/unit/*/*/test_$(or $(T),*).c)
units := $(patsubst %.c,$(B)/%,$(tests))
runs  := $(addsuffix .ok,$(units))
$(units): $(B)/%: $(B)/%.o $(B)/testlib.a $(B)/controlplane.a $(B)/dataplane.a $(B)/api.a
	@$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS_TEST)
$(runs): %.ok: %
	@$< > $@.log 2>&1 && touch $@ && echo "ok   $(notdir $<)" || \
	    { cat $@.log; echo "FAIL $(notdir $<)"; exit 1; }
unit: $(runs)

.PHONY: all unit
.SECONDARY:
-include $(shell find build -name '*.d' 2>/dev/null)
