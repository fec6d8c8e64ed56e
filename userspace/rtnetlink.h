// SPDX-License-Identifier: GPL-2.0
#pragma once

#include "module.h"
#include "result.h"

// Links and addresses, by libnl-route.

// Fills in what netdevs have: state, carrier, MTU, addresses, counters. A netdev that has gone
// stays as it is.
Status read_links(std::vector<Module> &modules);
