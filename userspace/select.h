// SPDX-License-Identifier: GPL-2.0
#pragma once

#include "kernel.h"

// The one module that DEV means: a netdev of its own or of one of its PDNs, the control node, the
// USB path, or the beginning of one of these if no other module has such. An empty DEV is the only
// module there is. Otherwise an error that lists the modules.
Result<Module> select_module(Kernel &kernel, const std::string &device);

// The same, but the module must be driven by our qmi_wwan_q, so that it can be set.
Result<Module> select_settable(Kernel &kernel, const std::string &device);

// The same, but the module must have a control node, so that it can be asked.
Result<Module> select_with_control(Kernel &kernel, const std::string &device);
