# make             the three programs, in build/bin/   make check       every test, and lint
# make quickstart  one image, two platforms, here      make quickstart-stop  end what that started
# make lint        floors, SQL, JSON, headers, names   make unit        the tests beside the code
# make bench       our own share of a build, ratios    make clean
# SAN=1 (address, undefined), SAN=thread, CC=clang, MARCH=x86-64-v3, VERBOSE=1: any of these; each variant has its own folder.

CC      ?= cc
SAN     ?= 0
PKGS    := libevent libevent_openssl libevent_pthreads libwebsockets sqlite3 jansson libcurl openssl libarchive zlib libzstd inih
VERSION := 0.1.0
V       := $(notdir $(CC))$(if $(filter 1,$(SAN)),-san)$(if $(filter thread,$(SAN)),-tsan)$(if $(MARCH),-$(MARCH))
B       := build/$V
BIN     := $(if $(filter cc gcc,$V),build/bin,$B/bin)

# Asked once and not for every object. On a new machine check and quickstart install what is missing.
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null | sed 's/-I/-isystem/g')
PKG_LIBS   := $(shell pkg-config --libs $(PKGS) 2>/dev/null)
ifeq ($(PKG_LIBS)$(filter check quickstart% packages% unit-arm64 clean,$(MAKECMDGOALS)),)
$(error libraries are missing: deploy/packages.sh build test installs them)
endif

CPPFLAGS += -I. -D_GNU_SOURCE -DMANIFOLD_VERSION='"$(VERSION)"' $(PKG_CFLAGS)
CFLAGS   += -std=c17 -g -O2 $(if $(MARCH),-march=$(MARCH)) -Wall -Wextra -Wpedantic -Werror -Wshadow -Wconversion \
            -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -Wvla -Wformat=2 -pthread
LDFLAGS  += -pthread -Wl,--as-needed
LDLIBS   += $(PKG_LIBS)
comma    := ,
SANFLAGS := $(if $(filter 1,$(SAN)),-fsanitize=address$(comma)undefined -fno-sanitize-recover=all) \
            $(if $(filter thread,$(SAN)),-fsanitize=thread)
ifneq ($(SAN),0)
CFLAGS   += $(SANFLAGS) -fno-omit-frame-pointer
LDFLAGS  += $(SANFLAGS)
endif

AREAS  := common coordinator worker cli
SRCS   := $(shell find $(AREAS) -name '*.c' | sort)
TESTS  := $(filter %_test.c,$(SRCS))
LIB    := $(filter-out %_test.c %/main.c,$(SRCS))
SQL    := $(wildcard schema/sql/*.sql)
PROGS  := $(BIN)/manifold-coordinator $(BIN)/manifold-worker $(BIN)/manifold
TBINS  := $(TESTS:%.c=$B/%)
SQL_O  := $(SQL:%.sql=$B/%.o)

# The file's name instead of its command, which VERBOSE=1 shows.
say    = $(if $(VERBOSE),,@echo "  $1"; )

# $1: area. Its objects in one archive; the same with fault points for the tests.
objs   = $(patsubst %.c,$B/%.o,$(filter $1/%,$(LIB))) $(if $(filter coordinator,$1),$(SQL_O))
fobjs  = $(patsubst %.c,$B/fault/%.o,$(filter $1/%,$(LIB))) $(if $(filter coordinator,$1),$(SQL_O))

.PHONY: all check unit lint clean
.DELETE_ON_ERROR:
.SECONDARY:
all: $(PROGS)

$(BIN)/manifold-coordinator: $B/coordinator/main.o $B/libcoordinator.a $B/libcommon.a
$(BIN)/manifold-worker: $B/worker/main.o $B/libworker.a $B/libcommon.a
$(BIN)/manifold: $B/cli/main.o $B/libcli.a $B/libcommon.a
$(PROGS):
	@mkdir -p $(@D)
	$(call say,link $@)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

define area
$B/lib$1.a: $(call objs,$1)
$B/fault/lib$1.a: $(call fobjs,$1)
$(filter $B/$1/%,$(TBINS)): $B/%: $B/fault/%.o $B/fault/lib$1.a $B/fault/libcommon.a
endef
$(foreach a,$(AREAS),$(eval $(call area,$a)))
$B/%.a:
	@mkdir -p $(@D)
	@rm -f $@
	$(call say,ar $@)ar rcs $@ $^

$(TBINS):
	@mkdir -p $(@D)
	$(call say,link $@)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS) $(shell pkg-config --libs check)

$B/%.o: %.c
	@mkdir -p $(@D)
	$(call say,cc $<)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$B/fault/%.o: %.c
	@mkdir -p $(@D)
	$(call say,cc $< (with faults))$(CC) $(CPPFLAGS) -DWITH_FAULTS $(CFLAGS) -MMD -MP -c -o $@ $<

$B/schema/sql/%.c: schema/sql/%.sql
	@mkdir -p $(@D)
	@{ echo 'extern const char schema_$*[]; const char schema_$*[] ='; \
	  sed 's/[\\"]/\\&/g; s/^/"/; s/$$/\\n"/' $<; echo ';'; } > $@

$B/schema/sql/%.o: $B/schema/sql/%.c
	$(call say,cc $<)$(CC) $(CFLAGS) -Wno-overlength-strings -c -o $@ $<

# One area's tests: make unit T=common/oci
unit: $(filter $B/$(T)%,$(TBINS))
	@tests/unit $^

lint:
	@tests/lint

clean:
	rm -rf build

include $(wildcard deploy/*.mk)
-include $(shell find $B -name '*.d' 2>/dev/null)
