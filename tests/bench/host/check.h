// SPDX-License-Identifier: GPL-2.0
// Figures held against those of before.
#pragma once

#include "figures.h"

#include <string>

namespace bench {

struct Verdict {
    bool good;        // no figure is 5 % above the baseline's, and none is missing
    std::string text; // a test for each figure of the baseline, in GoogleTest's notation
};

Verdict hold_against(const Figures &baseline, const Figures &figures);

} // namespace bench
