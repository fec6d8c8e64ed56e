# SPDX-License-Identifier: GPL-2.0
# The front door. tests/Makefile builds what runs in user space and the driver for the test VMs.

# Headers of the kernel that 'modules' builds for.
KDIR ?= $(wildcard /lib/modules/$(shell uname -r)/build)
# The virtual modem of 'demo': any profile that vmodem knows.
DEMO_MODEM ?= ec25
# Tests that need the debug kernel, for its failing allocations and its mended vhci_hcd.
debug_only := *NoMemory*:*UnplugMidway*
# Tests that measure memory, which the debug kernel keeps for its own ends.
stock_only := *ReceiveMemory*
# What bench-check measures: short runs of what users do most, on the two ends of the range.
bench_check := --packets 10000 --runs 3
bench_checked := ec25 rm500q udp-down-1400 udp-down-64 udp-up-1400 udp-up-64 tcp-down tcp-up \
    forward-udp-down forward-tcp-down forward-tcp-up
failing_caches := skbuff_head_cache,skbuff_fclone_cache,kmalloc-192,kmalloc-512,kmalloc-1k,kmalloc-2k,kmalloc-4k,kmalloc-8k

.PHONY: help
help: ## List the targets
	@echo "Targets:"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' Makefile

.PHONY: modules
modules: ## Build driver/qmi_wwan_q.ko for KDIR=<headers> (default: the running kernel's)
	@test -n "$(KDIR)" || { echo "no headers of the running kernel ($$(uname -r)) found:" \
	    "install them, or name others by 'make modules KDIR=<headers>'" >&2; exit 1; }
	$(MAKE) -C $(KDIR) M=$(CURDIR)/driver modules

.PHONY: tools
tools: ## Build userspace/qmapctl
	@tests/packages tools
	@$(MAKE) --no-print-directory -C userspace qmapctl

.PHONY: install uninstall
install: tools ## Install qmapctl and its udev rule, systemd unit, man page (PREFIX=/usr/local DESTDIR=)
	@$(MAKE) --no-print-directory -C userspace install
	@test -n "$(DESTDIR)" || ! command -v udevadm >/dev/null || udevadm control --reload || true

uninstall: ## Remove what 'make install' put there
	@$(MAKE) --no-print-directory -C userspace uninstall

# What is copied elsewhere to be built there, without what builds have left in it.
copy_sources = tar -c --exclude='*.o' --exclude='*.ko' --exclude='*.mod' --exclude='*.mod.c' \
    --exclude='.*.cmd' --exclude=compat/features.h --exclude=Module.symvers --exclude=modules.order --exclude=.tmp_versions \
    --exclude=userspace/qmapctl $(1) | tar -x -C $(2)

version := $(shell sed -n 's/.*QMIQ_VERSION "\(.*\)"/\1/p' driver/version.h)
dkms_source := /usr/src/qmi_wwan_q-$(version)

.PHONY: dkms-install dkms-remove
dkms-install: ## Hand the driver to DKMS, which builds it for this kernel and those to come
	@command -v dkms >/dev/null || { echo "dkms is missing: apt install dkms" >&2; exit 1; }
	@test ! -e $(dkms_source) || $(MAKE) --no-print-directory dkms-remove
	mkdir -p $(dkms_source)
	$(call copy_sources,COPYING dkms.conf driver,$(dkms_source))
	dkms add -m qmi_wwan_q -v $(version)
	dkms install -m qmi_wwan_q -v $(version) $(if $(KVER),-k $(KVER))

dkms-remove: ## Undo dkms-install, for all kernels
	dkms remove -m qmi_wwan_q -v $(version) --all
	rm -rf $(dkms_source)

.PHONY: deb
deb: ## Build the Debian packages qmi-wwan-q-dkms and qmapctl into build/deb/
	@tests/packages tools deb
	rm -rf build/deb
	mkdir -p build/deb/source
	$(call copy_sources,COPYING CHANGELOG.md README.md dkms.conf debian driver userspace,build/deb/source)
	cd build/deb/source && dpkg-buildpackage -b -us -uc
	rm -rf build/deb/source

.PHONY: demo
demo: ## Plug in a virtual modem in a VM, dial, and use the connection (DEMO_MODEM=ec25|rm500q|...)
	@tests/packages build vm
	@$(MAKE) --no-print-directory -C tests programs driver
	@tests/vm/demo $(DEMO_MODEM)

.PHONY: test
test: ## Run everything: test-unit, test-vm, test-system and bench-check
	@rm -rf build/results
	@status=0; for target in test-unit test-vm test-system bench-check; do \
	    $(MAKE) --no-print-directory $$target || status=1; done; \
	tests/summary && exit $$status

