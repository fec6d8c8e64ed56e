// SPDX-License-Identifier: GPL-2.0
// The command line: what is understood, what is not, and the exit status.
#include "bench.h"
#include "version.h"

#include <algorithm>
#include <gtest/gtest.h>

namespace {

// One line that begins with the program's name.
void expect_one_line(const std::string &err, const std::string &about) {
    EXPECT_TRUE(err.starts_with("qmapctl: ")) << err;
    EXPECT_EQ(std::ranges::count(err, '\n'), 1) << err;
    EXPECT_NE(err.find(about), std::string::npos) << err << about;
}

TEST(Cli, BadInputIsRefusedInOneLine) {
    struct Case {
        std::vector<const char *> arguments;
        const char *about;
    };
    const Case cases[] = {
        {{"foo"}, "'foo' is not understood; qmapctl takes one of status, setup, mode"},
        {{"--foo"}, "'--foo'"},
        {{"status", "wwan0", "wwan1"}, "'wwan1' is not understood"},
        {{"mode"}, "qmapctl mode takes one of get, set"},
        {{"mode", "foo"}, "qmapctl mode takes one of get, set"},
        {{"mode", "set"}, "N is required; see 'qmapctl mode set --help'"},
        {{"mode", "set", "9"}, "'9' is no qmap_mode: a number from 0 to 8"},
        {{"mode", "set", "four"}, "'four' is no qmap_mode"},
        {{"mode", "set", ""}, "'' is no qmap_mode"},
        {{"mode", "set", "--", "-1"}, "'-1' is no qmap_mode"},
        {{"mode", "set", "4294967296"}, "'4294967296' is no qmap_mode"},
        {{"mux", "add"}, "ID is required"},
        {{"mux", "add", "0"}, "'0' is no mux id: a number from 1 to 254"},
        {{"mux", "add", "255"}, "'255' is no mux id"},
        {{"mux", "del", "0x100"}, "'0x100' is no mux id"},
        {{"link", "up"}, "PDN is required"},
        {{"link", "sideways", "1"}, "qmapctl link takes one of up, down"},
        {{"stats", "-w=0"}, "'0' is no interval: -w=SECONDS, 0.1 to 86400"},
        {{"stats", "-w=x"}, "'x' is no interval"},
        {{"stats", "-w=nan"}, "'nan' is no interval"},
        {{"stats", "-w=1e9"}, "'1e9' is no interval"},
        {{"-d"}, "--device"},
        {{"-d", "wwan0", "mode", "get", "wwan1"}, "two modules are named: 'wwan0' and 'wwan1'"},
        {{"-d", "", "mode", "get"}, "'' names no module"},
        {{"mode", "get", "nonesuch"}, "no module is 'nonesuch'; there is wwan0"},
        {{"mode", "get", "\x1b[2J"}, "no module is '?[2J'"},
        {{"\x1b[2J"}, "'?[2J' is not understood"},
    };
    for (const Case &c : cases) {
        Bench bench;
        bench.kernel.there = {ec25()};
        EXPECT_EQ(bench.run(c.arguments), 2) << c.about;
        expect_one_line(bench.err, c.about);
        EXPECT_EQ(bench.out, "");
        EXPECT_TRUE(bench.kernel.calls.empty());
    }
}

TEST(Cli, DeviceByOptionOrByPlace) {
    Bench bench;
    bench.kernel.there = {ec25(), rm500q()};
    for (const std::vector<const char *> &arguments : {std::vector{"mode", "get", "wwan1"},
                                                       {"-d", "wwan1", "mode", "get"},
                                                       {"mode", "get", "-d", "wwan1"},
                                                       {"mode", "-d", "wwan1", "get"},
                                                       {"mode", "get", "--device=wwan1"},
                                                       {"-d", "wwan1", "mode", "get", "wwan1"}}) {
        EXPECT_EQ(bench.run(arguments), 0) << bench.err;
        EXPECT_EQ(bench.out, "1\n");
    }
}

TEST(Cli, WhatFailsIsSaidOnce) {
    Bench bench;
    bench.kernel.failed = Error{"can't open a netlink socket: none left"};
    for (const std::vector<const char *> &arguments : {std::vector<const char *>{},
                                                       {"status"},
                                                       {"status", "x"},
                                                       {"mode", "get"},
                                                       {"mode", "set", "1"},
                                                       {"mux", "list"},
                                                       {"mux", "add", "1"},
                                                       {"mux", "del", "1"},
                                                       {"link", "up", "1"},
                                                       {"link", "down", "wwan0"},
                                                       {"monitor", "wwan0"},
                                                       {"stats"},
                                                       {"stats", "wwan0"}}) {
        EXPECT_EQ(bench.run(arguments), 1);
        EXPECT_EQ(bench.err, "qmapctl: can't open a netlink socket: none left\n");
        EXPECT_EQ(bench.out, "");
    }
}

TEST(Cli, VersionIsPrinted) {
    Bench bench;
    EXPECT_EQ(bench.run({"--version"}), 0);
    EXPECT_EQ(bench.out, "qmapctl " QMIQ_VERSION "\n");
    EXPECT_EQ(bench.err, "");
}

TEST(Cli, HelpIsForEachCommand) {
    Bench bench;
    EXPECT_EQ(bench.run({"--help"}), 0);
    for (const char *text : {"status", "monitor", "--dry-run", "Exit status"})
        EXPECT_NE(bench.out.find(text), std::string::npos) << text;
    EXPECT_EQ(bench.run({"mux", "add", "--help"}), 0);
    EXPECT_NE(bench.out.find("Make one"), std::string::npos) << bench.out;
    EXPECT_EQ(bench.err, "");
}

} // namespace
