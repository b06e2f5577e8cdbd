# make bench       our own share of a build, engine processes, and Manifold against two buildah by hand
.PHONY: bench
bench:
	@deploy/packages.sh build run test
	@$(MAKE) --no-print-directory all
	@tests/bench/run