.PHONY: test-unit
test-unit: ## Unit tests, with sanitizers, and the tests of the log gate and compat/probe: no VM, seconds
	@tests/packages build tools
	@$(MAKE) --no-print-directory -C tests unit_tests
	@$(MAKE) --no-print-directory -C userspace tests
	@status=0; tests/record unit build/unit_tests || status=1; \
	tests/record qmapctl build/qmapctl_tests || status=1; \
	tests/record log-gate tests/vm/log-gate-test || status=1; \
	tests/record compat tests/unit/compat-test || status=1; \
	tests/record version tests/version-test || status=1; exit $$status

.PHONY: test-vm
test-vm: ## Tests of the driver in VMs on Debian's kernel, and of the VM runner
	@tests/packages build tools vm clients
	@$(MAKE) --no-print-directory -C tests vm_tests programs driver in_tree
	@$(MAKE) --no-print-directory -C userspace qmapctl
	@status=0; TESTS='$(or $(TESTS),-$(debug_only))' tests/vm/test-vm vm --timeout 1500 || status=1; \
	tests/record runner tests/vm/run-vm-test || status=1; exit $$status

.PHONY: matrix
matrix: ## The same on each kernel that Debian has, 5.10 to the newest, and on arm64 (KERNELS='5.10 arm64'; ENDS=1: boots three)
	@tests/packages build tools vm clients matrix
	@$(MAKE) --no-print-directory -C tests vm_tests programs
	@$(MAKE) --no-print-directory -C userspace qmapctl
	@TESTS='$(TESTS)' EXCEPT='$(debug_only)' tests/vm/matrix $(if $(ENDS),--ends) $(KERNELS)

.PHONY: test-system
test-system: ## Plug and play (udev, systemd, ModemManager) in a Debian system in a VM (installs it once: minutes)
	@tests/packages vm tools system
	@$(MAKE) --no-print-directory -C tests programs driver
	@$(MAKE) --no-print-directory -C userspace qmapctl
	@tests/record system tests/vm/test-system

.PHONY: test-deb
test-deb: ## The Debian packages in clean trees of bookworm and trixie and in VMs (as root; SUITES=trixie: there alone)
	@tests/packages build tools vm trees
	@$(MAKE) --no-print-directory -C tests programs
	@status=0; for suite in $(or $(SUITES),bookworm trixie); do \
	    tests/record deb-$$suite tests/deb/test-deb $$suite || status=1; done; exit $$status

.PHONY: bench
bench: bench-programs ## Measure what packets cost, with this driver and others (BENCH='rm500q tcp-down': that alone)
	@build/bench --reference tests/bench/vendor.json \
	    $(or $(BENCH),--json build/bench.json --chart build/bench.svg)

.PHONY: bench-profile
bench-profile: bench-programs ## Where the instructions go, by function (BENCH='rm500q tcp-down')
	@tests/bench/profile/profile $(BENCH)

.PHONY: bench-check
bench-check: bench-programs ## Fail if a packet costs 5 % more than tests/bench/baseline.json says
	@tests/record bench build/bench $(bench_check) --check tests/bench/baseline.json

.PHONY: bench-baseline
bench-baseline: bench-programs ## Measure anew what bench-check holds the driver to
	@build/bench $(bench_check) $(bench_checked) --baseline tests/bench/baseline.json

.PHONY: bench-programs
bench-programs:
	@tests/packages build vm bench
	@$(MAKE) --no-print-directory -C tests bench driver

.PHONY: test-debug
test-debug: ## The same tests on a kernel with KASAN, lockdep, kmemleak... (builds it once: 10 minutes)
	@tests/packages build tools vm clients debug
	@$(MAKE) --no-print-directory -C userspace qmapctl
	@kernel=$$(tests/vm/debug-kernel) && \
	$(MAKE) --no-print-directory -C tests vm_tests programs driver in_tree KERNEL="$$kernel" && \
	TESTS='$(or $(TESTS),-$(stock_only))' tests/vm/test-vm debug --timeout 2400 --kernel-dir "$$kernel" --append "slub_debug=A,$(failing_caches)"

.PHONY: lint
lint: ## W=1, sparse and checkpatch on the driver, shellcheck on scripts, clang-tidy and clang-format on C++
	@tests/packages build tools vm lint
	@tests/record lint tests/lint

.PHONY: clean
clean: ## Remove what was built (not the kernels in ~/.cache/qmi_wwan_q)
	rm -rf build userspace/qmapctl
	find driver \( -name '*.o' -o -name '*.ko' -o -name '*.mod' -o -name '*.mod.c' -o -name '.*.cmd' \
	    -o -name 'Module.symvers' -o -name modules.order -o -name features.h \) -delete
