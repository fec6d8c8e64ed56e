// SPDX-License-Identifier: GPL-2.0
// Which module a user means.
#include "bench.h"
#include "select.h"

#include <gtest/gtest.h>

namespace {

std::string refusal(FakeKernel &kernel, const std::string &device) {
    const Result<Module> module = select_module(kernel, device);
    return module ? "" : module.error().message;
}

TEST(Select, ByAnyNameOrTheBeginningOfOne) {
    FakeKernel kernel;
    kernel.there = {ec25(), rm500q()};
    for (const char *name :
         {"wwan0", "wwan0.3", "wwan0.", "/dev/cdc-wdm0", "cdc-wdm0", "1-1:1.4", "1-1", "1"})
        EXPECT_EQ(select_module(kernel, name).value().usb_path, "1-1:1.4") << name;
    for (const char *name : {"wwan1", "cdc-wdm1", "2-1:1.4", "2-1", "2"})
        EXPECT_EQ(select_module(kernel, name).value().usb_path, "2-1:1.4") << name;
}

TEST(Select, TheOnlyOneNeedsNoName) {
    FakeKernel kernel;
    kernel.there = {rm500q()};
    EXPECT_EQ(select_module(kernel, "").value().netdev, "wwan1");
}

TEST(Select, AWholeNameIsNoBeginning) {
    FakeKernel kernel;
    kernel.there = {ec25(), rm500q()};
    kernel.there[1].usb_path = "1-10:1.4";
    EXPECT_EQ(select_module(kernel, "1-1").value().netdev, "wwan0");
    EXPECT_EQ(select_module(kernel, "1-10").value().netdev, "wwan1");
}

TEST(Select, SeveralAreListedInOneLine) {
    FakeKernel kernel;
    kernel.there = {ec25(), rm500q()};
    const std::string list = "wwan0 (Quectel EC25), wwan1 (Quectel RM500Q-GL)";
    EXPECT_EQ(refusal(kernel, ""), "which module? Name one by -d: " + list);
    EXPECT_EQ(refusal(kernel, "wwan"), "'wwan' may be any of " + list);
    EXPECT_EQ(refusal(kernel, "eth0"), "no module is 'eth0'; there is " + list);
    EXPECT_TRUE(select_module(kernel, "").error().usage);
}

TEST(Select, NoModule) {
    FakeKernel kernel;
    EXPECT_EQ(refusal(kernel, ""), "no module found on this machine: see 'lsusb'");
    EXPECT_FALSE(select_module(kernel, "").error().usage);
    kernel.failed = Error{"no netlink"};
    EXPECT_EQ(refusal(kernel, "wwan0"), "no netlink");
}

TEST(Select, OnlyOurDriverCanBeSet) {
    FakeKernel kernel;
    kernel.there = {ec25()};
    EXPECT_TRUE(select_settable(kernel, ""));

    kernel.there[0].q.reset();
    EXPECT_EQ(select_settable(kernel, "").error().message,
              "wwan0 (Quectel EC25) is driven by the vendor's qmi_wwan_q, which can't be set by "
              "netlink: load this project's driver of that name instead");
    kernel.there[0].driver = "qmi_wwan";
    EXPECT_EQ(select_settable(kernel, "").error().message,
              "wwan0 (Quectel EC25) is driven by qmi_wwan, which can't be set: load qmi_wwan_q "
              "instead");
    kernel.there[0].driver = "";
    kernel.there[0].netdev = "";
    EXPECT_EQ(select_settable(kernel, "").error().message,
              "1-1:1.4 (Quectel EC25) has no driver: see 'qmapctl status'");
}

} // namespace
