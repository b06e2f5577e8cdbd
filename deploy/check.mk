# make e2e         the end-to-end tests: real programs, registry and engine (T=tests/e2e/one_tag.sh: just that one)
# make unit-arm64  the core compiled for aarch64 and its tests run by qemu-user: of the tests, never of the product
.PHONY: packages-test schema e2e unit-arm64
packages-test:
	@deploy/packages.sh build run test

schema:
	@tests/schema

e2e: $(PROGS)
	@tests/e2e/run $(T)

# Each in a make of its own: pkg-config is asked when a Makefile is read, and the packages come first.
check: packages-test
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory all unit schema
	@$(MAKE) --no-print-directory e2e

ARM64_ROOT := $(CURDIR)/build/arm64/root
$(ARM64_ROOT): deploy/packages.sh deploy/debian-root.sh
	@deploy/packages.sh build cross
	@rm -rf $@ $@.new
	@deploy/debian-root.sh arm64 $@.new $$(deploy/packages.sh --list build) check
	@mv $@.new $@ && touch $@

unit-arm64: $(ARM64_ROOT)
	@PKG_CONFIG_LIBDIR=$</usr/lib/aarch64-linux-gnu/pkgconfig:$</usr/share/pkgconfig PKG_CONFIG_SYSROOT_DIR=$< \
	CPPFLAGS=--sysroot=$< LDFLAGS=--sysroot=$< UNIT_RUNNER="qemu-aarch64 -L $<" \
	$(MAKE) --no-print-directory CC=aarch64-linux-gnu-gcc T=coordinator/core unit
