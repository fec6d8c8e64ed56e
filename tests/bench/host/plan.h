// SPDX-License-Identifier: GPL-2.0
// What is measured: the subjects, each in a VM of its own, and their scenarios.
#pragma once

#include "../../modem/profile.h"

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

struct Subject {
    std::string name;    // in JSON
    std::string heading; // two lines
    std::string profile; // of the virtual module; empty: none
    vmodem::UsbSpeed speed;
    std::string modules; // kernel modules that come on top of those that all need
    std::vector<Step> steps;
    bool this_driver = false;
};

struct ScenarioTitle {
    std::string_view name, title;
};

// In the order of the table.
std::span<const ScenarioTitle> scenario_titles();

// The floor (what the stack and the system call cost without any driver), the in-tree driver, and
// this one on a module of each family.
std::vector<Subject> all_subjects();

} // namespace bench
