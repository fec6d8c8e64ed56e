// SPDX-License-Identifier: GPL-2.0
// What is measured: the subjects, each in a VM of its own, and their scenarios.
#pragma once

#include "../../modem/profile.h"

#include <map>
#include <span>
#include <string>
#include <vector>

namespace bench {

// Loads a driver and measures with it.
struct Step {
    std::string load;    // shell commands; empty: nothing
    std::string options; // of bench_guest
    std::vector<std::string_view> scenarios;
};

// What the guest's clock shows: how many instructions it has executed, to measure what packets
// cost; or real time, to measure latency, with the module's uplink at 50 Mbit/s.
enum class GuestClock { instructions, real };

struct Subject {
    std::string name;    // in JSON
    std::string heading; // two lines
    std::string profile; // of the virtual module; empty: none
    vmodem::UsbSpeed speed;
    std::string modules;                           // of the kernel, on top of those that all need
    std::map<GuestClock, std::vector<Step>> steps; // in a VM for each
    bool this_driver = false;
};

struct ScenarioTitle {
    std::string_view name, title;
    GuestClock clock;
};

// In the order of the table.
std::span<const ScenarioTitle> scenario_titles();

// The floor (what the stack and the system call cost without any driver), the in-tree driver, and
// this one on a module of each family.
std::vector<Subject> all_subjects();

} // namespace bench
