# Audio Latency Tracker. `make demo` and `make test` need nothing typed before them.
BUILD ?= build
CMAKE_FLAGS ?=
JOBS ?= $(shell nproc)
.DEFAULT_GOAL := help
.PHONY: help setup configure build demo test test-unit test-bpf test-e2e check fix asan fuzz fuzz-smoke bench image test-image test-cluster chart clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install the Debian packages that are missing
	@scripts/setup.sh test

configure:
	@cmake -S . -B $(BUILD) -G Ninja $(CMAKE_FLAGS) >$(BUILD).configure.log 2>&1 || { cat $(BUILD).configure.log; exit 1; }
	@rm -f $(BUILD).configure.log

build: ## build/audio-latency, the examples and the tests
	@scripts/setup.sh build
	@$(MAKE) --no-print-directory configure
	@cmake --build $(BUILD) -j $(JOBS)

demo: ## play real speech through relays on lo, print injected against measured latency; FORMATS=1: every format into every other
	@scripts/setup.sh demo
	@$(MAKE) --no-print-directory build
	@AL_BUILD=$(abspath $(BUILD)) FORMATS=$(FORMATS) /usr/bin/python3 tests/e2e/demo.py

test: setup build check chart test-unit test-bpf test-e2e fuzz-smoke ## everything: style, unit, kernel and end-to-end tests, fuzzing smoke

# The tests of a label, so many at a time, and what was skipped and why, which ctest keeps to itself.
run_tests = @ctest --test-dir $(BUILD) -L '^$(1)$$' --output-on-failure -j $(2) --no-tests=error; status=$$?; \
	awk '/^skip / {print} /^\[ RUN / {name = $$4} /: Skipped$$/ {getline; print "skip " name ": " $$0}' $(BUILD)/Testing/Temporary/LastTest.log; exit $$status

test-unit: build ## tests that run anywhere in seconds
	$(call run_tests,unit,$(JOBS))

test-bpf: build ## the kernel program through BPF_PROG_TEST_RUN (root)
	$(call run_tests,bpf,$(JOBS))

test-e2e: build ## real traffic in network namespaces (root)
	$(call run_tests,e2e,2)

check: build ## clang-format, clang-tidy, shellcheck
	@scripts/check.sh $(BUILD)

fix: ## format the sources in place
	@scripts/check.sh --fix

asan: ## unit tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@$(MAKE) --no-print-directory test-unit BUILD=$(BUILD)-asan CMAKE_FLAGS='-DAL_SANITIZE=ON -DCMAKE_BUILD_TYPE=Debug'

fuzz: ## every fuzzer for FUZZ_SECONDS (default 600)
	@scripts/fuzz.sh $(BUILD)-fuzz $${FUZZ_SECONDS:-600}

fuzz-smoke:
	@scripts/fuzz.sh $(BUILD)-fuzz $${FUZZ_SECONDS:-3}

bench: ## ratios against yardsticks of the same run; writes build/bench.json
	@scripts/setup.sh bench
	@$(MAKE) --no-print-directory build
	@cmake --build $(BUILD) -j $(JOBS) --target benches
	@AL_BUILD=$(abspath $(BUILD)) /usr/bin/python3 tests/bench/bench.py

image: ## the container image, with buildah, podman or docker
	@scripts/image.sh

test-image: build image ## the image of `make image` under podman: privileged, with three capabilities, with none (root)
	@IMAGE=localhost/audio-latency-tracker:0.1.0 AL_BUILD=$(abspath $(BUILD)) /usr/bin/python3 tests/e2e/test_image.py

test-cluster: build ## pod watcher and chart on the cluster of KUBECONFIG; LOAD_IMAGE, RESTART_API_SERVER: docs/HACKING.md (root)
	@scripts/setup.sh chart
	@AL_BUILD=$(abspath $(BUILD)) /usr/bin/python3 tests/cluster/run.py

chart: ## lint, render and test the Helm chart
	@scripts/setup.sh chart
	@scripts/chart.sh

clean: ## remove what was built
	@rm -rf $(BUILD) $(BUILD)-asan $(BUILD)-fuzz
