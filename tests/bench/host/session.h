// SPDX-License-Identifier: GPL-2.0
// One subject's VM, with the virtual module of this process plugged into it.
#pragma once

#include "figures.h"
#include "plan.h"

#include <functional>
#include <set>
#include <string>

namespace bench {

struct Effort {
    uint64_t packets; // of a run
    unsigned runs;
    std::set<std::string, std::less<>> scenarios; // empty: all
};

struct Paths {
    std::string run_vm; // tests/vm/run-vm
    std::string guest;  // build/bench_guest
    std::string tc;     // iproute2's
    std::string log;    // what the VM prints goes here
};

// What else is done with the VM, for profilers and debugging.
struct Extras {
    std::vector<std::string> options; // of run-vm
    std::string modules;              // of the kernel
    std::string finally;              // shell command in the VM, when all is measured
};

// Boots one of the subject's VMs and has everything measured; each sample is handed on once it is
// known that the module got all that was sent. 'counts' is false if TCP sent something again
// although nothing was lost: the VM, or the module, has been kept from running, and the figure
// tells of that. Throws std::runtime_error with the reason if anything was lost, crashed, or is
// missing.
void run(const Subject &subject, GuestClock clock, const Effort &effort, const Paths &paths,
         const Extras &extras, const std::function<void(const Sample &, bool counts)> &sample);

// How many samples that will be.
unsigned samples_of(const Subject &subject, GuestClock clock, const Effort &effort);

} // namespace bench
