// SPDX-License-Identifier: GPL-2.0
#pragma once

#include "modem.h"

#include <optional>

// A module that agrees to what it is asked, unless a test says otherwise.
class FakeModem : public Modem {
  public:
    WdaFormat format;                // in force
    std::optional<WdaFormat> answer; // to every request
    std::optional<Error> refusal;
    std::vector<Endpoint> asked; // by whom, in order

    std::chrono::seconds timeout = default_timeout;

    void set_timeout(std::chrono::seconds time) override { timeout = time; }
    Result<WdaFormat> data_format(const Endpoint &endpoint) override {
        asked.push_back(endpoint);
        if (refusal)
            return tl::unexpected(*refusal);
        return format;
    }
    Result<WdaFormat> set_data_format(const Endpoint &endpoint, const WdaFormat &wanted) override {
        asked.push_back(endpoint);
        if (refusal)
            return tl::unexpected(*refusal);
        return format = answer.value_or(wanted);
    }
};
