// SPDX-License-Identifier: GPL-2.0
#pragma once

#include "kernel.h"

// The kernel that the program runs on.
class LinuxKernel : public Kernel {
  public:
    Result<std::vector<Module>> modules() override { return std::vector<Module>{}; }
    Result<std::map<std::string, uint64_t>> counters(const Module &) override {
        return failure("not there yet");
    }
    Status set_mode(const Module &, uint32_t) override { return failure("not there yet"); }
    Status set_format(const Module &, const WdaFormat &) override {
        return failure("not there yet");
    }
    Status set_link(const Module &, uint32_t, bool) override { return failure("not there yet"); }
    Result<Pdn> add_mux(const Module &, uint32_t) override { return failure("not there yet"); }
    Status delete_mux(const Module &, uint32_t) override { return failure("not there yet"); }
    Status set_up(unsigned, bool) override { return failure("not there yet"); }
    Status monitor(const std::function<bool(const Event &)> &) override {
        return failure("not there yet");
    }
    Clock::time_point now() override { return Clock::now(); }
    void sleep(Clock::duration) override {}
};
