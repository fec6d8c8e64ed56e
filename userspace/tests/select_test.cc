// SPDX-License-Identifier: GPL-2.0
// Which module a user means.
#include "bench.h"
#include "select.h"

#include <gtest/gtest.h>

namespace {

TEST(Select, ByAnyNameOrTheBeginningOfOne) {
    FakeKernel kernel;
    kernel.there = {ec25(), rm500q()};
    for (const char *name :
         {"wwan0", "wwan0.3", "/dev/cdc-wdm0", "cdc-wdm0", "1-1:1.4", "1-1", "1", "wwan0."})
        EXPECT_EQ(select_module(kernel, name).value().usb_path, "1-1:1.4") << name;
    for (const char *name : {"wwan1", "cdc-wdm1", "2-1:1.4", "2-1", "2"})
        EXPECT_EQ(select_module(kernel, name).value().usb_path, "2-1:1.4") << name;
}

} // namespace
