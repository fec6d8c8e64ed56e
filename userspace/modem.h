// SPDX-License-Identifier: GPL-2.0
#pragma once

#include "module.h"
#include "result.h"

#include <chrono>

// A module's WDA service. Commands are written against this; tests pass a fake.
class Modem {
  public:
    static constexpr std::chrono::seconds default_timeout{10};

    virtual ~Modem() = default;

    // How long each of the requests below may take, the first contact included. Modules need
    // seconds for that after power-up.
    virtual void set_timeout(std::chrono::seconds timeout) = 0;

    // Both fail with a clear message if the module does not answer in time, and with the code
    // EOPNOTSUPP if it has no WDA service, as very old ones.
    virtual Result<WdaFormat> data_format(const Endpoint &endpoint) = 0;
    // The answer is what the module will do, which need not be what was asked for.
    virtual Result<WdaFormat> set_data_format(const Endpoint &endpoint,
                                              const WdaFormat &wanted) = 0;
};
