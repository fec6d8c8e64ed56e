// SPDX-License-Identifier: GPL-2.0
#pragma once

#include "kernel.h"

// The kernel that the program runs on: sysfs, netlink and ethtool put together.
class LinuxKernel : public Kernel {
  public:
    Result<std::vector<Module>> modules() override;
    Result<std::map<std::string, uint64_t>> counters(const Module &module) override;

    Status set_mode(const Module &module, uint32_t mode) override;
    Status set_format(const Module &module, const WdaFormat &agreed) override;
    Status set_link(const Module &module, uint32_t mux_id, bool up) override;
    Result<Pdn> add_mux(const Module &module, uint32_t mux_id) override;
    Status delete_mux(const Module &module, uint32_t mux_id) override;

    Status monitor(const std::function<bool(const Event &)> &on_event) override;

    Clock::time_point now() override;
    void sleep(Clock::duration time) override;
};

// Both views of the modules as one: `found` are those of sysfs, to which what the driver tells by
// netlink is added. A module that sysfs does not have (yet) is there too.
std::vector<Module> merge(std::vector<Module> found, std::vector<Module> told);
