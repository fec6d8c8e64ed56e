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

// Boots the VM and has everything measured; each sample is handed on once it is known that the
// module got all that was sent. Throws std::runtime_error with the reason if anything was lost,
// crashed, or is missing.
void run(const Subject &subject, const Effort &effort, const Paths &paths,
         const std::function<void(const Sample &)> &sample);

// How many samples that will be.
unsigned samples_of(const Subject &subject, const Effort &effort);

} // namespace bench
