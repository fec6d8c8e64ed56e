// SPDX-License-Identifier: GPL-2.0
#pragma once

#include "fake_kernel.h"
#include "fake_modem.h"

#include <string>
#include <vector>

// The whole program above a kernel and a modem that are fakes.
struct Bench {
    FakeKernel kernel;
    FakeModem modem;
    std::string out, err; // of the last run

    // The exit status.
    int run(std::vector<const char *> arguments);
};

// An EC25 in qmap_mode 4 as our driver tells of it: wwan0, wwan0.1 (up, carrier) to wwan0.4.
Module ec25();
// An RM500Q in qmap_mode 1: wwan1.
Module rm500q();
