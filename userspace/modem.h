// SPDX-License-Identifier: GPL-2.0
#pragma once

#include "module.h"
#include "result.h"

// A module's WDA service. Commands are written against this; tests pass a fake.
class Modem {
  public:
    virtual ~Modem() = default;

    // Both fail with a clear message if the module does not answer in time.
    virtual Result<WdaFormat> data_format(const Endpoint &endpoint) = 0;
    // The answer is what the module will do, which need not be what was asked for.
    virtual Result<WdaFormat> set_data_format(const Endpoint &endpoint,
                                              const WdaFormat &wanted) = 0;
};
