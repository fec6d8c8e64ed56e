// SPDX-License-Identifier: GPL-2.0
#pragma once

#include "kernel.h"
#include "modem.h"

#include <ostream>
#include <string>

// What every command gets.
struct Context {
    Kernel &kernel;
    Modem &modem;
    std::ostream &out;
    std::string device{}; // as typed; empty: none was named
    bool json = false;
    bool dry_run = false;
};
